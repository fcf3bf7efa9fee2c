"""Three studies that an earlier version recorded come out as they did: candidates, scores,
verdicts.

The recordings were made before the rooms were rebuilt, with what has gone since (racing, rungs, and
picks that mix candidates) switched off. They hold per training its candidate, replicate, scores,
epochs and parameters. A space of the time that has grown since lies beside them.

The trainings of the search are the first ones. Picks go by mean skill and by the trainings of all
arms since; where that changed them, the confirmation was recorded anew. The gain of single models
is recorded; that of ensembles of the same trainings stands here.
"""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from mtlsearch.candidate import Candidate
from mtlsearch.data import Dataset, load
from mtlsearch.records import Replicate, TrainingResult
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.study import Study
from tests.support.running_program import report_of, run

RECORDED = Path(__file__).parent / "recorded"
SAME_BITS = {"MKL_CBWR": "COMPATIBLE", "ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1"}
TOLERANCE = 1e-6
ENSEMBLES = {
    "penguins": "-0.12 points of skill, 95% interval -4.22 to +3.98",
    "iris": "-2.17 points of skill, 95% interval -16.37 to +12.03",
    "vowel": "+1.21 points of skill, 95% interval -16.30 to +18.71",
}

Json = dict[str, Any]


def _recording(name: str) -> Json:
    packed = (RECORDED / f"{name}.json.gz").read_bytes()
    recording: Json = json.loads(gzip.decompress(packed))
    spaces = {space.stem: str(space) for space in RECORDED.glob("*.yaml")}
    search = [spaces.get(word, word) for word in recording["search"]]
    if "--space" not in search:
        search += ["--space", spaces["default"]]
    recording["search"] = search
    return recording


def _trainings(folder: Path, dataset: Dataset) -> dict[str, list[Json]]:
    """The trainings of every arm and of the confirmation, spelled as in the recordings."""
    analysis = Analysis(Study.open(folder), dataset)
    trainings = {}
    for arm, trials in analysis.trials.items():
        searched = []
        for trial in trials:
            facts = _facts(trial.result, trial.replicate)
            searched.append({**facts, "candidate": trial.candidate})
        trainings[arm] = searched

    confirmation = []
    for model in analysis.confirmed:
        for training in model.trainings:
            facts = _facts(training.result, Replicate("confirmation", training.seed_index))
            confirmation.append({**facts, "test_scores": training.scores.scores})
    return {**trainings, "confirmation": confirmation}


def _facts(result: TrainingResult, replicate: Replicate) -> Json:
    return {
        "replicate": replicate.number,
        "scores": result.scores,
        "epochs": result.epochs,
        "parameters": result.parameters,
    }


@pytest.mark.parametrize("name", ["penguins", "iris", "vowel"])
def test_a_recorded_study_comes_out_as_it_did(name: str, tmp_path: Path) -> None:
    recording = _recording(name)
    folder = tmp_path / "study"
    environment = {**os.environ, **SAME_BITS}
    finished = run(*recording["search"], "--study", folder, cwd=tmp_path, env=environment)
    assert finished.code == 0, finished.err

    trainings = _trainings(folder, load(recording["search"][1]))
    assert trainings.keys() == recording["trainings"].keys()
    for arm, recorded in recording["trainings"].items():
        assert len(trainings[arm]) == len(recorded)
        for now, before in zip(trainings[arm], recorded, strict=True):
            _assert_same(now, before)

    report = report_of(folder)
    verdict = report["verdict"]
    assert verdict["decision"] == recording["verdict"]["decision"]
    assert _gain(report, "ensemble") == ENSEMBLES[name]
    assert _gain(report, "single") == recording["verdict"]["single"]


def _gain(report: Json, models: str) -> str:
    """The gain of the arm that stands for sharing."""
    arm = report["verdict"]["arm"]
    for entry in report["comparisons"]:
        if (entry["arm"], entry["models"]) == (arm, models):
            gain = entry["gain"]
            ends = f"{gain['low']:+.2f} to {gain['high']:+.2f}"
            return f"{gain['mean']:+.2f} points of skill, 95% interval {ends}"
    raise AssertionError(f"{arm} has no comparison of {models}")


def _assert_same(now: Json, before: Json) -> None:
    """Settings exactly, scores within the tolerance."""
    if "candidate" in before:
        assert now["candidate"] == Candidate.from_json(before["candidate"])
    assert now["replicate"] == before["replicate"]
    assert now["epochs"] == before["epochs"]
    assert now["parameters"] == before["parameters"]
    assert now["scores"] == pytest.approx(before["scores"], abs=TOLERANCE)
    if "test_scores" in before:
        assert now["test_scores"] == pytest.approx(before["test_scores"], abs=TOLERANCE)
