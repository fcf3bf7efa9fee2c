"""The table of input kinds: what a row of a source is to a network.

To add one: one file, one line here.
"""

from mtlsearch.errors import DataError
from mtlsearch.inputs.contract import (
    FittedInput,
    InputKind,
    InputSchema,
    SelectedColumns,
    SourceColumns,
)
from mtlsearch.inputs.images import Images, ImageSchema
from mtlsearch.inputs.pieces import Pieces
from mtlsearch.inputs.sequences import Sequences, SequenceSchema
from mtlsearch.inputs.table import CodedColumn, PictureColumn, Table, TableSchema
from mtlsearch.inputs.texts import Texts, WordSchema
from mtlsearch.inputs.tokens import Tokens, TokenSchema

INPUT_KINDS: dict[str, InputKind] = {
    "table": Table(),
    "images": Images(),
    "sequences": Sequences(),
    "tokens": Tokens(),
    "texts": Texts(),
    "pieces": Pieces(),
}

DEFAULT_INPUT_KIND = INPUT_KINDS["table"]
"""What a source is where nothing tells of another kind."""

INPUT_SCHEMAS: dict[str, type[InputSchema]] = {
    kind.schema.__name__: kind.schema for kind in INPUT_KINDS.values()
}
"""What a backbone may say that it takes."""


def infer_input_kind(source: SourceColumns) -> InputKind:
    """Return the kind of input of a source whose card does not name one."""
    cell = source.first_cell
    for kind in INPUT_KINDS.values():
        if kind.claims(cell):
            return kind
    return DEFAULT_INPUT_KIND


def select_columns(kind: InputKind, source: SourceColumns) -> SelectedColumns:
    """Return which columns of a source are inputs, and what they hold. Raises DataError."""
    if source.lengths is not None and not kind.has_lengths:
        fitting = [other.name for other in INPUT_KINDS.values() if other.has_lengths]
        raise DataError(
            f'{source.where}: lengths: the input "{kind.name}" has none; '
            f"allowed for {' and '.join(fitting)}"
        )
    if not kind.has_tokenizer:
        _refuse_tokenizers(source)
    return kind.select(source)


def _refuse_tokenizers(source: SourceColumns) -> None:
    """Raise DataError where a column has a tokenizer, since the kind of input reads none."""
    fitting = [kind.name for kind in INPUT_KINDS.values() if kind.has_tokenizer]
    for name in source.names:
        if source.raw.column(name).settings.tokenizer is not None:
            raise DataError(
                f"{source.where}: {name}: a tokenizer is for input: {' and '.join(fitting)}, "
                "where one text is the whole input"
            )


def kinds_taken(schemas: tuple[type[InputSchema], ...]) -> list[str]:
    """Return the names of the kinds of input that have one of these schemas."""
    return [kind.name for kind in INPUT_KINDS.values() if kind.schema in schemas]


__all__ = [
    "DEFAULT_INPUT_KIND",
    "INPUT_KINDS",
    "INPUT_SCHEMAS",
    "CodedColumn",
    "FittedInput",
    "ImageSchema",
    "Images",
    "InputKind",
    "InputSchema",
    "PictureColumn",
    "Pieces",
    "SelectedColumns",
    "SequenceSchema",
    "Sequences",
    "SourceColumns",
    "Table",
    "TableSchema",
    "Texts",
    "TokenSchema",
    "Tokens",
    "WordSchema",
    "infer_input_kind",
    "kinds_taken",
    "select_columns",
]
