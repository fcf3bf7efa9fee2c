"""A table with photos: a folder of small pictures, and a CSV file that names them."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

ROWS = 48
SIDE = 8
TASKS = ("amount", "side")
CARD = """
sources: {visits: {path: visits.csv}}
columns: {photo: {type: image, size: 8}, back: {type: image, size: 8}}
tasks: {amount: {}, side: {}}
"""


def write_photos(folder: Path, rows: int = ROWS) -> Path:
    """Write photos, `visits.csv` beside their folder and `card.yaml`; return the card.

    `amount` is how red a photo is, `side` on which side of it the blue half is; no other column
    tells anything of them. Every sixth row has no photo of the back.
    """
    draw = np.random.default_rng(0)
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    visits = []
    for row in range(rows):
        red = draw.random()
        is_left = row % 2 == 0
        pixels = draw.integers(0, 40, (SIDE, SIDE, 3))
        pixels[..., 0] += int(200 * red)
        half = slice(None, SIDE // 2) if is_left else slice(SIDE // 2, None)
        pixels[:, half, 2] += 200
        save(pixels, folder / "photos" / f"{row}.png")
        save(255 - pixels, folder / "photos" / f"{row}_back.png")
        visit = {
            "photo": f"photos/{row}.png",
            "back": f"photos/{row}_back.png" if row % 6 else "",
            "age": round(draw.normal(50, 9), 2),
            "ward": draw.choice([f"ward {number}" for number in range(3)]),
            "amount": round(5 + 2 * red, 4),
            "side": "left" if is_left else "right",
        }
        visits.append(visit)
    pd.DataFrame(visits).to_csv(folder / "visits.csv", index=False)
    card = folder / "card.yaml"
    card.write_text(CARD, "utf-8")
    return card


def save(pixels: np.ndarray, path: Path) -> None:
    """Write pixels [H, W, 3] to a file."""
    Image.fromarray(pixels.astype(np.uint8)).save(path)
