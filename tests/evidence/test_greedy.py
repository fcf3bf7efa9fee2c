"""Greedy selection: what is taken, how often, and what it is chosen by."""

from dataclasses import replace

import numpy as np
import pytest

from mtlsearch.evidence.ensemble import weighted_mean
from mtlsearch.evidence.greedy import ValidationFold, select_greedily
from mtlsearch.tasks import TaskOptions
from tests.support.skill import ERROR_OF_NO_SKILL, scales_of
from tests.support.tasks import make_task

TASK = make_task("price", "regression", "rmse")
OTHER = make_task("weight", "regression", "rmse")
ROWS = 40


def fold(errors, seed=0):
    """A fold in which models err by so much, per name; the labels are drawn."""
    labels = np.random.default_rng(seed).normal(0.0, 5.0, ROWS)
    predictions = {name: {"price": labels + error} for name, error in errors.items()}
    return ValidationFold({"price": labels}, predictions)


def chosen(folds, reference="worst", **settings):
    return select_greedily(folds, scales_of([TASK]), reference, **settings)


def test_a_model_that_no_other_helps_is_taken_alone():
    found = chosen([fold({"worst": 3.0, "best": 1.0, "middle": 2.0})])
    assert found.counts == {"best": 1}
    assert found.weights == {"best": 1.0}
    assert found.gain == pytest.approx(100 * 2 / ERROR_OF_NO_SKILL)


def test_models_are_taken_as_often_as_their_errors_cancel():
    """Errors of +2 and -1 cancel when the second is taken twice as often."""
    found = chosen([fold({"worst": 9.0, "above": 2.0, "below": -1.0})])
    assert found.counts == {"above": 1, "below": 2}
    assert found.weights == pytest.approx({"above": 1 / 3, "below": 2 / 3})
    assert found.gain == pytest.approx(100 * 9 / ERROR_OF_NO_SKILL)


def test_the_mean_over_folds_decides():
    """In one fold one model is better by 1, in the other the other by 2."""
    first = fold({"worst": 9.0, "a": 1.0, "b": 2.0})
    second = fold({"worst": 9.0, "a": 4.0, "b": 2.0}, seed=1)
    assert chosen([first]).counts == {"a": 1}
    assert chosen([first, second]).counts == {"b": 1}


def test_the_gain_is_that_of_the_mean_prediction_on_all_folds():
    draw = np.random.default_rng(0)
    folds = []
    for seed in range(3):
        errors = {name: draw.normal(0.0, 2.0, ROWS) for name in ("worst", "a", "b", "c")}
        folds.append(fold(errors, seed))
    found = chosen(folds)
    scores = []
    references = []
    for entry in folds:
        models = [entry.predictions[name] for name in found.counts]
        mean = weighted_mean(models, list(found.weights.values()))["price"]
        scores.append(TASK.metric.score(entry.labels["price"], mean))
        worst = entry.predictions["worst"]["price"]
        references.append(TASK.metric.score(entry.labels["price"], worst))
    removed = np.mean(references) - np.mean(scores)
    assert found.gain == pytest.approx(100 * removed / ERROR_OF_NO_SKILL)
    assert len(found.counts) > 1
    assert found.gain >= max(chosen(folds, steps=steps).gain for steps in (1, 2, 5))


def test_a_model_that_is_alone_is_taken_once_whatever_rounding_says():
    draw = np.random.default_rng(0)
    for seed in range(5):
        error = draw.normal(0.0, 1.0, ROWS)
        assert chosen([fold({"worst": error}, seed)]).counts == {"worst": 1}


def test_the_first_of_equal_models_is_taken():
    assert chosen([fold({"worst": 3.0, "x": 1.0, "y": 1.0})]).counts == {"x": 1}


def test_a_choice_that_costs_a_task_more_than_it_may_comes_last():
    """`daring` is better in the mean, and makes the second task 20% worse than `safe` does."""
    labels = np.random.default_rng(0).normal(0.0, 5.0, ROWS)
    errors = {"safe": (2.0, 1.0), "daring": (1.0, 1.2)}
    predictions = {}
    for name, (price, weight) in errors.items():
        predictions[name] = {"price": labels + price, "weight": labels + weight}
    folds = [ValidationFold({"price": labels, "weight": labels}, predictions)]
    assert select_greedily(folds, scales_of([TASK, OTHER]), "safe", steps=1).counts == {"daring": 1}
    limited = replace(OTHER, options=TaskOptions(at_most_worse=5.0))
    assert select_greedily(folds, scales_of([TASK, limited]), "safe", steps=1).counts == {"safe": 1}


def test_a_weighted_mean_by_hand():
    models = [{"a": np.array([1.0, 2.0])}, {"a": np.array([5.0, 4.0])}]
    assert weighted_mean(models, [0.75, 0.25])["a"] == pytest.approx([2.0, 2.5])
