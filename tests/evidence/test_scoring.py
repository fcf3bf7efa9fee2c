"""Test scores: the plain metric, on all test rows and on bootstrap samples of them."""

import dataclasses
import math

import numpy as np
import pytest

from mtlsearch.data import TEST, Dataset, load, resample
from mtlsearch.evidence.scoring import SAMPLES, TestScorer
from mtlsearch.seeding import derive_seed


@pytest.fixture(scope="module")
def penguins() -> Dataset:
    """Three tasks (multiclass, binary with missing labels, regression) of one source."""
    return load("penguins")


@pytest.fixture(scope="module")
def two_sources() -> Dataset:
    """Two tasks, each of a source of its own."""
    return load("iris+breast_cancer")


def rows_of(dataset, task):
    return np.flatnonzero(dataset.sources[task.source].splits.role == TEST)


def guesses(dataset, seed=0):
    """Predictions for the test rows that are right more often than not, per task name."""
    draw = np.random.default_rng(seed)
    found = {}
    for task in dataset.tasks:
        target = dataset.targets[task.name][rows_of(dataset, task)]
        known = np.where(np.isnan(target), 0.0, target)
        if not task.classes:
            found[task.name] = known + draw.normal(0.0, target[~np.isnan(target)].std(), len(known))
            continue
        votes = draw.random((len(known), len(task.classes)))
        votes[np.arange(len(known)), known.astype(int)] += 0.5
        chances = votes / votes.sum(1, keepdims=True)
        found[task.name] = chances[:, 1] if len(task.classes) == 2 else chances
    return found


def test_each_score_is_the_metric_on_all_test_rows(penguins):
    predictions = guesses(penguins)
    found = TestScorer(penguins, 7).score(predictions)
    assert list(found.scores) == [task.name for task in penguins.tasks]
    for task in penguins.tasks:
        target = penguins.targets[task.name][rows_of(penguins, task)]
        assert found.scores[task.name] == task.metric.score(target, predictions[task.name])
    assert found.finite


def test_each_value_is_the_metric_on_a_sample_of_the_test_rows(penguins):
    predictions = guesses(penguins)
    found = TestScorer(penguins, 7).score(predictions)
    for task in penguins.tasks:
        target = penguins.targets[task.name]
        prediction = np.full((len(target), *predictions[task.name].shape[1:]), np.nan)
        prediction[rows_of(penguins, task)] = predictions[task.name]
        expected = []
        for number in range(SAMPLES):
            seed = derive_seed(7, "resample", number)
            rows = resample(penguins.sources[task.source], seed)
            expected.append(task.metric.score(target[rows], prediction[rows]))
        assert found.resampled[task.name] == pytest.approx(expected, abs=1e-7, nan_ok=True)
        assert len(set(found.resampled[task.name])) > 5


def test_their_scatter_is_the_scores_standard_error(penguins):
    found = TestScorer(penguins, 7).score(guesses(penguins))
    share, values = found.scores["species"], found.resampled["species"]
    error = math.sqrt(share * (1 - share) / len(rows_of(penguins, penguins.tasks[0])))
    assert 0.1 < share < 0.95
    assert np.mean(values) == pytest.approx(share, abs=error / 2)
    assert np.std(values) == pytest.approx(error, rel=0.25)


def test_models_are_scored_on_the_same_samples_whatever_else_they_predict(two_sources):
    predictions = guesses(two_sources)
    scorer = TestScorer(two_sources, 7)
    together = scorer.score(predictions)
    alone = scorer.score({"malignant": predictions["malignant"]})
    assert list(together.resampled) == ["species", "malignant"]
    assert np.array_equal(alone.resampled["malignant"], together.resampled["malignant"])
    other = TestScorer(two_sources, 8).score(predictions)
    assert not np.array_equal(other.resampled["malignant"], together.resampled["malignant"])
    assert other.scores == together.scores


def test_a_sample_of_one_class_is_undefined(penguins):
    sex = penguins.targets["sex"].copy()
    test_rows = np.flatnonzero(penguins.sources["penguins"].splits.role == TEST)
    last = test_rows[-1]
    sex[test_rows] = 0.0
    sex[last] = 1.0
    dataset = dataclasses.replace(penguins, targets={**penguins.targets, "sex": sex})
    found = TestScorer(dataset, 7).score(guesses(dataset))
    lacking = []
    for number in range(SAMPLES):
        rows = resample(dataset.sources["penguins"], derive_seed(7, "resample", number))
        lacking.append(last not in rows)
    assert np.isnan(found.resampled["sex"]).tolist() == lacking
    assert 10 < sum(lacking) < 70  # (1 - 1 / 52)^52 = 36% of them
    assert np.isfinite(found.resampled["body_mass_g"]).all()


def test_a_metric_that_is_undefined_on_all_test_rows_is_no_number(penguins):
    sex = np.zeros_like(penguins.targets["sex"])
    dataset = dataclasses.replace(penguins, targets={**penguins.targets, "sex": sex})
    found = TestScorer(dataset, 7).score(guesses(dataset))
    assert math.isnan(found.scores["sex"])
    assert not found.finite


def test_samples_come_one_after_the_other(penguins):
    found = TestScorer(penguins, 7).score(guesses(penguins))
    samples = list(found.samples())
    assert len(samples) == SAMPLES
    for name, values in found.resampled.items():
        sampled = [sample[name] for sample in samples]
        assert np.array_equal(sampled, values, equal_nan=True)


def test_too_few_predictions_are_refused(penguins):
    predictions = guesses(penguins)
    predictions["species"] = predictions["species"][1:]
    with pytest.raises(ValueError, match="species: 51 predictions for 52 test rows"):
        TestScorer(penguins, 7).score(predictions)


def test_samples_of_whole_groups_differ_in_size(penguins):
    source = penguins.sources["penguins"]
    group = np.sqrt(3 * np.arange(len(source.inputs))).astype(int)  # sizes from 1 up
    grouped = dataclasses.replace(
        source, splits=dataclasses.replace(source.splits, group=group, strata=None)
    )
    dataset = dataclasses.replace(penguins, sources={"penguins": grouped})
    predictions = guesses(dataset)
    found = TestScorer(dataset, 7).score(predictions)
    sizes = set()
    for task in dataset.tasks:
        target = dataset.targets[task.name]
        prediction = np.full((len(target), *predictions[task.name].shape[1:]), np.nan)
        prediction[rows_of(dataset, task)] = predictions[task.name]
        for number in range(SAMPLES):
            rows = resample(grouped, derive_seed(7, "resample", number))
            sizes.add(len(rows))
            expected = task.metric.score(target[rows], prediction[rows])
            value = found.resampled[task.name][number]
            assert value == pytest.approx(expected, abs=1e-7, nan_ok=True)
    assert len(sizes) > 5


def test_many_predictions_are_scored_in_several_batches(penguins):
    predictions = guesses(penguins)
    at_once = TestScorer(penguins, 7).score(predictions)
    in_batches = TestScorer(penguins, 7, most_numbers=500).score(predictions)
    for name, values in at_once.resampled.items():
        assert np.array_equal(values, in_batches.resampled[name], equal_nan=True)
