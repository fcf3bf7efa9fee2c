"""From what the user names on the command line to a `Dataset`.

The user names an embedded problem, a card, or a table file and its tasks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtlsearch.data.assembly import assemble
from mtlsearch.data.card import LABELS, Card, OptionFlag, TaskFlag, from_flags, read_card
from mtlsearch.data.column_flags import NO_FLAGS, ColumnFlags
from mtlsearch.data.dataset import Dataset
from mtlsearch.data.problems import DEFAULT_PROBLEM, PROBLEMS, Problem
from mtlsearch.data.readers import (
    READERS,
    missing_file,
    read_table,
    require_columns,
    suffix_of,
)
from mtlsearch.errors import DataError, unknown

CARD_SUFFIXES = (".yaml", ".yml")
COLUMNS_SHOWN = 30  # at most, in an error message


@dataclass(frozen=True)
class Flags:
    """What the command line says of tasks."""

    tasks: Sequence[TaskFlag]
    options: Sequence[OptionFlag]

    def applied(self, card: Card, where: str) -> Card:
        """Return the card with the tasks that are named, and with their options."""
        return card.selected(where, self.tasks).with_options(where, self.options)


def load(
    data: str | None = None,
    tasks: Sequence[str] = (),
    columns: ColumnFlags = NO_FLAGS,
    options: Sequence[str] = (),
) -> Dataset:
    """Return the dataset that the user names.

    Args:
        data: The name of an embedded problem, or the path of a card or of a table file; the
            default problem where it is None.
        tasks: Task flags `NAME[:KIND[:METRIC]]`. A table file needs them; of a problem or a card
            they select tasks, and override their kind and metric.
        columns: What the command line says of columns.
        options: Options of tasks, such as `--importance NAME=3` or `--auxiliary NAME`.

    Raises:
        DataError: The data cannot be used.
        UsageError: A task flag cannot be read.
    """
    flags = Flags(
        tasks=[TaskFlag.parse(text) for text in tasks],
        options=[OptionFlag.parse(text) for text in options],
    )
    name = DEFAULT_PROBLEM if data is None else data
    path = Path(name).expanduser()
    where = name
    if path.is_file():
        where = str(path)
        if _is_card(path):
            card, tables = _from_card(path, flags)
        else:
            card, tables = _from_table(path, flags)
    elif name in PROBLEMS:
        card, tables = _from_problem(name, flags)
    else:
        raise DataError(_unknown_data(name, path))
    return assemble(columns.apply(card, tables, where), tables, where)


def _is_card(path: Path) -> bool:
    return path.suffix.lower() in CARD_SUFFIXES


def _unknown_data(name: str, path: Path) -> str:
    """Return why `name` is no data: no such file if it looks like a file, else no such problem."""
    has_suffix = suffix_of(path) is not None or _is_card(path)
    if has_suffix or path.is_dir():
        problems = ", ".join(PROBLEMS)
        return f"{missing_file(path)}; or name an embedded problem: {problems}"
    suffixes = (*READERS, *CARD_SUFFIXES)
    files = ", ".join(suffixes)
    return f"{unknown('data', name, PROBLEMS)}; or a file ({files})"


def _from_problem(name: str, flags: Flags) -> Problem:
    complete_card, all_tables = PROBLEMS[name]()
    card = flags.applied(complete_card, name)
    tables = {source: all_tables[source] for source in card.sources}
    return card, tables


def _from_card(path: Path, flags: Flags) -> Problem:
    where = str(path)
    complete_card = read_card(path)
    card = flags.applied(complete_card, where)
    tables = {}
    for name, source in card.sources.items():
        source_path = Path(source.path)
        tables[name] = read_table(source_path)
    return card, tables


def _from_table(path: Path, flags: Flags) -> Problem:
    where = str(path)
    table = read_table(path)
    names = [flag.name for flag in flags.tasks]
    require_columns(where, table.cells, names)
    has_labels = any(flag.kind == LABELS for flag in flags.tasks)
    if len(names) < 2 and not has_labels:
        shown = map(str, table.cells.columns[:COLUMNS_SHOWN])
        columns = ", ".join(shown)
        raise DataError(
            f"{where}: at least two tasks are needed, found {len(names)}; "
            f"name them with --task. Known: {columns}"
        )
    card = from_flags(path, flags.tasks).with_options(where, flags.options)
    tables = dict.fromkeys(card.sources, table)
    return card, tables
