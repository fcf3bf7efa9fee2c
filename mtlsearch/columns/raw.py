"""Tables and columns as files hold them, before it is known what they mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from mtlsearch.columns.form import NOTHING_SAID, ColumnSettings


@dataclass(frozen=True)
class RawColumn:
    """A column as a file holds it.

    Attributes:
        name: Its name.
        cells: Its cells [N].
        untyped: Whether all cells are text because the file knows no types, as a CSV file.
        settings: What the user says of it.
        folder: Where the paths of files in its cells begin.
    """

    name: str
    cells: "pd.Series[Any]"
    untyped: bool = False
    settings: ColumnSettings = NOTHING_SAID
    folder: Path = Path()


@dataclass(frozen=True)
class RawTable:
    """A table as a file holds it.

    Attributes:
        cells: The cells [N, columns] under distinct names.
        untyped: Whether all cells are text because the file knows no types, as a CSV file.
        notices: What was recognised of the file and should be known.
        settings: What the user says of columns, by their names.
        missing: Words that stand for a missing value in every column.
        folder: Where the paths of files in cells begin: the folder of the table.
    """

    cells: pd.DataFrame
    untyped: bool = False
    notices: tuple[str, ...] = ()
    settings: Mapping[str, ColumnSettings] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    folder: Path = Path()

    def column(self, name: str) -> RawColumn:
        """Return a column."""
        settings = self.settings.get(name, NOTHING_SAID)
        if self.missing:
            settings = replace(settings, missing=(*self.missing, *settings.missing))
        return RawColumn(name, self.cells[name], self.untyped, settings, self.folder)
