"""Warnings stand in `check`, at the start of a search and in its report; nothing else changes."""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.support.running_program import SMALL, TWO_ARMS, report_of, run_warm

ROWS = 400
TASKS = ("--task", "fraud", "--task", "amount")


def test_few_positives_are_said_from_check_to_report(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    table = pd.DataFrame(draw.normal(size=(ROWS, 3)), columns=["a", "b", "c"])
    table["fraud"] = (np.arange(ROWS) % 10 == 0).astype(int)
    table["amount"] = table["a"] + draw.normal(size=ROWS)
    table["copy"] = 2 * table["amount"]
    table.to_csv(tmp_path / "t.csv", index=False)

    checked = run_warm("check", "t.csv", *TASKS, "--space", "quick", cwd=tmp_path)
    warnings = [line for line in checked.out.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 2
    assert warnings[0].startswith("warning: data: column copy predicts task amount almost alone")
    assert "task fraud: 8 of the 80 test rows are of class 1" in warnings[1]

    searched = run_warm("search", "t.csv", *TASKS, *SMALL, *TWO_ARMS, "--study", "s", cwd=tmp_path)
    assert searched.code == 0, searched.err
    assert [line for line in searched.err.splitlines() if line in warnings] == warnings
    report = report_of(tmp_path / "s")
    assert [f"warning: {line}" for line in report["data"]["warnings"]] == warnings
    assert "8 of the 80 test rows are of class 1" in " ".join(report["verdict"]["caveats"])
    metrics = {entry["metric"] for entry in report["test_metrics"] if entry["task"] == "fraud"}
    assert {"roc_auc", "average_precision", "log_loss", "accuracy"} <= metrics
    page = (tmp_path / "s" / "report" / "report.html").read_text("utf-8")
    assert "In other metrics" in page
