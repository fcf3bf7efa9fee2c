"""Pictures of every make become red, green and blue of one size, or it is said why not."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtlsearch.runtime.cells import Spelling
from mtlsearch.runtime.pictures import PillowMissingError, read_pictures

SIDE = 8
RAMP = np.arange(SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE) * 4


def _read(image: Image.Image, folder: Path, name: str = "a.png", **options) -> np.ndarray:
    image.save(folder / name, **options)
    pictures = read_pictures([name], SIDE, folder)
    assert pictures.faults == {}
    [pixels] = pictures.cells
    assert (pixels.dtype, pixels.shape) == (np.uint8, (3, SIDE, SIDE))
    return pixels


def test_colours_are_kept_to_the_bit(tmp_path: Path) -> None:
    colours = np.stack([RAMP, RAMP.T, 255 - RAMP], -1)
    read = _read(Image.fromarray(colours), tmp_path)
    np.testing.assert_array_equal(read, colours.transpose(2, 0, 1))


def test_grey_is_the_same_in_all_channels(tmp_path: Path) -> None:
    for read in (
        _read(Image.fromarray(RAMP), tmp_path),
        _read(Image.fromarray(RAMP.astype(np.uint16) * 257), tmp_path),
        _read(Image.fromarray(np.stack([RAMP] * 3, -1)).quantize(256), tmp_path),
    ):
        np.testing.assert_array_equal(read, [RAMP] * 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_white(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(RAMP).convert(mode)
    alpha = np.where(np.arange(SIDE) < 3, 0, 255).astype(np.uint8)
    image.putalpha(Image.fromarray(np.tile(alpha, (SIDE, 1))))
    read = _read(image, tmp_path)
    assert (read[:, :, :3] == 255).all()
    np.testing.assert_array_equal(read[:, :, 3:], [RAMP[:, 3:]] * 3)


def test_a_photo_that_a_camera_turned_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the first column is the top
    read = _read(Image.fromarray(RAMP), tmp_path, exif=exif)
    np.testing.assert_array_equal(read[0], np.rot90(RAMP, -1))


def test_every_size_becomes_one_and_it_is_said(tmp_path: Path) -> None:
    half = np.zeros((300, 800), np.uint8)
    half[:, 400:] = 200
    read = _read(Image.fromarray(half), tmp_path, "large.jpg")
    assert (read[..., :3] < 8).all()
    assert (read[..., 5:] > 192).all()
    Image.fromarray(RAMP).save(tmp_path / "small.png")
    pictures = read_pictures(["small.png", "large.jpg", "large.jpg"], SIDE, tmp_path)
    assert pictures.scale_summary == (
        "2 pictures are scaled to 8 x 8 pixels, the first from 800 x 300"
    )
    assert read_pictures(["small.png"], SIDE, tmp_path).scale_summary == ""


def test_what_is_no_picture_is_missing_and_named(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:45])
    (tmp_path / "text.png").write_text("no picture")
    Image.fromarray(RAMP.astype(np.float32)).save(tmp_path / "float.tiff")
    cells = [
        *("a.png", " a.png ", str(tmp_path / "a.png"), whole),
        *(None, "", "NaN", "none"),
        *("gone.png", "", "cut.png", "text.png", "float.tiff", "https://a.org/a.png", "x" * 999),
    ]
    pictures = read_pictures(cells, SIDE, tmp_path, Spelling(missing=("none",)))
    assert [picture is not None for picture in pictures.cells] == [True] * 4 + [False] * 11
    assert pictures.fault_summary == (
        "6 of 15 cells are no pictures that can be read (the first is 'gone.png' in row 9: "
        "no such file)"
    )
    reasons = [reason.split(" (")[0] for reason in pictures.faults.values()]
    assert reasons[1:5] == [
        "cannot be read",
        "is no picture",
        "has pixels of floating point; save it with 8 bits",
        "is a URL, and nothing is fetched",
    ]


def test_a_cell_may_have_parts_and_a_path_may_be_of_windows(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    Image.fromarray(RAMP).save(tmp_path / "b" / "a.png")
    file = (tmp_path / "b" / "a.png").read_bytes()
    cells = ["b\\a.png", {"bytes": file, "path": "gone.png"}, {"bytes": None, "path": "b/a.png"}]
    pictures = read_pictures(cells, SIDE, tmp_path)
    for pixels in pictures.cells:
        np.testing.assert_array_equal(pixels, [RAMP] * 3)


def test_a_picture_that_is_read_already_must_be_of_the_size() -> None:
    pixels = np.zeros((3, SIDE, SIDE), np.uint8)
    pictures = read_pictures([pixels, pixels[:, 1:], pixels.astype(float)], SIDE, Path())
    assert pictures.cells[0] is pixels
    assert list(pictures.faults) == [1, 2]
    assert "needed is uint8 (3, 8, 8)" in pictures.fault_summary


def test_without_pillow_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(PillowMissingError, match="pip install pillow"):
        read_pictures(["a.png"], SIDE, Path())
    assert read_pictures([None], SIDE, Path()).cells[0] is None
