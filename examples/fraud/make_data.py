"""Makes payments.csv, of which about one in eighty is fraud: `python make_data.py [FOLDER]`.

A dispute is more frequent than fraud and depends on much the same.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 6000
SHOPS = 60


def main(folder: Path) -> None:
    """Write the payments into a folder."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(ROWS, 5))
    shop = rng.integers(0, SHOPS, ROWS)
    shop_risk = rng.normal(0, 0.5, SHOPS)
    risk = numbers[:, 0] + 0.7 * np.abs(numbers[:, 1]) + shop_risk[shop]
    fraud = risk + 0.6 * rng.normal(size=ROWS) > 3.7
    dispute = risk + 0.8 * numbers[:, 2] + 0.8 * rng.normal(size=ROWS) > 2.2
    table = pd.DataFrame(numbers.round(3), columns=["amount", "speed", "age", "distance", "nights"])
    table["shop"] = [f"shop {number:02d}" for number in shop]
    table["fraud"] = np.where(fraud, "yes", "no")
    table["dispute"] = np.where(dispute, "yes", "no")
    table.to_csv(folder / "payments.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
