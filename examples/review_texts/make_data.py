"""Makes reviews.csv, texts of films and restaurants: `python make_data.py [FOLDER]`.

One label says what is reviewed, one whether it was liked; one label in twenty is wrong.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 1500
LIKED = {True: "great good fine lovely superb charming", False: "bad awful poor dull boring weak"}
ABOUT = {True: "film movie actor scene plot ending", False: "soup dish taste menu cook waiter"}
FILLING = "the a it was is and we had with very so quite that this one for"
WRONG = 0.05


def main(folder: Path) -> None:
    """Write the reviews into a folder."""
    rng = np.random.default_rng(0)
    liked = rng.random(ROWS) < 0.5
    is_film = rng.random(ROWS) < 0.5
    reviews = []
    for likes, film in zip(liked, is_film, strict=True):
        words = [
            *rng.choice(LIKED[bool(likes)].split(), 2),
            *rng.choice(ABOUT[bool(film)].split(), 2),
            *rng.choice(FILLING.split(), 10),
        ]
        sentence = " ".join(rng.permutation(words))
        reviews.append(sentence.capitalize() + ".")
    table = pd.DataFrame(
        {
            "review": reviews,
            "stars_before": np.round(3 + liked * 0.8 + rng.normal(size=ROWS), 1),
            "liked": np.where(rng.random(ROWS) < WRONG, ~liked, liked),
            "topic": np.where(
                np.where(rng.random(ROWS) < WRONG, ~is_film, is_film), "film", "food"
            ),
        }
    )
    table.to_csv(folder / "reviews.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
