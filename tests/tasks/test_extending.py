"""Adding a kind of task, with a metric of its own, is one file and one line in the table."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.support.extended_package import ExtendedPackage

HUBER = '''"""Robust regression: a number, predicted with the least Huber loss."""

from collections.abc import Sequence
from typing import ClassVar, final

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import huber
from sklearn import metrics as sklearn_metrics
from torch import Tensor
from torch.nn import functional

from mtlsearch.arrays import Array
from mtlsearch.tasks.contract import Estimator, TargetColumn, TargetScale, TaskKind
from mtlsearch.tasks.metrics import MAE, RMSE, Metric


def _max_error(labels: Array, prediction: Array) -> float:
    return float(sklearn_metrics.max_error(labels, prediction))


def _max_error_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    errors = (labels - prediction).abs()
    return errors.masked_fill(~labelled, 0.0).amax(1)


MAX_ERROR = Metric(
    name="max_error",
    higher_is_better=False,
    floor=1e-9,
    of_classes=False,
    function=_max_error,
    batched=_max_error_batched,
)


@final
class Huber(TaskKind):
    """A number in units of its median absolute deviation."""

    name: ClassVar[str] = "huber"
    metrics: ClassVar[tuple[Metric, ...]] = (MAE, RMSE, MAX_ERROR)
    is_classification: ClassVar[bool] = False
    transform: ClassVar[str] = "affine"
    layout: ClassVar[str] = "value"
    requirement: ClassVar[str] = "numbers"

    def accepts(self, column: TargetColumn) -> bool:
        """Tell whether the column holds numbers."""
        return column.numeric

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the Huber loss [*H, B]."""
        return functional.huber_loss(output[..., 0], target, reduction="none")

    def target_scale(self, labels: Array) -> TargetScale:
        """Return the median and the median distance from it."""
        median = float(np.median(labels))
        deviation = float(np.median(np.abs(labels - median)))
        return TargetScale(median, deviation or 1.0)

    def best_constant(self, labels: Array, classes: Sequence[str]) -> Array:
        """Return the Huber estimate of location."""
        scale = self.target_scale(labels)
        return np.asarray(_location(self._scaled(labels)) * scale.scale + scale.mean)

    def constant_loss(self, labels: Array) -> float:
        """Return the mean Huber loss of the estimate of location."""
        scaled = self._scaled(labels)
        return float(huber(1.0, scaled - _location(scaled)).mean())

    def estimator_prediction(self, estimator: Estimator, x: Array, classes: Sequence[str]) -> Array:
        """Return the predicted values [N]."""
        return estimator.predict(x)

    def _scaled(self, labels: Array) -> Array:
        scale = self.target_scale(labels)
        return (labels - scale.mean) / scale.scale


def _location(values: Array) -> float:
    found = minimize_scalar(lambda constant: huber(1.0, values - constant).mean())
    return float(found.x)
'''
SEARCH = ("--space", "quick", "--epochs", "2", "--trainings", "4", "--seeds", "2")
ARMS = ("--arms", "searched,single_task", "--runner", "local")


def add_huber(folder, source=HUBER):
    extended = ExtendedPackage.copy(folder, "tasks")
    extended.add("tasks", "huber", source, "Huber", '"huber": Huber()')
    return extended


@pytest.fixture
def extended(tmp_path):
    """The package with the robust regression."""
    return add_huber(tmp_path)


@pytest.fixture
def visits(extended):
    """A table beside it: a number with outliers, and two classes."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(120, 3))
    outliers = np.where(draw.random(120) < 0.1, 20.0, 0.0)
    table = pd.DataFrame(x, columns=["age", "score", "dose"])
    table["stay"] = 5 + x[:, 0] + 0.1 * draw.normal(size=120) + outliers
    table["readmitted"] = np.where(x[:, 1] + draw.normal(size=120) > 0, "yes", "no")
    path = extended.folder / "visits.csv"
    table.to_csv(path, index=False)
    return path


def test_the_contracts_test_it_unedited(extended):
    ran = extended.run_tests(
        "tests/tasks", "-k", "huber", "--deselect", "tests/tasks/test_extending.py"
    )
    assert ran.code == 0, ran.out + ran.err
    passed = {line.split(" PASSED")[0] for line in ran.out.splitlines() if " PASSED" in line}
    assert {
        "tests/tasks/test_task_kinds.py::test_the_best_constant_has_the_least_loss[huber]",
        "tests/tasks/test_task_kinds.py::test_scikit_learn_is_shown_the_same_task[huber]",
        "tests/tasks/test_metrics.py::test_padding_changes_nothing[max_error-huber]",
        "tests/tasks/test_metrics.py::test_padding_changes_nothing[mae-huber]",
    } <= passed


def test_it_goes_from_check_to_predict(extended, visits):
    tasks = ("--task", "stay:huber:max_error", "--task", "readmitted")
    checked = extended.run("check", "visits.csv", *tasks)
    assert checked.code == 0, checked.err
    assert "stay: huber, metric max_error" in checked.out

    searched = extended.run("search", "visits.csv", *tasks, *SEARCH, *ARMS, "--study", "study")
    assert searched.code == 0, searched.err
    report = json.loads((extended.folder / "study/report/report.json").read_text("utf-8"))
    [stay] = [task for task in report["tasks"] if task["name"] == "stay"]
    assert (stay["kind"], stay["metric"], stay["higher_is_better"]) == ("huber", "max_error", False)
    assert len(report["references"]["models"]) >= 4
    for reference in report["references"]["models"]:
        assert reference["mean"]["stay"] > 0

    exported = extended.run("export", "study", "--to", "model")
    assert exported.code == 0, exported.err
    predicted = extended.run("predict", "model", "visits.csv", "--to", "predicted.csv")
    assert predicted.code == 0, predicted.err
    table = pd.read_csv(extended.folder / "predicted.csv")
    assert list(table) == ["stay", "readmitted", "readmitted_probability"]
    assert np.isfinite(table["stay"]).all()


def test_one_that_breaks_the_contract_fails(tmp_path):
    broken = HUBER.replace("huber(1.0, scaled - _location(scaled)).mean()", "scaled.var()")
    ran = add_huber(tmp_path, broken).run_tests("tests/tasks/test_task_kinds.py", "-k", "huber")
    assert ran.code == 1, ran.out + ran.err
    assert "test_the_best_constant_has_the_least_loss[huber] FAILED" in ran.out


def test_one_whose_metric_is_wrong_for_many_models_fails(tmp_path):
    broken = HUBER.replace("errors.masked_fill(~labelled, 0.0)", "errors")
    ran = add_huber(tmp_path, broken).run_tests("tests/tasks/test_metrics.py", "-k", "max_error")
    assert ran.code == 1, ran.out + ran.err
    assert "test_padding_changes_nothing[max_error-huber] FAILED" in ran.out
