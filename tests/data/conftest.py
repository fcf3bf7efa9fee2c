"""Tables written to files for the tests of the data room."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Write = Callable[..., str]


@pytest.fixture
def clinic() -> pd.DataFrame:
    """60 rows: numbers with gaps, booleans, text, two targets."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"age": rng.normal(50, 9, 60).round(2), "ward": rng.choice(["a", "b", "c"], 60)}
    )
    table["smoker"] = rng.random(60) < 0.5
    table.loc[::7, "age"] = np.nan
    table["readmitted"] = np.where(rng.random(60) < 0.5, "yes", "no")
    table["stay"] = rng.gamma(2.0, 3.0, 60).round(3)
    table["patient"] = np.arange(60) // 3
    return table


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a table as CSV, or text or bytes as they are; returns the path."""

    def put(content: pd.DataFrame | str | bytes, name: str = "clinic.csv") -> str:
        path = tmp_path / name
        if isinstance(content, pd.DataFrame):
            content.to_csv(path, index=False)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, "utf-8")
        return str(path)

    return put
