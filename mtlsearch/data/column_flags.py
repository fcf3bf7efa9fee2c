"""What the command line says of columns, beside the tasks."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from mtlsearch.columns import RawTable
from mtlsearch.data.card import Card, ColumnCard, SourceCard, SplitCard
from mtlsearch.errors import DataError, UsageError, unknown

COLUMN_FLAGS = {
    "categorical": "category",
    "text": "text",
    "image": "image",
    "ignore": "ignore",
}
"""The flags that say what a column holds, and the types that they stand for."""


@dataclass(frozen=True)
class ColumnFlags:
    """Flags that say how columns are taken; they go before what a card says.

    Attributes:
        categorical: Columns of names, whatever they look like.
        text: Columns of free text.
        image: Columns of paths of pictures.
        ignore: Columns that are left out.
        missing: Words that stand for a missing value in every column.
        group: The column whose equal values stay together in a split.
        time: The column whose last rows are the test rows.
        split_column: The column with train / val / test.
    """

    categorical: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    image: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    split_column: str | None = None

    @property
    def types(self) -> list[tuple[str, str, str]]:
        """The flag, the column and its type, for each column that is named."""
        said = []
        for flag, kind in COLUMN_FLAGS.items():
            for name in getattr(self, flag):
                said.append((flag, name, kind))
        return said

    @property
    def words(self) -> tuple[str, ...]:
        """The flags that are given as the command line spells them."""
        words = []
        for name, value in self.to_json().items():
            flag = name.replace("_", "-")
            for word in [value] if isinstance(value, str) else value:
                words.append(f"--{flag} {word}")
        return tuple(words)

    def to_json(self) -> dict[str, Any]:
        """Return the flags that are given as plain values."""
        given = {}
        for name, value in asdict(self).items():
            if value:
                given[name] = list(value) if isinstance(value, tuple) else value
        return given

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Return the flags that `to_json` made the record of."""
        fields: dict[str, Any] = {}
        for name, value in record.items():
            fields[name] = tuple(value) if isinstance(value, list) else value
        return cls(**fields)

    def apply(self, card: Card, tables: Mapping[str, RawTable], where: str) -> Card:
        """Return the card with what the flags say.

        A column is looked for in every source.

        Raises:
            DataError: No source has a column that is named.
            UsageError: Flags contradict each other.
        """
        if self.split_column and self.time:
            raise UsageError("--split-column and --time exclude each other; give one of them")
        sources = dict(card.sources)
        for name, source in sources.items():
            missing = (*source.missing, *self.missing)
            sources[name] = source.model_copy(update={"missing": missing})
        for flag, column, kind in self.types:
            with_column = [name for name in sources if column in tables[name].cells.columns]
            if not with_column:
                known = _all_columns(tables.values())
                raise DataError(unknown(f"{where}: --{flag}: column", column, known))
            for name in with_column:
                sources[name] = _with_type(sources[name], column, kind)
        return card.model_copy(update={"sources": sources, "split": self._split(card.split)})

    def _split(self, split: SplitCard) -> SplitCard:
        update: dict[str, str | None] = {}
        if self.group:
            update["group"] = self.group
        if self.split_column or self.time:
            update["column"] = self.split_column
            update["time"] = self.time
        return split.model_copy(update=update)


NO_FLAGS = ColumnFlags()


def with_settings(table: RawTable, source: SourceCard) -> RawTable:
    """Return a table with what its source's card says of the columns."""
    settings = {}
    for name, column in source.columns.items():
        settings[name] = column.settings
    return replace(table, settings=settings, missing=source.missing)


def _with_type(source: SourceCard, column: str, kind: str) -> SourceCard:
    said = source.columns.get(column, ColumnCard())
    changed = said.model_copy(update={"type": kind})
    return source.model_copy(update={"columns": {**source.columns, column: changed}})


def _all_columns(tables: Iterable[RawTable]) -> set[str]:
    names: set[str] = set()
    for table in tables:
        names.update(map(str, table.cells.columns))
    return names
