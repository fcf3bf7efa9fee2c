"""What is done with each column of a dataset, in words: the table of `check` and of the report."""

from collections.abc import Sequence
from dataclasses import dataclass

from mtlsearch.data.dataset import INPUT, Dataset, Fold
from mtlsearch.data.preparation import Preparation

COLUMNS_SHOWN = 40
"""Columns of a source in the table of `check`."""


@dataclass(frozen=True)
class DescribedColumn:
    """A column of a source: what it was taken for, what is done with it, and how.

    Attributes:
        source: The name of the source.
        name: The name of the column.
        type: What it was taken for; empty where nothing was asked.
        use: "input", or what else it is.
        detail: How an input is encoded, or why another column is left out and how to change that.
    """

    source: str
    name: str
    type: str
    use: str
    detail: str


def describe_columns(dataset: Dataset, fold: Fold) -> list[DescribedColumn]:
    """Return the columns of a dataset, whose encodings are fitted on a fold."""
    preparation = Preparation.fit(dataset, fold)
    columns = []
    for record in dataset.columns:
        detail = record.reason
        if record.use == INPUT:
            descriptions = preparation.inputs[record.source].descriptions
            detail = descriptions[record.name]
        columns.append(DescribedColumn(record.source, record.name, record.type, record.use, detail))
    return columns


def column_lines(columns: Sequence[DescribedColumn]) -> list[str]:
    """Return an aligned table, of each source the first COLUMNS_SHOWN columns."""
    lines = []
    for source in dict.fromkeys(column.source for column in columns):
        of_source = [column for column in columns if column.source == source]
        shown = of_source[:COLUMNS_SHOWN]
        rows = [(column.name, column.type, column.use, column.detail) for column in shown]
        widths = [max(len(row[part]) for row in rows) for part in range(3)]
        for *parts, detail in rows:
            aligned = [part.ljust(width) for part, width in zip(parts, widths, strict=True)]
            lines.append(f"column {source}: {'  '.join([*aligned, detail])}".rstrip())
        if len(of_source) > len(shown):
            lines.append(f"column {source}: and {len(of_source) - len(shown)} more")
    return lines
