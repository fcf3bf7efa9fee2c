"""Sets of labels through the whole way, from a card to predictions."""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.support.label_sets import ROWS, TOPICS, write_label_sets
from tests.support.running_program import SMALL, TWO_ARMS, report_of, run_warm


def test_sets_of_labels_go_from_check_to_predict(tmp_path: Path) -> None:
    card = write_label_sets(tmp_path)
    checked = run_warm("check", card, "--space", "quick", cwd=tmp_path)
    assert checked.code == 0, checked.err
    assert "label_set, metric macro_roc_auc, source t, labels art, news, sport" in checked.out
    assert "weather: rows have a label where its column says so: rain = yes" in checked.out

    study = tmp_path / "study"
    searched = run_warm("search", card, *SMALL, *TWO_ARMS, "--study", study, cwd=tmp_path)
    assert searched.code == 0, searched.err
    for command in ("resume", "report"):
        again = run_warm(command, study, cwd=tmp_path)
        assert again.code == 0, again.err
    report = report_of(study)
    topics, weather, _ = report["tasks"]
    assert (topics["kind"], topics["labels"] < ROWS) == ("label_set", True)
    assert weather["classes"] == ["rain", "snow", "wind"]
    scored = {entry["metric"] for entry in report["test_metrics"] if entry["task"] == "topics"}
    assert scored == {"macro_roc_auc", "macro_average_precision", "macro_log_loss", "macro_f1"}
    for model in report["confirmed"]:
        ensemble = model["ensemble"]
        assert ensemble["seeds"] == [0, 1]
        assert list(ensemble["tasks"]) == ["topics", "weather", "stay"]
        assert f"{model['arm']} {ensemble['gain']['mean']:+.1f}" in " ".join(searched.out.split())
    assert report["references"] is None  # not asked for

    exported = run_warm(
        "export", study, "--to", tmp_path / "model", "--format", "torch-export", cwd=tmp_path
    )
    assert exported.code == 0, exported.err
    written = tmp_path / "predicted.csv"
    predicted = run_warm(
        "predict", tmp_path / "model", tmp_path / "t.csv", "--to", written, cwd=tmp_path
    )
    assert predicted.code == 0, predicted.err
    table = pd.read_csv(written, keep_default_na=False)
    names = [f"topics.{label}" for label in TOPICS]
    assert list(table)[:5] == ["topics", *names, "weather"]
    is_likely = table[names].to_numpy() >= 0.5
    assert is_likely.any()
    for cell, row in zip(table["topics"], is_likely, strict=True):
        assert cell == ";".join(np.array(TOPICS)[row])
