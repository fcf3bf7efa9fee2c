"""Makes rentals.csv, three years of a bicycle rental: `python make_data.py [FOLDER]`.

Rentals have a season, weekends and a slow growth; repairs follow them.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

DAYS = 3 * 365


def main(folder: Path) -> None:
    """Write the days into a folder."""
    rng = np.random.default_rng(0)
    day = pd.date_range("2022-01-01", periods=DAYS)
    season = np.sin(2 * np.pi * (day.day_of_year - 100) / 365)
    weekend = day.day_of_week >= 5
    growth = np.arange(DAYS) / DAYS
    rain = rng.random(DAYS) < 0.3
    rate = 3.2 + 0.7 * season + 0.4 * weekend + 0.2 * growth - 0.5 * rain
    rentals = rng.poisson(np.exp(rate))
    repairs = rng.poisson(np.exp(rate - 2.5))
    table = pd.DataFrame(
        {
            "day": day.strftime("%d.%m.%Y"),
            "rain": np.where(rain, "yes", "no"),
            "rentals": rentals,
            "repairs": repairs,
        }
    )
    table.to_csv(folder / "rentals.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
