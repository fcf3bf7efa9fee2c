"""Kinds and options of tasks through the whole way, from a card to predictions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.running_program import SMALL, TWO_ARMS, report_of, run_warm

CARD = """
sources: {t: {path: t.csv}}
tasks:
  nights: {kind: count}
  pain: {kind: ordinal, order: [none, mild, strong], at_most_worse: 1%}
  stay: {auxiliary: true}
"""
ROWS = 150


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card of a count, classes in an order, and an auxiliary task."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(ROWS, 3))
    table = pd.DataFrame(x, columns=["age", "dose", "score"])
    table["nights"] = draw.poisson(np.exp(0.8 * x[:, 0] + 0.5))
    degree = np.digitize(x[:, 0] + x[:, 1], [-0.7, 0.7])
    table["pain"] = np.array(["none", "mild", "strong"])[degree]
    table["stay"] = x[:, 0] + draw.normal(size=ROWS)
    table.to_csv(tmp_path / "t.csv", index=False)
    path = tmp_path / "card.yaml"
    path.write_text(CARD, "utf-8")
    return path


def test_kinds_and_options_go_from_check_to_predict(card: Path, tmp_path: Path) -> None:
    importance = ("--importance", "nights=3")
    checked = run_warm("check", card, *importance, "--space", "quick", cwd=tmp_path)
    assert checked.code == 0, checked.err
    assert "task nights: count, metric poisson_deviance, source t, importance 3" in checked.out
    assert "classes none, mild, strong, at most 1% worse" in checked.out
    assert "task stay: regression, metric r2, source t, auxiliary" in checked.out

    study = tmp_path / "study"
    options = (*importance, *SMALL, *TWO_ARMS, "--study", study)
    searched = run_warm("search", card, *options, cwd=tmp_path)
    assert searched.code == 0, searched.err
    assert "(r2, auxiliary)" in " ".join(searched.out.split())
    for command in ("resume", "report"):
        again = run_warm(command, study, cwd=tmp_path)
        assert again.code == 0, again.err
    report = report_of(study)
    nights, pain, stay = report["tasks"]
    assert (nights["importance"], pain["importance"]) == (3, 1)
    assert (pain["at_most_worse"], stay["at_most_worse"]) == (1, None)
    assert (nights["auxiliary"], stay["auxiliary"]) == (False, True)
    for compared in report["comparisons"]:
        assert compared["tasks"].keys() == {"nights", "pain", "stay"}
    sentence = report["verdict"]["figures"]
    assert "pain may be 1% worse, which is " in sentence

    exported = run_warm("export", study, "--to", tmp_path / "model", cwd=tmp_path)
    assert exported.code == 0, exported.err
    written = tmp_path / "predicted.csv"
    predicted = run_warm(
        "predict", tmp_path / "model", tmp_path / "t.csv", "--to", written, cwd=tmp_path
    )
    assert predicted.code == 0, predicted.err
    table = pd.read_csv(written, keep_default_na=False)
    assert list(table) == ["nights", "pain", "pain=none", "pain=mild", "pain=strong", "stay"]
    assert (table["nights"] > 0).all()
    shares = table[["pain=none", "pain=mild", "pain=strong"]].sum(axis=1)
    np.testing.assert_allclose(shares, 1)
