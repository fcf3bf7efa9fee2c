"""Pictures in the cells of a table: files, or the bytes of files, as arrays of one size.

Needs numpy, and Pillow as soon as there is a picture; it is imported here alone. An exported folder
holds a copy of this file, so that a picture is the same in a search and at prediction.
"""

import io
import re
import warnings
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .cells import PLAIN, Array, Cells, Spelling, read_name

CHANNELS = 3
"""Red, green and blue."""

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
IS_URL = "is a URL, and nothing is fetched"

BYTES = "bytes"
"""The name under which a cell with several parts holds a file."""

LARGEST_GREY = 65_535
GREY_LEVELS = 257
"""What a grey of 16 bits is divided by to be one of 8 bits."""

LONGEST_SHOWN = 80
"""Characters of a cell or a reason in a notice."""


class PictureError(Exception):
    """A cell is no picture; the message says why in a few words."""


class PillowMissingError(ImportError):
    """Pillow is not installed; the message says what to do."""


@dataclass(frozen=True)
class Picture:
    """A picture, uint8 [3, S, S], and the (width, height) that its file has."""

    pixels: Array
    given: tuple[int, int]


@dataclass(frozen=True)
class Pictures:
    """The pictures of a column.

    Attributes:
        cells: The pictures, object [N]: uint8 [3, S, S], or None where there is none.
        size: The number S of pixels a side.
        faults: By row, why its cell is no picture.
        first_fault: The first of these cells.
        scaled: How many files have another size.
        given: The (width, height) of the first of these.
    """

    cells: Array
    size: int
    faults: Mapping[int, str] = field(default_factory=dict)
    first_fault: str = ""
    scaled: int = 0
    given: tuple[int, int] = (0, 0)

    @property
    def fault_summary(self) -> str:
        """How many cells are no pictures, and which is the first; empty if all are."""
        if not self.faults:
            return ""
        row, reason = next(iter(self.faults.items()))
        return (
            f"{len(self.faults)} of {len(self.cells)} cells are no pictures that can be read "
            f"(the first is {self.first_fault!r} in row {row + 1}: {reason})"
        )

    @property
    def scale_summary(self) -> str:
        """How many pictures have another size than they are given; empty if none has."""
        if not self.scaled:
            return ""
        width, height = self.given
        return (
            f"{self.scaled} pictures are scaled to {self.size} x {self.size} pixels, "
            f"the first from {width} x {height}"
        )


def read_pictures(
    cells: Cells,
    size: int,
    folder: Path,
    spelling: Spelling = PLAIN,
) -> Pictures:
    """Return the pictures of a column, scaled to `size` x `size` pixels of red, green and blue.

    A cell is the path of a file, from `folder` on, or the bytes of a file (see `file_of`), or a
    picture that is read already, uint8 [3, size, size]. Each file is read once. Raises
    PillowMissingError.
    """
    contents = [_content(cell, spelling) for cell in cells]
    pictures = _read_each(contents, size, folder)
    read = np.full(len(contents), None, dtype=object)
    faults = {}
    given = []
    for row, content in enumerate(contents):
        if content is None:
            continue
        picture = _check_shape(content, size) if is_pixels(content) else pictures[content]
        if isinstance(picture, PictureError):
            faults[row] = str(picture)
            continue
        read[row] = picture.pixels
        if picture.given != (size, size):
            given.append(picture.given)
    return Pictures(
        cells=read,
        size=size,
        faults=faults,
        first_fault=_shown(contents[min(faults)]) if faults else "",
        scaled=len(given),
        given=given[0] if given else (0, 0),
    )


def file_of(cell: object) -> object:
    """Return the bytes or the path of a cell that has both under these names, or the cell itself.

    Parquet files of Hugging Face's data sets hold pictures so.
    """
    if isinstance(cell, Mapping) and BYTES in cell:
        return cell[BYTES] or cell.get("path")
    return cell


def is_pixels(cell: object) -> bool:
    """Return whether a cell is an array, hence a picture that is read already."""
    return isinstance(cell, np.ndarray) and cell.ndim > 1


def is_url(cell: object) -> bool:
    """Return whether a cell is the address of something that is not on this machine."""
    return isinstance(cell, str) and bool(URL.match(cell.strip()))


def _content(cell: object, spelling: Spelling) -> Any:
    """Return a path, bytes or an array; None for a cell that is missing."""
    content = file_of(cell)
    if isinstance(content, bytes) or is_pixels(content):
        return content
    return read_name(content, spelling)


def _read_each(
    contents: Iterable[Any],
    size: int,
    folder: Path,
) -> dict[str | bytes, Picture | PictureError]:
    """Return the picture, or the reason why there is none, of each distinct path or file."""
    named = [content for content in contents if isinstance(content, str | bytes)]
    distinct = list(dict.fromkeys(named))
    if not distinct:
        return {}
    _require_pillow()
    attempt = partial(_attempt, size=size, folder=folder)
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore")  # of odd metadata; what cannot be read is an error
        results = list(pool.map(attempt, distinct))
    return dict(zip(distinct, results, strict=True))


def _require_pillow() -> None:
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise PillowMissingError("pictures need Pillow: pip install pillow") from error


def _attempt(content: str | bytes, size: int, folder: Path) -> Picture | PictureError:
    try:
        return _read(content, size, folder)
    except PictureError as error:
        return error
    except Exception as error:  # Pillow raises many kinds for what is no whole picture
        return PictureError(f"cannot be read ({_one_line(error)})")


def _read(content: str | bytes, size: int, folder: Path) -> Picture:
    """Return the picture of a path or of the bytes of a file."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    file = _find(content, folder) if isinstance(content, str) else io.BytesIO(content)
    try:
        with Image.open(file) as image:
            given = image.size
            # A large JPEG is decoded at a fraction of its size.
            image.draft("RGB", (2 * size, 2 * size))
            upright = ImageOps.exif_transpose(image)
            coloured = _in_colour(upright)
    except UnidentifiedImageError as error:
        raise PictureError("is no picture") from error
    scaled = coloured.resize((size, size), Image.Resampling.BILINEAR)
    pixels = np.asarray(scaled, np.uint8).transpose(2, 0, 1)
    return Picture(np.ascontiguousarray(pixels), given)


def _find(name: str, folder: Path) -> Path:
    if is_url(name):
        raise PictureError(IS_URL)
    path = folder / name.strip()
    if not path.is_file() and "\\" in name:  # of Windows
        path = folder / name.strip().replace("\\", "/")
    if not path.is_file():
        raise PictureError("no such file")
    return path


def _in_colour(image: Any) -> Any:
    """Return an image of Pillow in red, green and blue; what is transparent becomes white."""
    from PIL import Image

    if image.mode == "F":
        raise PictureError("has pixels of floating point; save it with 8 bits")
    if image.mode.startswith("I"):
        greys = np.asarray(image).clip(0, LARGEST_GREY) // GREY_LEVELS
        return Image.fromarray(greys.astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _check_shape(pixels: Array, size: int) -> Picture | PictureError:
    """Return a picture that is read already."""
    needed = (CHANNELS, size, size)
    if pixels.shape != needed or pixels.dtype != np.uint8:
        return PictureError(
            f"is an array of {pixels.dtype} {pixels.shape}; needed is uint8 {needed}"
        )
    return Picture(pixels, (size, size))


def _shown(content: object) -> str:
    if isinstance(content, str):
        return content[:LONGEST_SHOWN]
    return "an array" if is_pixels(content) else "the bytes of a file"


def _one_line(error: BaseException) -> str:
    words = " ".join(str(error).split())
    return words[:LONGEST_SHOWN] or type(error).__name__
