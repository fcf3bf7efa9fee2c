"""The unit of a number and the name of a file change nothing but the numbers that have the unit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.running_program import SMALL, TWO_ARMS, report_of, run_warm

TASKS = ("--task", "up", "--task", "amount:regression:rmse")
ROWS = 120


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    draw = np.random.default_rng(3)
    inputs = draw.normal(size=(ROWS, 2)).round(2)
    up = (inputs[:, 0] + draw.normal(size=ROWS) > 0).astype(int)
    amount = (10 + 2 * inputs[:, 1] + draw.normal(size=ROWS)).round(2)
    return pd.DataFrame({"a": inputs[:, 0], "b": inputs[:, 1], "up": up, "amount": amount})


def test_searches_in_other_units_come_to_the_same(table: pd.DataFrame, tmp_path: Path) -> None:
    reports = {}
    for name, power in (("plain", ""), ("small", "e-12"), ("large", "e12")):
        in_unit = table.copy()
        for column in ("b", "amount"):
            in_unit[column] = [f"{value}{power}" for value in table[column]]
        in_unit.to_csv(tmp_path / f"{name}.csv", index=False)
        finished = run_warm(
            "search", f"{name}.csv", *TASKS, *SMALL, *TWO_ARMS, "--study", name, cwd=tmp_path
        )
        assert finished.code == 0, finished.err
        reports[name] = report_of(tmp_path / name)

    for report in reports.values():
        del report["verdict"]["advice"]  # holds the name of the study, and minutes
    plain = reports.pop("plain")
    single, ensemble = plain["comparisons"]
    assert single["gain"]["mean"] != 0.0
    assert ensemble["gain"]["mean"] != 0.0
    for report in reports.values():
        assert report["verdict"] == plain["verdict"]
        for other, one in zip(report["comparisons"], (single, ensemble), strict=True):
            assert other["gain"] == pytest.approx(one["gain"], rel=1e-6)
            relative = one["relative"]["maninis"]
            assert other["relative"]["maninis"] == pytest.approx(relative, rel=1e-6)
        gains = [candidate["gain"]["mean"] for candidate in report["candidates"]]
        assert gains == pytest.approx([c["gain"]["mean"] for c in plain["candidates"]], rel=1e-6)
