"""Which columns can be inputs, what they are taken for, and why others are left out."""

import re
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns.doubts import doubts_about_numbers
from mtlsearch.columns.form import DEFAULT_PIXELS, NOTHING_SAID, ColumnForm, ColumnSettings
from mtlsearch.columns.raw import RawColumn
from mtlsearch.columns.resolving import Column, resolve
from mtlsearch.columns.tokenizer_file import read_tokenizer
from mtlsearch.errors import DataError
from mtlsearch.runtime.cells import LARGEST_NUMBER, Spelling
from mtlsearch.runtime.pictures import IS_URL, file_of, is_url, read_pictures

MAXIMUM_CATEGORIES = 64
IDENTIFIER_SHARE = 0.5  # of distinct values among the filled rows; beyond it, text is an identifier
WORDS_OF_TEXT = 3  # words of a cell on average, from which many distinct cells are free text
PATH_SHARE = 0.9  # of the distinct cells that look like paths
LOOKED_AT = 1000  # distinct cells by which text and paths are recognised
FILE_NAME = re.compile(
    r"\S.*\.(png|jpe?g|gif|bmp|tiff?|webp|svg|dcm|nii|npy|npz|h5|hdf5|parquet|csv|tsv|json|xml|html?"
    r"|wav|mp3|flac|ogg|m4a|aac|mp4|avi|mov|mkv|webm|txt|pdf|docx?|xlsx?|pptx?|zip|gz|tar|pt|pkl)",
    re.IGNORECASE,
)
PICTURE_NAME = re.compile(r"\S.*\.(png|jpe?g|gif|bmp|tiff?|webp)", re.IGNORECASE)
PATH = re.compile(r"\S*[/\\].*\.\w{1,5}")
TYPES_OF_SETTINGS = {
    "decimal": ("number",),
    "day_first": ("date",),
    "embedding": ("category", "text", "image"),
    "minimum_count": ("category", "text"),
    "buckets": ("category",),
    "max_length": ("text",),
    "tokenizer": ("text",),
    "size": ("image",),
}
"""The types of column for which a setting has a meaning; others have one for all."""
NO_NAME = "Unnamed: "


@dataclass(frozen=True)
class InputColumn:
    """A column as an input.

    Attributes:
        type: What it was taken for, in a word.
        values: Values [N]: float64 with NaN for numbers and booleans, otherwise text, pictures
            (uint8 [3, S, S]) or None; None if the column is left out.
        form: How it is read and encoded.
        notices: What was taken for what, each to be read after the name of the column.
        reason: Why it is left out, and how to change that; empty for an input.
    """

    type: str
    values: Array | None
    form: ColumnForm
    notices: tuple[str, ...] = ()
    reason: str = ""


def input_column(raw: RawColumn, known: Array) -> InputColumn:
    """Return a column as an input, judged by the rows where `known` [N] is True.

    Numbers that are infinite or of LARGEST_NUMBER and more in magnitude become missing.

    Raises:
        DataError: The column is not what the user says it is.
    """
    if raw.settings.type is not None:
        _check_settings(raw, raw.settings.type)
    column = _recognised(raw, known)
    _check_settings(raw, column.type)
    return column


def _recognised(raw: RawColumn, known: Array) -> InputColumn:
    if raw.settings.type == "image":
        return _image_input(raw, known)
    column = resolve(raw, known)
    _check_type(raw, column, known)
    if raw.settings.type is None and raw.name.startswith(NO_NAME):
        return _left_out(raw, column.type, "it has no name (a row index?)", "category")
    if column.numeric:
        return _number_input(raw, column, known)
    if column.type == "other":
        reason = "it holds neither numbers nor text; "
        if any(isinstance(file_of(cell), bytes) for cell in raw.cells):
            reason += f"say --image {raw.name} (columns: {{{raw.name}: image}}) if it is pictures"
        else:
            reason += "what matters of it needs columns of its own"
        return InputColumn("other", None, column.form, reason=reason)
    if column.type == "date":
        return _input(raw, column, column.form)
    return _text_input(raw, column, known)


def _check_type(raw: RawColumn, column: Column, known: Array) -> None:
    """Raise DataError unless the column is of the type that the user names."""
    wanted = raw.settings.type
    if wanted in ("number", "date"):
        is_wanted = column.numeric if wanted == "number" else column.type == wanted
        if not is_wanted or not (column.present & known).any():
            raise DataError(f"column {raw.name}: type {wanted}, but no cell is a {wanted}")


def _check_settings(raw: RawColumn, kind: str) -> None:
    """Raise DataError for a setting that has no meaning for a column of this type."""
    for setting in fields(raw.settings):
        is_said = getattr(raw.settings, setting.name) != getattr(NOTHING_SAID, setting.name)
        types = TYPES_OF_SETTINGS.get(setting.name)
        if is_said and types is not None and kind not in types:
            raise DataError(
                f"column {raw.name}: {setting.name} is for type {' or '.join(types)}, "
                f"found type {kind}; leave it out, or say type: {types[0]} with it"
            )


def _image_input(raw: RawColumn, known: Array) -> InputColumn:
    """Return a column whose cells are pictures, read from their files."""
    settings = raw.settings
    cells = list(raw.cells)
    for row, cell in enumerate(cells):
        if is_url(cell):
            raise DataError(
                f"column {raw.name}: type image, but data row {row + 1} {IS_URL} ({cell}); "
                "load the pictures to files and name these"
            )
    size = settings.size or DEFAULT_PIXELS
    pictures = read_pictures(cells, size, raw.folder, Spelling(missing=settings.missing))
    notices = []
    if pictures.faults:
        notices.append(f"{pictures.fault_summary}; treated as missing")
    if pictures.scaled:
        remedy = f"columns: {{{raw.name}: {{type: image, size: NUMBER}}}}"
        notices.append(f"{pictures.scale_summary}; say {remedy} for another size")
    is_there = np.array([picture is not None for picture in pictures.cells])
    if not is_there[known].any():
        reason = pictures.fault_summary or "all are missing"
        raise DataError(
            f"column {raw.name}: type image, but no cell is a picture: {reason}; "
            f"paths begin at {raw.folder.absolute()}"
        )
    form = ColumnForm("image", missing=settings.missing, embedding=settings.embedding, size=size)
    return InputColumn("image", pictures.cells, form, tuple(notices))


def _number_input(raw: RawColumn, column: Column, known: Array) -> InputColumn:
    finite = np.abs(column.values) < LARGEST_NUMBER
    values = np.where(finite, column.values, np.nan)
    notices = column.notices
    if column.type == "number" and raw.settings.type is None:
        notices += doubts_about_numbers(raw.name, values[known])
    form = _with_options(column.form, raw.settings)
    return InputColumn(column.type, values, form, notices)


def _text_input(raw: RawColumn, column: Column, known: Array) -> InputColumn:
    wanted = raw.settings.type
    if wanted in ("category", "text"):
        return _input(raw, column, replace(column.form, type=wanted))
    values = column.values[known & column.present]
    distinct = pd.unique(values)
    if _are_paths(distinct):
        return _left_out(raw, "paths", _about_paths(raw.name, distinct), "category")
    if _is_free_text(distinct, len(values)):
        return _input(raw, column, replace(column.form, type="text"))
    filled = len(values)
    is_declared = isinstance(raw.cells.dtype, pd.CategoricalDtype)
    many = len(distinct) > MAXIMUM_CATEGORIES
    if many and not is_declared and len(distinct) > IDENTIFIER_SHARE * filled:
        reason = f"it looks like an identifier ({len(distinct)} distinct values in {filled} rows)"
        return _left_out(raw, "identifier", reason, "category")
    return _input(raw, column, column.form)


def _input(raw: RawColumn, column: Column, form: ColumnForm) -> InputColumn:
    return InputColumn(form.type, column.values, _with_options(form, raw.settings), column.notices)


def _with_options(form: ColumnForm, settings: ColumnSettings) -> ColumnForm:
    tokenizer = None
    if settings.tokenizer is not None:
        tokenizer = read_tokenizer(settings.tokenizer)
    return replace(
        form,
        embedding=settings.embedding,
        minimum_count=settings.minimum_count,
        buckets=settings.buckets,
        max_length=settings.max_length,
        tokenizer=tokenizer,
    )


def _left_out(raw: RawColumn, kind: str, reason: str, remedy: str) -> InputColumn:
    advice = f"say columns: {{{raw.name}: {remedy}}} to take it as a {remedy}"
    return InputColumn(kind, None, ColumnForm("category"), reason=f"{reason}; {advice}")


def _are_paths(distinct: Array) -> bool:
    cells = [str(cell).strip() for cell in distinct[:LOOKED_AT]]
    paths = [cell for cell in cells if FILE_NAME.fullmatch(cell) or PATH.fullmatch(cell)]
    return bool(cells) and len(paths) >= PATH_SHARE * len(cells)


def _about_paths(name: str, distinct: Array) -> str:
    """Return why paths of files are no input, and what to say if they are of pictures."""
    cells = [str(cell).strip() for cell in distinct[:LOOKED_AT]]
    names = [cell for cell in cells if PICTURE_NAME.fullmatch(cell) and not is_url(cell)]
    reason = "it holds paths of files, which are not read"
    if len(names) < PATH_SHARE * len(cells):
        return reason
    return f"{reason}; say --image {name} (columns: {{{name}: image}}) to read the pictures"


def _is_free_text(distinct: Array, filled: int) -> bool:
    """Return whether many distinct cells are sentences."""
    if len(distinct) <= MAXIMUM_CATEGORIES and len(distinct) <= IDENTIFIER_SHARE * filled:
        return False
    words = [len(str(cell).split()) for cell in distinct[:LOOKED_AT]]
    return bool(np.mean(words) >= WORDS_OF_TEXT)
