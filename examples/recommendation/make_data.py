"""Makes log.csv, a log of 2,000 users and 300 items: `python make_data.py [FOLDER]`.

A user clicks more or less, an item is clicked more or less, and both have tastes. Minutes are
known where there was a click.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 20_000
USERS = 2000
ITEMS = 300
TASTES = 3


def main(folder: Path) -> None:
    """Write the log into a folder."""
    rng = np.random.default_rng(0)
    user = rng.integers(0, USERS, ROWS)
    popularity = rng.pareto(1.0, ROWS)
    item = np.minimum((20 * popularity).astype(int), ITEMS - 1)
    hour = rng.integers(0, 24, ROWS)

    activity = rng.normal(0, 1.3, USERS)
    appeal = rng.normal(0, 0.9, ITEMS)
    taste = rng.normal(size=(USERS, TASTES))
    style = rng.normal(size=(ITEMS, TASTES))
    match = 0.3 * (taste[user] * style[item]).sum(1)
    evening = 0.4 * np.sin(2 * np.pi * (hour - 14) / 24)
    logit = activity[user] + appeal[item] + match + evening - 1
    click = rng.random(ROWS) < 1 / (1 + np.exp(-logit))
    minutes = 10 + 3 * activity[user] + 2 * appeal[item] + 4 * match + 2 * rng.normal(size=ROWS)

    table = pd.DataFrame(
        {
            "user_id": 10_000 + user,
            "item": [f"item-{number}" for number in item],
            "hour": hour,
            "click": click.astype(int),
            "minutes": np.where(click, minutes.round(1), np.nan),
        }
    )
    table.to_csv(folder / "log.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
