"""Skill: 0 for a constant, 100 for a perfect prediction, and the same share for every metric."""

from dataclasses import replace

import numpy as np
import pytest

from mtlsearch.data import TEST, load
from mtlsearch.evidence.skill import SkillScale, SkillScales
from mtlsearch.tasks import METRICS, TASK_KINDS
from tests.support.label_sets import write_label_sets
from tests.support.skill import scales_of
from tests.support.tasks import make_example, make_task

PER_KIND = [(kind.name, metric.name) for kind in TASK_KINDS.values() for metric in kind.metrics]


@pytest.fixture(scope="module")
def penguins():
    return load("penguins")


@pytest.mark.parametrize(("kind", "metric"), PER_KIND)
def test_a_constant_has_no_skill_and_what_is_perfect_has_100_points(kind, metric):
    """Of balanced classes, so that no metric comes near its floor."""
    example = make_example(TASK_KINDS[kind], rows=200, metric=METRICS[metric])
    task = example.task
    scale = SkillScale.fit(task, example.labels, example.labels)
    assert scale.skill(task.constant_score(example.labels)) == pytest.approx(0.0, abs=1e-6)
    assert scale.skill(task.metric.perfect) == pytest.approx(100.0)
    halfway = (scale.no_skill + task.metric.perfect) / 2
    assert scale.skill(halfway) == pytest.approx(50.0)


def test_no_skill_is_what_the_field_takes_it_for():
    labels = np.array([0.0] * 70 + [1.0] * 30)
    expected = {
        "roc_auc": 0.5,
        "average_precision": 0.3,
        "accuracy": 0.7,
        "balanced_accuracy": 0.5,
        "f1_macro": 0.7 / 1.7,
        "log_loss": -(0.7 * np.log(0.7) + 0.3 * np.log(0.3)),
    }
    for metric, no_skill in expected.items():
        task = make_task("t", "binary", metric, classes=("no", "yes"))
        assert SkillScale.fit(task, labels, labels).no_skill == pytest.approx(no_skill)


def test_the_skill_of_an_error_is_the_share_of_the_constants_error_that_is_removed():
    known = np.array([0.0, 2.0, 4.0, np.nan])
    held_out = np.array([5.0, np.nan, 7.0])
    scale = SkillScale.fit(make_task("t", "regression", "mae"), known, held_out)
    assert scale.no_skill == pytest.approx(4.0)  # of the constant 2 on 5 and 7
    assert scale.skill(1.0) == pytest.approx(75.0)
    assert scale.skill(5.0) == pytest.approx(-25.0)


def test_an_r2_is_its_own_skill_whatever_the_constant_of_other_rows_scores():
    scale = SkillScale.fit(
        make_task("t", "regression", "r2"),
        np.array([0.0, 1.0]),
        np.array([10.0, 11.0]),
    )
    assert scale.skill(0.3) == pytest.approx(30.0)
    assert scale.points(0.33 - 0.3) == pytest.approx(3.0)


def test_a_constant_that_is_nearly_perfect_does_not_make_points_of_nothing():
    labels = np.array([0.0] * 999 + [1.0])
    task = make_task("t", "binary", "accuracy", classes=("no", "yes"))
    scale = SkillScale.fit(task, labels, labels)
    assert scale.points(0.001) == pytest.approx(1.0)
    constant = np.full(5, 3.0)
    error = replace(make_task("t", "regression", "rmse"), unit=3.0)
    assert SkillScale.fit(error, constant, constant).size == pytest.approx(3e-9)


def test_an_undefined_metric_is_refused():
    labels = np.zeros(4)
    task = make_task("t", "binary", "roc_auc", classes=("no", "yes"))
    with pytest.raises(ValueError, match="t: roc_auc of no skill is nan"):
        SkillScale.fit(task, labels, labels)


def test_the_constants_of_test_scores_never_see_a_test_label(penguins):
    task = penguins.tasks[2]
    rmse = replace(task, metric=METRICS["rmse"])
    dataset = replace(penguins, tasks=(*penguins.tasks[:2], rmse))
    labels = dataset.targets[task.name]
    is_test = dataset.sources[task.source].splits.role == TEST
    error = labels[is_test] - np.nanmean(labels[~is_test])
    expected = np.sqrt(np.nanmean(error**2))
    assert SkillScales.on_test_rows(dataset).of_task[2].no_skill == pytest.approx(expected)

    shifted = labels + 1000.0 * is_test
    other = replace(dataset, targets={**dataset.targets, task.name: shifted})
    on_search_rows = SkillScales.on_search_rows(dataset)
    assert SkillScales.on_search_rows(other) == on_search_rows
    assert on_search_rows.of_task[2].no_skill == pytest.approx(np.nanstd(labels[~is_test]))


def test_sets_of_labels_have_scales(tmp_path):
    dataset = load(str(write_label_sets(tmp_path)))
    for scale in SkillScales.on_test_rows(dataset).of_task:
        assert scale.skill(scale.task.metric.perfect) == pytest.approx(100.0)


def test_gains_are_differences_of_mean_skill(tasks):
    scales = scales_of(tasks)
    scores = {"a": 0.75, "b": 1.0}
    assert scales.mean(scores) == pytest.approx(50.0)
    assert scales.mean({"a": 0.5, "b": 2.0}) == pytest.approx(0.0)
    assert scales.gain(scores, {"a": 0.7, "b": 1.2}) == pytest.approx((10 + 10) / 2)
    assert scales.gain(scores, scores) == 0.0
    assert scales.alone("b").gain(scores, {"b": 1.2}) == pytest.approx(10.0)


def test_the_deviation_of_the_mean_is_that_of_independent_scores(tasks):
    scales = scales_of(tasks)
    draws = np.random.default_rng(0).normal(0, [[0.01], [0.1]], (2, 20_000))
    means = [scales.mean({"a": 0.5 + a, "b": 2.0 + b}) for a, b in draws.T]
    assert scales.deviation({"a": 0.01, "b": 0.1}) == pytest.approx(np.std(means), rel=0.02)
