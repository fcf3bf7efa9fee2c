"""How a model errs: what is counted, what is drawn of many rows, and which rows are the worst."""

import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from mtlsearch.evidence.diagnostics.confusion import MOST_CLASSES, OTHERS, confusion
from mtlsearch.evidence.diagnostics.detection import MOST_POINTS, detections
from mtlsearch.evidence.diagnostics.deviations import MOST_POINTS as MOST_DOTS
from mtlsearch.evidence.diagnostics.deviations import deviations
from mtlsearch.evidence.diagnostics.importance import importances
from mtlsearch.evidence.diagnostics.predicted_rows import PredictedRows
from mtlsearch.evidence.diagnostics.worst_rows import MOST_ROWS, worst_rows
from mtlsearch.evidence.skill import SkillScale
from tests.support.tasks import make_task

NUMBER = make_task("mass", "regression", "rmse")
BINARY = make_task("sex", "binary", "roc_auc", classes=("female", "male"))
SPECIES = make_task("species", "multiclass", "accuracy", classes=("a", "b", "c"))
TOPICS = make_task("topics", "label_set", "macro_roc_auc", classes=("art", "news", "sport"))


def rows_of(task, labels, predictions, rows=None):
    labels = np.asarray(labels, np.float64)
    numbers = np.arange(len(labels)) if rows is None else np.asarray(rows)
    return PredictedRows.labelled(task, numbers, labels, np.asarray(predictions, np.float64))


def noisy_scores(count):
    """Labels of two classes and probabilities that tell them apart more often than not."""
    draw = np.random.default_rng(0)
    truth = (draw.random(count) < 0.4).astype(float)
    return truth, np.clip(0.3 * truth + 0.7 * draw.random(count), 0, 1)


def test_rows_without_a_label_are_left_out_and_several_sets_are_joined():
    first = rows_of(NUMBER, [1.0, np.nan, 3.0], [1.5, 2.5, 3.5])
    second = rows_of(NUMBER, [5.0], [5.5], [9])
    joined = PredictedRows.joined([first, second])
    assert joined.rows.tolist() == [0, 2, 9]
    assert joined.predictions.tolist() == [1.5, 3.5, 5.5]


def test_the_confusion_matrix_counts_the_most_probable_class():
    chances = np.eye(3)[[0, 1, 1, 2]] * 0.6 + 0.1
    matrix = confusion(rows_of(SPECIES, [0, 0, 1, 2], chances))
    assert matrix.counts == ((1, 1, 0), (0, 1, 0), (0, 0, 1))
    halves = confusion(rows_of(BINARY, [0, 0, 1, 1], [0.2, 0.5, 0.49, 0.9]))
    assert halves.counts == ((1, 1), (1, 1))
    assert confusion(rows_of(NUMBER, [1.0], [1.0])) is None
    assert confusion(rows_of(TOPICS, [[1, 0, 1]], [[0.5, 0.5, 0.5]])) is None


def test_the_rarest_of_many_classes_are_counted_together():
    size = MOST_CLASSES + 3
    task = make_task("zip", "multiclass", "accuracy", classes=tuple(f"c{n}" for n in range(size)))
    labels = np.concatenate([np.arange(size), np.arange(4, size)])  # the first four are rare
    matrix = confusion(rows_of(task, labels, np.eye(size)[labels]))
    assert len(matrix.classes) == MOST_CLASSES
    assert matrix.classes[-1] == OTHERS and matrix.merged == 4
    assert {"c0", "c1", "c2", "c3"}.isdisjoint(matrix.classes)
    assert np.trace(matrix.counts) == np.sum(matrix.counts) == len(labels)


def test_thinned_curves_have_the_areas_of_the_whole_ones():
    truth, probability = noisy_scores(2_000)
    [detection] = detections(rows_of(BINARY, truth, probability))
    assert detection.name == "male" and detection.positives == truth.sum()
    assert max(len(detection.roc), len(detection.precision_recall)) <= MOST_POINTS
    x, y = zip(*detection.roc, strict=True)
    assert auc(x, y) == pytest.approx(roc_auc_score(truth, probability), abs=0.01)
    recall, precision = zip(*detection.precision_recall, strict=True)
    expected = average_precision_score(truth, probability)
    assert auc(recall, precision) == pytest.approx(expected, abs=0.02)


def test_bins_of_calibration_hold_all_rows_and_what_was_observed():
    truth, probability = noisy_scores(200)
    [detection] = detections(rows_of(BINARY, truth, probability))
    assert sum(entry.rows for entry in detection.calibration) == 200
    observed = sum(entry.rows * entry.observed for entry in detection.calibration)
    assert observed == pytest.approx(truth.sum())
    for entry in detection.calibration:
        assert entry.low <= entry.observed <= entry.high
    means = [entry.predicted for entry in detection.calibration]
    assert means == sorted(means)


def test_every_label_of_a_set_is_detected_but_those_that_all_rows_have():
    labels = [[1, 0, 1], [0, 1, 1], [1, np.nan, 1], [0, 0, 1]]
    found = detections(rows_of(TOPICS, labels, np.full((4, 3), 0.5)))
    assert [(entry.name, entry.positives, entry.rows) for entry in found] == [
        ("art", 2, 4),
        ("news", 1, 3),
    ]
    assert detections(rows_of(SPECIES, [0, 1], np.full((2, 3), 1 / 3))) == []
    assert detections(rows_of(NUMBER, [0.0], [1.0])) == []


def test_of_many_numbers_a_sample_is_drawn_and_all_are_counted():
    truth = np.arange(5_000.0)
    error = np.random.default_rng(0).normal(2.0, 1.0, 5_000)
    error[:3] = 1e6  # far beyond: in the last bin, which they do not widen
    found = deviations(rows_of(NUMBER, truth, truth + error))
    assert len(found.points) == MOST_DOTS and found.rows == 5_000
    assert sum(found.counts) == 5_000 and found.edges[-1] < 10
    assert found.mean == pytest.approx(error.mean())
    assert deviations(rows_of(NUMBER, truth, truth + error)) == found
    assert deviations(rows_of(SPECIES, [0], [[1, 0, 0]])) is None


def test_numbers_that_are_all_met_have_a_histogram():
    found = deviations(rows_of(NUMBER, [1.0, 2.0], [1.0, 2.0]))
    assert sum(found.counts) == 2 and found.edges[0] < found.edges[-1]


def test_the_worst_rows_come_first_and_are_said_in_words():
    numbers = worst_rows(rows_of(NUMBER, [1.0, 5.0, 2e6], [1.0, 9.0, 2e6 + 3], [4, 7, 9]))
    assert [(row.row, row.truth, row.prediction, row.error) for row in numbers] == [
        (7, "5", "9", 4.0),
        (9, "2,000,000", "2,000,003", 3.0),
        (4, "1", "1", 0.0),
    ]
    [sex, _] = worst_rows(rows_of(BINARY, [0, 1], [0.9, 0.8]))
    assert (sex.truth, sex.prediction, sex.error) == ("female", "male 90%", 0.9)
    [species] = worst_rows(rows_of(SPECIES, [2], [[0.7, 0.2, 0.1]]))
    assert (species.truth, species.prediction) == ("c", "a 70%")
    assert species.error == pytest.approx(0.9)
    [topics] = worst_rows(rows_of(TOPICS, [[0, 0, np.nan]], [[0.2, 0.6, 0.9]]))
    assert topics.truth == "none" and topics.error == pytest.approx(0.4)
    assert topics.prediction == "sport 90%, news 60%, art 20%"
    many = worst_rows(rows_of(NUMBER, np.zeros(99), np.arange(99.0)))
    assert [row.row for row in many] == list(range(98, 98 - MOST_ROWS, -1))


def test_a_column_is_worth_what_the_score_falls_by_whatever_its_direction():
    falls = importances(
        SkillScale.of(BINARY, 0.5), [0.9, 0.8], [{"x": 0.7, "y": 0.9}, {"x": 0.7, "y": 0.8}]
    )
    assert [entry.column for entry in falls] == ["x", "y"]
    assert (falls[0].loss, falls[0].low, falls[0].high) == pytest.approx((30.0, 20.0, 40.0))
    [rises] = importances(SkillScale.of(NUMBER, 10.0), [2.0], [{"x": 7.0}])
    assert rises.loss == pytest.approx(50.0)
