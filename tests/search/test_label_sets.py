"""Sets of labels among scikit-learn's models: one for each label, on the rows where it is known."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from mtlsearch.data import TEST, fold, load, prepare
from mtlsearch.search.sklearn_baselines import (
    BOOSTING_STRATIFIES_ABOVE,
    SKLEARN_BASELINES,
    FlatColumns,
    score_sklearn_baselines,
)
from mtlsearch.tasks import LabelSet
from tests.support.label_sets import write_label_sets
from tests.support.replicates import confirmed
from tests.support.tasks import make_example


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return load(str(write_label_sets(tmp_path_factory.mktemp("labels"))))


def test_every_reference_scores_every_task(dataset):
    """Categories that are encoded by their labels are encoded for each label."""
    scores = score_sklearn_baselines(dataset, 0, 1)
    assert scores.keys() == SKLEARN_BASELINES.keys()
    for by_task in scores.values():
        assert by_task.keys() == {"topics", "weather", "stay"}
        assert by_task["topics"][0] > 0.75
        assert by_task["weather"][0] > 0.7


def test_the_score_is_the_mean_of_models_fitted_label_by_label_by_hand(dataset):
    prepared = prepare(dataset, fold(dataset, confirmed(0).number, 0))
    x = prepared.inputs["t"].arrays[0].astype(float)
    labels, train = dataset.targets["weather"], prepared.fold.train["t"]
    test = np.flatnonzero(dataset.sources["t"].splits.role == TEST)
    scores = []
    for column in labels.T:
        rows, scored = (part[~np.isnan(column[part])] for part in (train, test))
        model = LogisticRegression().fit(x[rows, :2], column[rows])
        scores.append(roc_auc_score(column[scored], model.predict_proba(x[scored, :2])[:, 1]))
    task = dataset.tasks[1]
    baseline = SKLEARN_BASELINES["linear"].make(task, 1.0, 0, FlatColumns(2, 0, 0))
    baseline.fit(x[train, :2], labels[train])
    prediction = task.kind.estimator_prediction(baseline, x[test, :2], task.classes)
    assert task.metric.score(labels[test], prediction) == pytest.approx(np.mean(scores))


@pytest.mark.parametrize(("value", "probability"), [(0.0, 0.0), (1.0, 1.0), (np.nan, 0.0)])
def test_a_label_without_two_values_is_that_constant(value, probability):
    example = make_example(LabelSet(), rows=80)
    x, labels = example.labels, example.labels.copy()
    labels[:, 1] = value
    baseline = SKLEARN_BASELINES["linear"]
    assert baseline.accepts(example.task, labels)
    model = baseline.make(example.task, 1.0, 0, FlatColumns(3, 0, 0)).fit(x, labels)
    prediction = LabelSet().estimator_prediction(model, x, example.task.classes)
    assert (prediction[:, 1] == probability).all()
    assert len(np.unique(prediction[:, 0])) > 1


def test_labels_that_scikit_learn_does_not_fit_are_left_out():
    task = make_example(LabelSet()).task
    boosting = SKLEARN_BASELINES["gradient_boosting"]
    labels = np.zeros((BOOSTING_STRATIFIES_ABOVE + 1, 3))
    assert not boosting.accepts(task, labels)
    labels[:50] = 1.0
    assert boosting.accepts(task, labels)
    labels[1:, 2] = 0.0
    assert not boosting.accepts(task, labels)
    assert SKLEARN_BASELINES["linear"].accepts(task, labels)
