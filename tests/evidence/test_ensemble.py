"""Ensembles: the mean of several models' predictions, its scores, and what it gains over them."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from mtlsearch.data import TEST, load
from mtlsearch.evidence.ensemble import (
    Ensemble,
    NoEnsemble,
    ScoredModel,
    combine,
    mean_prediction,
)
from mtlsearch.evidence.scoring import TestScorer, TestScores
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.tasks import TaskOptions
from tests.support.label_sets import write_label_sets

SEEDS = 3
NORMAL = 1.959964  # the 97.5% point of the normal distribution


@pytest.fixture(scope="module")
def penguins():
    """Three tasks: multiclass, binary with missing labels, regression."""
    return load("penguins")


@pytest.fixture(scope="module")
def label_sets(tmp_path_factory):
    """Two tasks of several labels each, and a regression."""
    return load(str(write_label_sets(tmp_path_factory.mktemp("labels"))))


@pytest.fixture(scope="module")
def datasets(penguins, label_sets):
    return {"penguins": penguins, "label sets": label_sets}


def labels_of(dataset, task):
    role = dataset.sources[task.source].splits.role
    return dataset.targets[task.name][role == TEST]


def guess(dataset, draw):
    """Predictions for the test rows that are right more often than not, per task name."""
    predictions = {}
    for task in dataset.tasks:
        labels = labels_of(dataset, task)
        known = np.nan_to_num(labels)
        if not task.classes:
            noise = draw.normal(0.0, np.nanstd(labels) / 2, len(known))
            predictions[task.name] = known + noise
        elif task.kind.labels_per_class or len(task.classes) == 2:
            predictions[task.name] = (known + 2 * draw.random(known.shape)) / 3
        else:
            votes = draw.random((len(known), len(task.classes)))
            votes[np.arange(len(known)), known.astype(int)] += 0.5
            predictions[task.name] = votes / votes.sum(1, keepdims=True)
    return predictions


def scored_models(dataset, scorer, seeds=SEEDS):
    models = []
    for seed in range(seeds):
        predictions = guess(dataset, np.random.default_rng(seed))
        models.append(ScoredModel(predictions, scorer.score(predictions)))
    return models


@pytest.fixture(scope="module")
def scorer(penguins):
    return TestScorer(penguins, 7)


@pytest.fixture(scope="module")
def models(penguins, scorer):
    return scored_models(penguins, scorer)


def ensemble_of(dataset, models, scorer, rarest=None):
    ensemble = combine(models, scorer, SkillScales.on_test_rows(dataset), rarest or {})
    assert isinstance(ensemble, Ensemble)
    return ensemble


def test_predictions_are_averaged_by_hand():
    first = {
        "ill": np.array([0.2, 0.9]),
        "price": np.array([10.0, -4.0]),
        "species": np.array([[0.6, 0.3, 0.1], [0.0, 0.0, 1.0]]),
        "topics": np.array([[1.0, 0.5], [0.25, 0.75]]),
    }
    second = {
        "topics": np.array([[0.0, 1.0], [0.75, 0.25]]),
        "species": np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]]),
        "price": np.array([20.0, 4.0]),
        "ill": np.array([0.4, 0.1]),
    }
    mean = mean_prediction([first, second])
    assert list(mean) == list(first)
    assert mean["ill"] == pytest.approx([0.3, 0.5])
    assert mean["price"] == pytest.approx([15.0, 0.0])
    assert mean["species"] == pytest.approx(np.array([[0.4, 0.4, 0.2], [0.5, 0.0, 0.5]]))
    assert mean["topics"] == pytest.approx(np.array([[0.5, 0.75], [0.5, 0.5]]))


@pytest.mark.parametrize("name", ["penguins", "label sets"])
def test_an_ensemble_is_scored_as_a_model_with_its_mean_prediction(name, datasets):
    dataset = datasets[name]
    scorer = TestScorer(dataset, 7)
    models = scored_models(dataset, scorer)
    ensemble = ensemble_of(dataset, models, scorer)
    for task in dataset.tasks:
        total = sum(model.predictions[task.name] for model in models)
        assert ensemble.predictions[task.name] == pytest.approx(total / SEEDS)
        mean = ensemble.predictions[task.name]
        score = task.metric.score(labels_of(dataset, task), mean)
        single = np.mean([model.test.scores[task.name] for model in models])
        assert ensemble.scores[task.name].mean == ensemble.test.scores[task.name] == score
        assert ensemble.single.scores[task.name] == pytest.approx(single)
        assert task.metric.sign * (score - single) > 0
    alone = scorer.score(ensemble.predictions)
    for task in dataset.tasks:
        resampled = alone.resampled[task.name]
        assert np.array_equal(ensemble.test.resampled[task.name], resampled, equal_nan=True)


def test_errors_that_cancel_leave_the_truth(penguins, scorer):
    truth = {task.name: np.nan_to_num(labels_of(penguins, task)) for task in penguins.tasks}
    truth["species"] = np.eye(3)[truth["species"].astype(int)]
    models = []
    for sign in (-1.0, 1.0):
        mass = truth["body_mass_g"]
        predictions = {**truth, "body_mass_g": mass + sign * 700.0}
        models.append(ScoredModel(predictions, scorer.score(predictions)))
    ensemble = ensemble_of(penguins, models, scorer)
    single = 1 - (700.0 / labels_of(penguins, penguins.tasks[2]).std()) ** 2
    assert ensemble.scores["body_mass_g"].mean == 1.0
    assert ensemble.single.scores["body_mass_g"] == pytest.approx(single)
    assert ensemble.task_gains["body_mass_g"].mean == pytest.approx(100 * (1 - single))
    assert ensemble.gain.mean == pytest.approx(100 * (1 - single) / 3)
    assert ensemble.task_gains["species"].mean == 0.0


def test_intervals_are_over_paired_resamples_of_the_test_rows(penguins, scorer, models):
    ensemble = ensemble_of(penguins, models, scorer)
    scales = {scale.task.name: scale for scale in SkillScales.on_test_rows(penguins).of_task}
    total = 0.0
    for task in penguins.tasks:
        name = task.name
        score = ensemble.scores[name]
        deviation = np.nanstd(ensemble.test.resampled[name], ddof=1)
        assert score.high - score.mean == pytest.approx(NORMAL * deviation, rel=1e-6)
        single = np.mean([model.test.resampled[name] for model in models], axis=0)
        gains = 100 * (ensemble.test.resampled[name] - single) / scales[name].size
        total += gains / 3
        gain = ensemble.task_gains[name]
        assert gain.mean - gain.low == pytest.approx(NORMAL * np.nanstd(gains, ddof=1), rel=1e-6)
    half_width = NORMAL * np.nanstd(total, ddof=1)
    assert ensemble.gain.mean - ensemble.gain.low == pytest.approx(half_width, rel=1e-6)
    assert half_width > 0


def test_few_rows_of_a_class_widen_the_intervals(penguins, scorer, models):
    plain = ensemble_of(penguins, models, scorer)
    scarce = ensemble_of(penguins, models, scorer, {"sex": 5})
    widening = stats.t.ppf(0.975, 4) / NORMAL * math.sqrt(5 / 4)
    for wider, narrower in (
        (scarce.scores["sex"], plain.scores["sex"]),
        (scarce.task_gains["sex"], plain.task_gains["sex"]),
        (scarce.gain, plain.gain),
    ):
        ratio = (wider.high - wider.mean) / (narrower.high - narrower.mean)
        assert ratio == pytest.approx(widening, rel=1e-6)
    assert scarce.scores["species"] == plain.scores["species"]
    from_one_row = ensemble_of(penguins, models, scorer, {"sex": 1})
    assert from_one_row.scores["sex"].low is None
    assert from_one_row.gain.high is None


def test_an_auxiliary_task_is_in_no_mean_gain(penguins, scorer, models):
    plain = ensemble_of(penguins, models, scorer)
    *others, last = penguins.tasks
    auxiliary = dataclasses.replace(last, options=TaskOptions(auxiliary=True))
    dataset = dataclasses.replace(penguins, tasks=(*others, auxiliary))
    ensemble = ensemble_of(dataset, models, scorer)
    gains = [plain.task_gains[task.name].mean for task in others]
    assert ensemble.gain.mean == pytest.approx(np.mean(gains))
    assert ensemble.task_gains[last.name] == plain.task_gains[last.name]


def test_models_that_say_the_same_gain_nothing(penguins, scorer, models):
    ensemble = ensemble_of(penguins, [models[0]] * SEEDS, scorer)
    assert (ensemble.gain.mean, ensemble.gain.low, ensemble.gain.high) == (0.0, None, None)


def test_one_model_is_no_ensemble(penguins, scorer, models):
    nothing = combine(models[:1], scorer, SkillScales.on_test_rows(penguins), {})
    assert nothing == NoEnsemble("it takes two confirmed models: search with more --seeds")


def test_a_score_that_is_undefined_is_named(penguins, scorer, models):
    predictions = {**models[0].predictions, "body_mass_g": np.full(52, np.nan)}
    scores = TestScores(models[0].test.scores, models[0].test.resampled)
    nothing = combine(
        [ScoredModel(predictions, scores)] * 2, scorer, SkillScales.on_test_rows(penguins), {}
    )
    assert isinstance(nothing, NoEnsemble)
    assert nothing.reason.endswith("undefined for body_mass_g")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"a": np.zeros(5)}, r"a: predictions \(4,\) and \(5,\) are not of the same test rows"),
        ({"a": np.zeros((4, 2))}, r"a: predictions \(4,\) and \(4, 2\)"),
        ({"b": np.zeros(4)}, r"models of \['a'\] and of \['b'\] make no ensemble"),
    ],
)
def test_predictions_of_other_rows_or_tasks_are_refused(other, message):
    with pytest.raises(ValueError, match=message):
        mean_prediction([{"a": np.zeros(4)}, other])


def test_an_ensemble_of_other_rows_than_the_test_rows_is_refused(penguins, scorer, models):
    shorter = []
    for model in models:
        predictions = {name: values[1:] for name, values in model.predictions.items()}
        shorter.append(ScoredModel(predictions, model.test))
    with pytest.raises(ValueError, match="51 predictions for 52 test rows"):
        combine(shorter, scorer, SkillScales.on_test_rows(penguins), {})
