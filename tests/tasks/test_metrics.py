import numpy as np
import pytest

from mtlsearch.tasks.metrics import DEFAULT_METRIC, METRICS, score
from mtlsearch.tasks.task import Task

PAIRS = [(name, kind) for name, metric in METRICS.items() for kind in metric.kinds]
CLASSES = ("a", "b", "c")


def example(kind, rows=30):
    rng = np.random.default_rng(0)
    if kind == "regression":
        y = rng.normal(size=rows)
        return y, y
    classes = 3 if kind == "multiclass" else 2
    y = rng.integers(0, classes, rows).astype(float)
    return y, (np.eye(3)[y.astype(int)] if kind == "multiclass" else y)


def task(name, kind):
    return Task(
        "t", kind, name, "s", "t", CLASSES[: {"regression": 0, "binary": 2, "multiclass": 3}[kind]]
    )


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_perfect_beats_shuffled_and_missing_labels_are_masked(name, kind):
    y, prediction = example(kind)
    perfect = score(task(name, kind), y, prediction)
    shuffled = score(task(name, kind), y, prediction[::-1])
    higher = METRICS[name].higher_is_better
    assert perfect == pytest.approx(1.0 if higher else 0.0, abs=1e-9)
    assert (perfect > shuffled) == higher
    spoiled = prediction.copy()
    spoiled[:3] = np.nan
    assert score(
        task(name, kind), np.where(np.arange(30) < 3, np.nan, y), spoiled
    ) == pytest.approx(perfect, abs=1e-9)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_undefined_scores_are_nan_and_missing_classes_are_no_error(name, kind):
    y, prediction = example(kind)
    assert np.isnan(score(task(name, kind), y * np.nan, prediction))
    assert np.isnan(score(task(name, kind), y, prediction * np.nan))
    one_class = score(task(name, kind), np.zeros(30), prediction)
    assert np.isnan(one_class) == (name in ("r2", "roc_auc", "average_precision"))


def test_absent_class_costs_nothing_when_it_is_not_predicted():
    y = np.array([0.0, 1, 0, 1])
    for name in ("balanced_accuracy", "f1_macro", "accuracy"):
        assert score(task(name, "multiclass"), y, np.eye(3)[y.astype(int)]) == 1


def test_every_kind_has_a_fitting_default():
    for kind, name in DEFAULT_METRIC.items():
        assert kind in METRICS[name].kinds


def test_floors():
    assert {name for name, metric in METRICS.items() if metric.floor == 1e-9} == {
        "rmse",
        "mae",
        "log_loss",
    }
    assert {metric.floor for metric in METRICS.values()} == {0.1, 1e-9}
