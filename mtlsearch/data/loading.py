"""From what the user names on the command line (a problem, a card, a table and task flags) to a `Dataset`."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mtlsearch.data.assembly import assemble
from mtlsearch.data.card import Card, TaskFlag, from_flags, read_card
from mtlsearch.data.dataset import Dataset
from mtlsearch.data.problems import DEFAULT_PROBLEM, PROBLEMS
from mtlsearch.data.readers import READERS, missing_file, read_table, require_columns, suffix_of
from mtlsearch.errors import DataError, unknown

CARD_SUFFIXES = (".yaml", ".yml")


def load(data: str | None = None, tasks: Sequence[str] = ()) -> Dataset:
    """Return the dataset that `data` names: an embedded problem (None: the default one), a card or a table file.

    `tasks` are `NAME[:KIND[:METRIC]]`: needed for a table file; for a problem or card they select among its tasks and
    override kind and metric. Raises DataError, or UsageError for a task flag that cannot be read.
    """
    flags = [TaskFlag.parse(text) for text in tasks]
    name = DEFAULT_PROBLEM if data is None else data
    path = Path(name).expanduser()
    if name in PROBLEMS and not path.is_file():
        card, tables = PROBLEMS[name]()
        card = card.selected(name, flags)
        return assemble(card, {source: tables[source] for source in card.sources}, name)
    _check_exists(name, path)
    return (
        _from_card(path, flags)
        if path.suffix.lower() in CARD_SUFFIXES
        else _from_table(path, flags)
    )


def _check_exists(name: str, path: Path) -> None:
    if path.is_file():
        return
    if suffix_of(path) is None and path.suffix.lower() not in CARD_SUFFIXES and not path.is_dir():
        files = ", ".join((*READERS, *CARD_SUFFIXES))
        raise DataError(f"{unknown('data', name, PROBLEMS)}; or a file ({files})")
    raise DataError(f"{missing_file(path)}; or name an embedded problem: {', '.join(PROBLEMS)}")


def _from_card(path: Path, flags: Sequence[TaskFlag]) -> Dataset:
    card = read_card(path).selected(str(path), flags)
    return assemble(card, _tables(card), str(path))


def _from_table(path: Path, flags: Sequence[TaskFlag]) -> Dataset:
    table = read_table(path)
    require_columns(f"{path}", table, [flag.name for flag in flags])
    if len(flags) < 2:
        columns = ", ".join(map(str, table.columns[:30]))
        raise DataError(
            f"{path}: at least two tasks are needed, found {len(flags)}; name them with --task. Known: {columns}"
        )
    card = from_flags(path, flags)
    return assemble(card, dict.fromkeys(card.sources, table), str(path))


def _tables(card: Card) -> dict[str, pd.DataFrame]:
    return {name: read_table(Path(source.path)) for name, source in card.sources.items()}
