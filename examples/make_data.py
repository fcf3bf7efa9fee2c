"""Makes the data of the examples: small, seeded, written as .npz files beside the cards.

`python make_data.py [FOLDER]`.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

Array = np.ndarray
Arrays = dict[str, Array]


def houses(rows: int = 300, size: int = 64) -> Arrays:
    """Drawings of houses, 3 x 64 x 64 bytes: a price that grows with floors, windows and garden,
    and one of three types.
    """
    rng = np.random.default_rng(1)
    floors, wide = rng.integers(1, 4, rows), rng.integers(0, 2, rows)
    garden, images = rng.random(rows), np.zeros((rows, 3, size, size))
    for image, levels, is_wide, green in zip(images, floors, wide, garden, strict=True):
        _draw_house(image, levels, 40 if is_wide else 20, green, rng)
    price = 100 + 60 * floors + 50 * wide + 80 * garden + rng.normal(0, 8, rows)
    kind = np.where(floors == 3, "tower", np.where(wide == 1, "villa", "cottage"))
    noisy = images + rng.normal(0, 12, images.shape)
    return {"photo": noisy.clip(0, 255).astype(np.uint8), "price": price.round(1), "type": kind}


def _draw_house(
    image: Array, floors: int, width: int, garden: float, rng: np.random.Generator
) -> None:
    size = image.shape[-1]
    ground, left = size - 8, int(rng.integers(2, size - width - 2))
    image[2], image[1, ground:] = 160, 60 + 180 * garden
    top = ground - 14 * floors
    image[:, top:ground, left : left + width] = np.array([180, 120, 90])[
        :, None, None
    ] + rng.normal(0, 15)
    for floor in range(floors):
        for x in range(left + 4, left + width - 4, 9):
            image[:, top + 14 * floor + 4 : top + 14 * floor + 9, x : x + 5] = np.array(
                [240, 240, 120]
            )[:, None, None]


def machines(rows: int = 400, steps: int = 40) -> Arrays:
    """Two sensors of a machine over 20 to 40 steps: the next value of the first, and the state the
    machine is in.
    """
    rng = np.random.default_rng(2)
    lengths, state = rng.integers(20, steps + 1, rows), rng.integers(0, 3, rows)
    speed, phase = (
        np.array([0.2, 0.35, 0.6])[state] * rng.uniform(0.9, 1.1, rows),
        rng.uniform(0, 2 * np.pi, rows),
    )
    angle = phase[:, None] + speed[:, None] * np.arange(steps)
    wear = np.linspace(0, 1, steps) * rng.uniform(0, 1.5, rows)[:, None]
    sensors = np.stack([np.sin(angle) + wear, np.cos(angle) * (1 + wear)], 2) + rng.normal(
        0, 0.1, (rows, steps, 2)
    )
    sensors[np.arange(steps) >= lengths[:, None]] = 0
    step = wear[:, 1]
    upcoming = np.sin(phase + speed * lengths) + step * lengths
    names = np.array(["idle", "normal", "overload"])
    return {
        "sensors": sensors.astype(np.float32),
        "lengths": lengths,
        "next": upcoming,
        "state": names[state],
    }


def reviews(rows: int = 600, places: int = 24, vocabulary: int = 200) -> Arrays:
    """Texts of up to 24 token ids out of 200: whether the reviewer is pleased, and which of four
    things it is about.
    """
    rng = np.random.default_rng(3)
    pleased, topic, lengths = (
        rng.integers(0, 2, rows),
        rng.integers(0, 4, rows),
        rng.integers(6, places + 1, rows),
    )
    feeling, subject = rng.normal(0, 1.2, (2, vocabulary)), rng.normal(0, 1.0, (4, vocabulary))
    liking = feeling[pleased] + subject[topic]
    text = (liking[:, None] + rng.gumbel(size=(rows, places, vocabulary))).argmax(2) + 1
    text[np.arange(places) >= lengths[:, None]] = 0
    return {
        "text": text,
        "pleased": np.array(["no", "yes"])[pleased],
        "topic": np.array(list("ABCD"))[topic],
    }


MAKE: dict[str, Callable[[], Arrays]] = {"houses": houses, "machines": machines, "reviews": reviews}


def main(folder: Path) -> None:
    """Write every file into the folder."""
    for name, make in MAKE.items():
        np.savez_compressed(folder / f"{name}.npz", **make())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
