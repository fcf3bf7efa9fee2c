"""Sets of labels among the references: a model for each label, on the rows where it is known."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from mtlsearch.data import fold, load, prepare
from mtlsearch.references import REFERENCES
from mtlsearch.references.fitting import Fit, TaskRows
from mtlsearch.references.flat_table import FlatColumns, FlatTable
from mtlsearch.tasks import LabelSet
from tests.support.label_sets import write_label_sets
from tests.support.references import test_scores
from tests.support.replicates import confirmed
from tests.support.tasks import make_example


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return load(str(write_label_sets(tmp_path_factory.mktemp("labels"))))


def rows_of(example, x, labels):
    """The rows of a task of which all but the last ten are training rows, the rest validation."""
    numbers = np.arange(len(x))
    table = FlatTable(x, FlatColumns(x.shape[1]))
    return TaskRows(example.task, table, labels, numbers[:-10], numbers[-10:], numbers[:0])


def fit(name, rows):
    return Fit(REFERENCES[name], rows, 0, 20_000)


def test_every_reference_scores_every_task(dataset):
    """Categories that are encoded by their labels are encoded for each label."""
    scores = test_scores(dataset, names=("linear", "histogram_boosting"))
    for by_task in scores.values():
        assert by_task.keys() == {"topics", "weather", "stay"}
        assert by_task["topics"][0] > 0.7
        assert by_task["weather"][0] > 0.65


def test_the_score_is_the_mean_of_models_fitted_label_by_label_by_hand(dataset):
    prepared = prepare(dataset, fold(dataset, confirmed(0).number, 0))
    x = prepared.inputs["t"].arrays[0].astype(float)[:, :2]
    labels = dataset.targets["weather"]
    task = dataset.tasks[1]
    table = FlatTable(x, FlatColumns(2))
    rows = TaskRows.of(dataset, task, prepared, table)
    scores = []
    for column in labels.T:
        train = prepared.fold.train["t"]
        known, scored = (part[~np.isnan(column[part])] for part in (train, rows.test))
        model = LogisticRegression().fit(x[known], column[known])
        scores.append(roc_auc_score(column[scored], model.predict_proba(x[scored])[:, 1]))
    model = Fit(REFERENCES["linear"], rows, 0, 20_000, setting={"alpha": 1.0}).best()
    prediction = model.predict(x[rows.test])
    assert task.metric.score(labels[rows.test], prediction) == pytest.approx(np.mean(scores))


@pytest.mark.parametrize("name", ["linear", "histogram_boosting"])
@pytest.mark.parametrize(("value", "probability"), [(0.0, 0.0), (1.0, 1.0), (np.nan, 0.0)])
def test_a_label_without_two_values_is_that_constant(name, value, probability):
    example = make_example(LabelSet(), rows=80)
    x, labels = example.labels, example.labels.copy()
    labels[:, 1] = value
    of_labels = fit(name, rows_of(example, x, labels))
    assert of_labels.refusal is None
    prediction = of_labels.best().predict(x)
    assert (prediction[:, 1] == probability).all()
    assert len(np.unique(prediction[:, 0])) > 1


def test_labels_of_one_class_each_are_refused():
    example = make_example(LabelSet(), rows=80)
    labels = np.zeros_like(example.labels)
    refused = fit("linear", rows_of(example, example.labels, labels))
    assert refused.refusal == "its training rows are all of one class"
    with pytest.raises(ValueError, match="all of one class"):
        refused.best()
