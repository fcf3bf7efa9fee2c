"""What an input kind is: how a source's columns are recognised, encoded and shown to a network."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns import ColumnForm, RawTable, resolve
from mtlsearch.runtime.encoded_input import EncodedInput
from mtlsearch.runtime.encoding import Encoding, columns_of, encode, to_record


@dataclass(frozen=True)
class InputSchema(ABC):
    """What one row of a source is to a network: the same for every fold of a dataset.

    A backbone takes schemas, not kinds of input: a kind with the schema of another kind needs
    no backbone of its own.
    """

    @abstractmethod
    def example(self, rows: int) -> EncodedInput:
        """Return zeros as inputs of so many rows."""

    @abstractmethod
    def flatten(self, inputs: EncodedInput, train: Array) -> Array:
        """Return the inputs of N rows as a table, float [N, F], for models that know tables only.

        Categories and words are left to `category_codes` and `word_shares`. `train` are the numbers
        of the training rows: whatever is counted or fitted for the table is so on these.
        """

    @property
    def indicators(self) -> tuple[slice, ...]:
        """The columns of the flat table that are 0 or 1 for the categories of a column, by column.

        A row has a 1 for one category at most.
        """
        return ()

    def category_codes(self, inputs: EncodedInput) -> Array:
        """Return the codes of the categories that have any, int [N, columns]."""
        return np.zeros((_rows(inputs), 0), np.int64)

    def word_shares(self, inputs: EncodedInput, train: Array) -> Array:
        """Return which share of a text each frequent word is, float [N, words]."""
        return np.zeros((_rows(inputs), 0))


@dataclass(frozen=True)
class SourceColumns:
    """The columns `names` of a table that may be inputs.

    They are no targets, not ignored and not needed for the split.

    `non_test` [N] marks the rows that are not test rows. `lengths` is the column that the card
    names for the number of steps or tokens of each row. Errors begin with `where`.
    """

    raw: RawTable
    names: tuple[str, ...]
    non_test: Array
    lengths: str | None = None
    where: str = ""

    @property
    def table(self) -> pd.DataFrame:
        """The cells [N, columns]."""
        return self.raw.cells

    @property
    def arrays(self) -> list[str]:
        """The columns whose cells are arrays."""
        return [name for name in self.names if is_array(self.table[name])]

    @property
    def first_cell(self) -> Array | None:
        """The first cell of the first column of arrays; None where there is no such column."""
        arrays = self.arrays
        if not arrays:
            return None
        cell: Array = self.table[arrays[0]].iloc[0]
        return cell


@dataclass(frozen=True)
class SelectedColumns:
    """The inputs of a source: columns of float64 with NaN, of text, pictures or None, or of arrays.

    `lengths` names the one among them that says how long each row is; `left_out` gives the
    reason why any other column is no input. `forms` says of the columns of a table how they are
    encoded: numbers and booleans are float64, the others text or pictures. `types` says in a word
    what the columns of a table were taken for, those left out included, and `notices` what is
    doubtful about that.
    """

    inputs: pd.DataFrame
    lengths: str | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, ColumnForm] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def names_without_lengths(self) -> list[str]:
        """The names of the columns but for that of the lengths."""
        names = [str(name) for name in self.inputs]
        return [name for name in names if name != self.lengths]

    @property
    def arrays(self) -> dict[str, Array]:
        """The columns as arrays [N], or [N, ...], by their names."""
        return column_arrays(self.inputs)

    def take(self, rows: Array) -> "SelectedColumns":
        """Return some of the rows."""
        return replace(self, inputs=self.inputs.iloc[rows])


@dataclass(frozen=True)
class FittedInput:
    """How columns become what a network reads, fitted on the training rows of a fold."""

    schema: InputSchema
    encodings: tuple[Encoding, ...]

    def encode(self, inputs: pd.DataFrame) -> EncodedInput:
        """Return what a network reads of rows that have the columns it was fitted on."""
        return encode(self.encodings, column_arrays(inputs))

    @property
    def descriptions(self) -> dict[str, str]:
        """How each column is encoded, in words."""
        words = {}
        for encoding in self.encodings:
            for name in columns_of([encoding]):
                is_length = name == getattr(encoding, "lengths", None)
                words[name] = "says how long each row is" if is_length else encoding.description
        return words

    def to_json(self) -> list[dict[str, Any]]:
        """Return the records from which `runtime.encoding` makes the same encodings."""
        return [to_record(encoding) for encoding in self.encodings]


class InputKind(ABC):
    """A kind of input: an object without state, of which there is one, in the table `INPUT_KINDS`.

    `name` is how a card spells it, `schema` what a network reads of it, and `default_space` the
    search space that is taken where none is named. `has_lengths` and `has_tokenizer` say whether a
    card may name a column of lengths, or a tokenizer.
    """

    name: ClassVar[str]
    schema: ClassVar[type[InputSchema]]
    has_lengths: ClassVar[bool] = False
    has_tokenizer: ClassVar[bool] = False
    default_space: ClassVar[str] = "default"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"<input kind {self.name}>"

    def claims(self, cell: Array | None) -> bool:
        """Return whether a source is of this kind where its card does not say of which.

        `cell` is `SourceColumns.first_cell`. The first kind in the table that claims the
        source gets it. By default none does: a card must say so.
        """
        return False

    @abstractmethod
    def select(self, source: SourceColumns) -> SelectedColumns:
        """Return which columns are inputs and what they hold. Raises DataError.

        Only the rows that are not test rows decide.
        """

    @abstractmethod
    def fit(
        self,
        selected: SelectedColumns,
        non_test: Array,
        train: Array,
    ) -> FittedInput:
        """Return the encoder of the selected inputs.

        `non_test` are the numbers of all rows that are not test rows: they alone decide the
        schema. `train` are the training rows: they alone decide every fitted number.
        """

    def doubts(self, cell: Array | None) -> list[str]:
        """Say what else a source could be that was taken for this kind unasked.

        `cell` is `SourceColumns.first_cell`.
        """
        return []

    def describe(self, inputs: pd.DataFrame, schema: InputSchema) -> str:
        """Return in a few words what a row of these inputs holds."""
        return str(schema)


def _rows(inputs: EncodedInput) -> int:
    return len(inputs.arrays[0])


def is_array(column: "pd.Series[Any]") -> bool:
    """Return whether the cells of a column that are not missing are arrays of two axes or more."""
    if column.dtype != object:
        return False
    first = next((cell for cell in column if cell is not None), None)
    return isinstance(first, np.ndarray) and first.ndim > 1


def column_arrays(inputs: pd.DataFrame) -> dict[str, Array]:
    """Return the columns as arrays [N], or [N, ...] where all cells are arrays, by their names."""
    arrays = {}
    for name, column in inputs.items():
        if len(column) and is_array(column) and column.notna().all():
            array = np.stack(list(column))
        else:
            array = column.to_numpy()
        arrays[str(name)] = array
    return arrays


def column_of_numbers(source: SourceColumns, name: str) -> "pd.Series[Any]":
    """Return a column as float64; NaN where a cell is no number."""
    raw = source.raw.column(name)
    asked = replace(raw, settings=replace(raw.settings, type="number"))
    column = resolve(asked, source.non_test)
    if column.numeric:
        return pd.Series(column.values, dtype=np.float64)
    return pd.Series(np.nan, index=range(len(raw.cells)), dtype=np.float64)


def left_out(source: SourceColumns, inputs: Sequence[str], reason: str) -> dict[str, str]:
    """Return the reason for each column of the source that is not among these inputs."""
    return {name: reason for name in source.names if name not in inputs}
