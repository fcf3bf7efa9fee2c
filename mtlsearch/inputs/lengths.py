"""The column that says how many steps or tokens a row has."""

from mtlsearch.errors import DataError, unknown
from mtlsearch.inputs.contract import SourceColumns, column_of_numbers

DEFAULT_NAME = "lengths"
"""The column that is taken without being named."""


def find_lengths(source: SourceColumns) -> str | None:
    """Return the column that the card names, or the one of the default name, or None.

    Raises DataError.
    """
    if source.lengths is None:
        return DEFAULT_NAME if DEFAULT_NAME in source.names else None
    where = f"{source.where}: lengths: column"
    if source.lengths not in source.table.columns:
        raise DataError(unknown(where, source.lengths, map(str, source.table.columns)))
    if source.lengths not in source.names:
        raise DataError(f'{where} "{source.lengths}" is a target, ignored or needed for the split')
    return source.lengths


def check_lengths(source: SourceColumns, lengths: str | None, most: int) -> None:
    """Raise DataError unless all rows hold whole numbers from 1 to `most`, as at prediction."""
    if lengths is None:
        return
    numbers = column_of_numbers(source, lengths).to_numpy()
    in_range = (numbers >= 1) & (numbers <= most)
    fitting = in_range & (numbers % 1 == 0)
    if fitting.all():
        return
    row = int(fitting.argmin()) + 1
    raise DataError(
        f'{source.where}: lengths: column "{lengths}" must hold whole numbers from 1 to {most}; '
        f"data row {row} does not"
    )
