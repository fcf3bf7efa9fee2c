"""Three studies that an earlier version recorded come out as they did: candidates, scores,
verdicts.

The recordings were made before the rooms were rebuilt, with what has gone since (racing, rungs, and
picks that mix candidates) switched off. They hold per training its candidate, replicate, scores,
epochs and parameters. A space of the time that has grown since lies beside them.

Picks go by the trainings of all arms since; where that changed one (penguins), the confirmation and
the verdict were recorded anew. The trainings of the search are the first ones.

Their verdicts are of single models, which is what was compared then, and did not say so. What
ensembles of the same trainings come to was added later and stands here.
"""

import gzip
import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from mtlsearch.candidate import Candidate
from mtlsearch.data import Dataset, load
from mtlsearch.evidence.verdict import Verdict
from mtlsearch.records import Replicate, TrainingResult
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.study import Study
from tests.support.running_program import report_of, run

RECORDED = Path(__file__).parent / "recorded"
SAME_BITS = {"MKL_CBWR": "COMPATIBLE", "ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1"}
TOLERANCE = 1e-6
GAIN = "mean gain over"
SINGLE_GAIN = "mean gain of single models over"
ENSEMBLES = {
    "penguins": (
        "Cannot tell whether sharing pays: the best sharing structure found against separate "
        "models, mean gain of ensembles of 2 seeds over tuned single-task +0.26%, 95% interval "
        "-5.47% to +6.00% (tasks: 0 better, 3 undecided, 0 worse). If it stayed so, about 285 "
        "times as many test rows would tell."
    ),
    "iris": (
        "Cannot tell whether sharing pays: the best sharing structure found against separate "
        "models, mean gain of ensembles of 2 seeds over tuned single-task -8.49%, 95% interval "
        "-31.46% to +14.48% (tasks: 0 better, 2 undecided, 0 worse). If it stayed so, about 3 "
        "seeds would tell."
    ),
    "vowel": (
        "Cannot tell whether sharing pays: the best sharing structure found against separate "
        "models, mean gain of ensembles of 2 seeds over tuned single-task +0.94%, 95% interval "
        "-19.18% to +21.07% (tasks: 0 better, 3 undecided, 0 worse). If it stayed so, about 25 "
        "seeds would tell."
    ),
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

    verdict = report_of(folder)["verdict"]
    assert verdict["sentence"] == ENSEMBLES[name]
    single = _verdict_on_single_models(folder, load(recording["search"][1]))
    for answer in (verdict, asdict(single)):
        assert answer["decision"] == recording["verdict"]["decision"]
        assert answer["recommended"] == recording["verdict"]["recommended"]
    assert single.sentence == recording["verdict"]["sentence"].replace(GAIN, SINGLE_GAIN)


def _verdict_on_single_models(folder: Path, dataset: Dataset) -> Verdict:
    study = Study.open(folder)
    study.request = replace(study.request, compare="single")
    verdict = Analysis(study, dataset).verdict
    assert verdict is not None
    return verdict


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
