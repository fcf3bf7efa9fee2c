"""Confirmed models in the report: scores over seeds, and differences in each metric's direction."""

from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate
from mtlsearch.data import TEST, load
from mtlsearch.evidence.advice import Advice
from mtlsearch.evidence.comparison import compare
from mtlsearch.evidence.ensemble import Ensemble, NoEnsemble
from mtlsearch.evidence.interval import Interval
from mtlsearch.evidence.scoring import score_in_every_metric
from mtlsearch.evidence.selection import Pick
from mtlsearch.evidence.verdict import Verdict
from mtlsearch.records import TrainingResult
from mtlsearch.report.confirmed import (
    report_comparison,
    report_model,
    report_test_metrics,
    report_verdict,
)
from mtlsearch.report.model import ReportedAdvice, ReportedInterval, SeedLeftOut
from mtlsearch.search.confirmed_models import Confirmed, ConfirmedTraining
from mtlsearch.search.tested_models import TestedModel
from mtlsearch.structure.tree import SharingTree
from tests.support.confirmed import BASELINE, scored, shifted
from tests.support.skill import scales_of
from tests.support.tasks import make_task

TASKS = (
    make_task("a", "binary", "roc_auc", classes=("0", "1")),
    make_task("b", "regression", "rmse"),
)


def confirm(rows, candidate=3):
    """A confirmed model with these test scores, seed by seed."""
    composition = Candidate(SharingTree.shared(2, 1), Mlp(8)).composition()
    trainings = []
    for index, test_scores in enumerate(scored(rows)):
        result = TrainingResult(index, {}, 12, 34, [1], [[1.0]], 0.1)
        training = ConfirmedTraining(index, result, {}, test_scores, Path(), {})
        trainings.append(training)
    return Confirmed(Pick("searched", candidate, composition, 1.5), trainings)


GAINS = (0.01, 0.03, 0.02, 0.045)  # surely above zero, but not as one of two tasks
NONE = NoEnsemble("it takes two confirmed models")


def test_a_model_has_its_test_scores_with_means_and_errors():
    model = report_model(
        confirm([{"a": 0.8, "b": 2.0}, {"a": 0.9, "b": 2.2}]), NONE, scales_of(TASKS)
    )
    assert (model.arm, model.candidate, model.validation_gain) == ("searched", 3, 1.5)
    assert (model.parameters, model.macs_per_example) == (12, 34)
    assert model.test == {"a": (0.8, 0.9), "b": (2.0, 2.2)}
    assert model.mean == pytest.approx({"a": 0.85, "b": 2.1})
    assert model.standard_error == pytest.approx({"a": 0.05, "b": 0.1})
    assert model.tree == "a+b"
    assert [component.tasks for component in model.composition] == [("a", "b")]


def test_one_seed_has_no_standard_error():
    model = report_model(confirm([{"a": 0.8, "b": 2.0}]), NONE, scales_of(TASKS))
    assert model.standard_error == {"a": None, "b": None}


def test_a_model_of_several_candidates_has_no_number():
    confirmed = confirm([{"a": 0.8, "b": 2.0}], candidate=None)
    assert report_model(confirmed, NONE, scales_of(TASKS)).candidate is None


def test_the_interval_of_an_ensemble_ends_at_the_best_score_there_is():
    confirmed = confirm([{"a": 0.9, "b": 2.0}, {"a": 0.8, "b": 2.2}])
    single, test = scored([{"a": 0.85, "b": 2.1}, {"a": 0.95, "b": 0.5}])
    unknown = Interval(1.0, None, None)
    ensemble = Ensemble(
        predictions={},
        test=test,
        single=single,
        scores={"a": Interval(0.95, 0.88, 1.02), "b": Interval(0.5, -0.1, 1.1)},
        task_gains={"a": unknown, "b": unknown},
        gain=Interval(3.0, 1.0, 5.0),
    )
    reported = report_model(
        replace(confirmed, left_out={2: "NaN"}), ensemble, scales_of(TASKS)
    ).ensemble
    a = reported.tasks["a"]
    b = reported.tasks["b"]
    assert (a.single, a.score, a.low, a.high) == (0.85, 0.95, 0.88, 1.0)
    assert (b.single, b.score, b.low, b.high) == (2.1, 0.5, 0.0, 1.1)
    assert (a.gain.mean, a.gain.low) == (1.0, None)
    assert astuple(a.skill) == pytest.approx((90.0, 76.0, 100.0))
    assert astuple(b.skill) == pytest.approx((75.0, 45.0, 100.0))  # of an error of 2.0 for none
    assert reported.gain == ReportedInterval(3.0, 1.0, 5.0)
    assert reported.seeds == (0, 1)
    assert reported.left_out == (SeedLeftOut(2, "NaN"),)


def test_where_there_is_no_ensemble_the_reason_is_reported():
    reported = report_model(confirm([{"a": 0.8, "b": 2.0}]), NONE, scales_of(TASKS)).ensemble
    assert (reported.seeds, reported.tasks, reported.gain) == ((), {}, None)
    assert reported.reason == NONE.reason


def test_differences_are_in_the_direction_of_the_metric():
    comparison = compare("searched", scored(shifted(0.1, -0.5)), scored(BASELINE), scales_of(TASKS))
    reported = report_comparison(comparison, TASKS)
    assert (reported.arm, reported.baseline) == ("searched", "single_task")
    a = reported.tasks["a"]
    b = reported.tasks["b"]
    assert a.difference.mean == pytest.approx(0.101)
    assert b.difference.mean == pytest.approx(-0.499)  # lower errors are better
    assert (a.result, b.result) == ("win", "win")
    assert a.difference.low < a.difference.mean < a.difference.high
    assert b.difference.low < b.difference.mean < b.difference.high


def test_the_gain_is_in_points_and_the_relative_gain_in_both_conventions():
    comparison = compare("searched", scored(shifted(0.1, -0.5)), scored(BASELINE), scales_of(TASKS))
    reported = report_comparison(comparison, TASKS)
    assert reported.gain.mean == pytest.approx((100 * 0.101 / 0.5 + 100 * 0.499 / 2) / 2)
    assert reported.tasks["b"].points.mean == pytest.approx(100 * 0.499 / 2)
    relative = reported.relative
    assert relative.maninis.mean == comparison.relative.mean > 0
    assert relative.nash_mtl.mean == -relative.maninis.mean
    assert relative.nash_mtl.low == -relative.maninis.high
    assert relative.nash_mtl.high == -relative.maninis.low


def test_an_interval_beside_a_result_is_corrected_as_the_result_is():
    ours = []
    for row, gain in zip(BASELINE, GAINS, strict=True):
        ours.append({"a": row["a"] + gain, "b": row["b"]})
    comparison = compare("searched", scored(ours), scored(BASELINE), scales_of(TASKS))
    assert comparison.differences["a"].low > 0
    a = report_comparison(comparison, TASKS).tasks["a"]
    assert a.result == "tie" and a.difference.low < 0


def test_a_verdict_is_reported_where_there_is_one():
    verdict = Verdict(
        decision="cannot tell",
        claim="cannot tell",
        sentence="Cannot tell.",
        figures="+1 point.",
        arm="searched",
        recommended="searched",
        why="It is cheap.",
    )
    advice = [Advice("resume", 2.0, "narrows it")]
    reported = report_verdict(verdict, advice)
    assert (reported.decision, reported.sentence) == ("cannot tell", "Cannot tell.")
    assert (reported.figures, reported.why) == ("+1 point.", "It is cheap.")
    assert reported.advice == (ReportedAdvice("resume", 2.0, "narrows it"),)
    assert (reported.arm, reported.recommended) == ("searched", "searched")
    assert report_verdict(None) is None


def test_a_model_is_scored_in_every_metric_of_each_task():
    dataset = load("penguins")
    is_test = dataset.sources["penguins"].splits.role == TEST
    labels = {task.name: dataset.targets[task.name][is_test] for task in dataset.tasks}
    shares = np.eye(3)[labels["species"].astype(int)]
    predictions = {
        "species": shares,
        "sex": np.nan_to_num(labels["sex"], nan=0.5),
        "body_mass_g": labels["body_mass_g"] + 100.0,
    }
    model = confirm([{"a": 0.8, "b": 2.0}, {"a": 0.9, "b": 2.2}])
    off = {**predictions, "body_mass_g": np.full(len(shares), np.nan)}
    metrics = [score_in_every_metric(dataset, predicted) for predicted in (predictions, off)]
    tested = TestedModel(model, NoEnsemble("none"), metrics)
    entries = report_test_metrics([tested], dataset.tasks)
    assert [entry.metric for entry in entries if entry.task == "body_mass_g"] == [
        "r2",
        "rmse",
        "mae",
    ]
    scores = {(entry.task, entry.metric): entry for entry in entries}
    assert len(scores) == sum(len(task.kind.metrics) for task in dataset.tasks)
    assert scores["species", "accuracy"].test == (1.0, 1.0)
    assert scores["sex", "average_precision"].mean == 1.0
    assert scores["body_mass_g", "rmse"].test == (pytest.approx(100.0), None)
    assert scores["body_mass_g", "rmse"].mean is None
    assert [key for key, entry in scores.items() if entry.decides] == [
        (task.name, task.metric.name) for task in dataset.tasks
    ]
