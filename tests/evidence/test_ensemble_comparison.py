"""Ensembles against ensembles: the jackknife over seeds, and whether its intervals hold."""

import math

import numpy as np
import pytest

from mtlsearch.data import load
from mtlsearch.evidence.comparison import compare, compare_ensembles
from mtlsearch.evidence.ensemble import JackknifedScores, NoEnsemble, jackknife
from mtlsearch.evidence.interval import centred_pseudo_values, interval
from mtlsearch.evidence.scoring import TestScorer, TestScores
from tests.support.skill import scales_of
from tests.support.tasks import make_task

LOG_LOSS_TASK = make_task("ill", "binary", "log_loss", classes=("0", "1"))
RMSE_TASK = make_task("price", "regression", "rmse")
NOISY_TASKS = (LOG_LOSS_TASK, RMSE_TASK)
ROWS = 150
SAMPLES = 50
WORLDS = 200  # of ROWS rows each, whose mean is the truth


def test_of_a_mean_the_values_are_those_of_the_members():
    members = [1.0, 4.0, 7.0, -2.0]
    without = [float(np.mean(members[:s] + members[s + 1 :])) for s in range(4)]
    assert centred_pseudo_values(2.5, without) == pytest.approx(members)


def test_the_variance_is_that_of_the_jackknife_and_the_mean_the_statistic_itself():
    draw = np.random.default_rng(0)
    members = draw.normal(3.0, 1.0, 6)
    whole = float(members.mean() ** 2)
    without = [float(np.delete(members, s).mean() ** 2) for s in range(6)]
    found = interval(centred_pseudo_values(whole, without))
    assert found.mean == pytest.approx(whole)
    assert found.seed_variance == pytest.approx(5 * np.var(without))
    assert found.mean != pytest.approx(np.mean(without))


def scores(a, b, samples=()):
    """Test scores of two tasks; on each sample that of `a` is larger by so much."""
    resampled = {"a": np.array([a + sample for sample in samples]), "b": np.full(len(samples), b)}
    return TestScores({"a": a, "b": b}, resampled if samples else {})


def test_a_comparison_by_hand(tasks):
    ours = JackknifedScores(scores(0.90, 1.8), [{"a": 0.88, "b": 1.9}, {"a": 0.86, "b": 1.9}])
    theirs = JackknifedScores(scores(0.80, 2.0), [{"a": 0.79, "b": 2.2}, {"a": 0.75, "b": 2.2}])
    found = compare_ensembles("ours", ours, theirs, scales_of(tasks))
    assert (found.models, found.seeds) == ("ensemble", 2)
    difference = found.differences["a"]
    assert difference.mean == pytest.approx(0.1)
    assert difference.seed_variance == pytest.approx((0.09 - 0.11) ** 2 / 4)
    assert found.differences["b"].mean == pytest.approx(0.2)
    assert found.relative.mean == pytest.approx(50 * (0.1 / 0.8 + 0.2 / 2.0))
    assert found.gain.mean == pytest.approx(50 * (0.1 / 0.5 + 0.2 / 2.0))
    seed_gains = [50 * (0.09 / 0.5 + 0.3 / 2.0), 50 * (0.11 / 0.5 + 0.3 / 2.0)]
    assert found.gain.seed_variance == pytest.approx((seed_gains[0] - seed_gains[1]) ** 2 / 4)


def test_the_choice_of_test_rows_is_paired_and_widens_the_interval(tasks):
    noise = np.random.default_rng(0).normal(0, 0.05, 100).tolist()
    without = [{"a": 0.9, "b": 1.8}, {"a": 0.91, "b": 1.8}]
    reference = [{"a": 0.8, "b": 2.0}] * 2
    alone = JackknifedScores(scores(0.9, 1.8), without)
    noisy = JackknifedScores(scores(0.9, 1.8, noise), without)
    for samples, row_variance in (([0.0] * 100, np.var(noise, ddof=1)), (noise, 0.0)):
        theirs = JackknifedScores(scores(0.8, 2.0, samples), reference)
        found = compare_ensembles("ours", noisy, theirs, scales_of(tasks)).differences["a"]
        assert found.row_variance == pytest.approx(row_variance, abs=1e-12)
    plain = compare_ensembles(
        "ours", alone, JackknifedScores(scores(0.8, 2.0), reference), scales_of(tasks)
    )
    assert found.high == pytest.approx(plain.differences["a"].high)


def test_unequal_numbers_of_models_are_refused(tasks):
    ours = JackknifedScores(scores(0.9, 1.8), [{"a": 0.88, "b": 1.9}] * 3)
    theirs = JackknifedScores(scores(0.8, 2.0), [{"a": 0.79, "b": 2.2}] * 2)
    with pytest.raises(ValueError, match="shorter"):
        compare_ensembles("ours", ours, theirs, scales_of(tasks))


@pytest.fixture(scope="module")
def penguins():
    return load("penguins")


@pytest.fixture(scope="module")
def scorer(penguins):
    return TestScorer(penguins, 7)


def guesses(draw, count):
    """Random predictions for the 52 test rows."""
    models = []
    for _ in range(count):
        votes = draw.random((52, 3))
        predictions = {
            "species": votes / votes.sum(1, keepdims=True),
            "sex": draw.random(52),
            "body_mass_g": draw.normal(4000.0, 500.0, 52),
        }
        models.append(predictions)
    return models


def test_an_ensemble_is_scored_whole_and_without_each_model(scorer):
    models = guesses(np.random.default_rng(0), 3)
    found = jackknife(models, scorer)
    assert isinstance(found, JackknifedScores)
    whole = {name: np.mean([model[name] for model in models], axis=0) for name in models[0]}
    assert found.test.scores == scorer.score(whole).scores
    assert len(found.test.resampled["sex"]) == 100
    rest = {name: (models[0][name] + models[2][name]) / 2 for name in models[0]}
    assert found.without[1] == pytest.approx(scorer.score(rest).scores)
    assert len(found.without) == 3


def test_what_cannot_be_scored_is_no_ensemble(scorer):
    one, two = guesses(np.random.default_rng(0), 2)
    assert isinstance(jackknife([one], scorer), NoEnsemble)
    unknown = {**two, "sex": np.full(52, math.nan)}
    assert jackknife([one, unknown], scorer).reason.endswith("undefined for sex")


class World:
    """Two arms of models with errors of their structure, of their fold (common to a seed) and seed.

    Their rmse and log loss are not linear in the predictions, and ensembles of more seeds are
    better: that of the second arm by more.
    """

    def __init__(self, draw, rows, seeds):
        self.truth = draw.normal(size=rows)
        self.labels = draw.random(rows) < 1 / (1 + np.exp(-self.truth))
        self.price = self.truth + draw.normal(0.0, 0.5, rows)
        structure = draw.normal(0.0, 0.3, rows)
        fold = draw.normal(0.0, 0.2, (seeds, 1)) + draw.normal(0.0, 0.3, (seeds, rows))
        self.arms = []
        for sign, noise in ((1.0, 0.3), (-1.0, 0.6)):
            offset = draw.normal(0.0, 0.2, (seeds, 1))
            tilt = draw.normal(0.0, 0.15, (seeds, 1)) * self.truth
            own = offset + tilt + draw.normal(0.0, noise, (seeds, rows))
            self.arms.append(self.truth + sign * structure + fold + own)

    def metrics(self, outputs, rows=slice(None)):
        """Log loss and rmse of the mean prediction of models [S, N], on rows [N] or [M, N]."""
        risk = (1 / (1 + np.exp(-outputs))).mean(0)[rows]
        chosen = np.where(self.labels[rows], risk, 1 - risk)
        error = outputs.mean(0)[rows] - self.price[rows]
        return {"ill": -np.log(chosen).mean(-1), "price": np.sqrt((error**2).mean(-1))}

    def scored(self, outputs, samples):
        return TestScores(self.metrics(outputs), self.metrics(outputs, samples))

    def jackknifed(self, outputs, samples):
        seeds = range(len(outputs))
        without = [self.metrics(np.delete(outputs, seed, 0)) for seed in seeds]
        return JackknifedScores(self.scored(outputs, samples), without)


def true_differences(seeds):
    """The second arm against the first: of ensembles of so many seeds, in the mean over many."""
    draw = np.random.default_rng(1)
    worlds = [World(draw, ROWS, seeds) for _ in range(WORLDS)]
    differences = {}
    for name in ("ill", "price"):
        gaps = []
        for world in worlds:
            first, second = (world.metrics(arm)[name] for arm in world.arms)
            gaps.append(first - second)
        differences[name] = float(np.mean(gaps))
    return differences


@pytest.mark.parametrize("seeds", [3, 10])
def test_the_interval_holds_the_difference_of_ensembles(seeds):
    """And that of single models does not: more noise is more to gain by averaging."""
    truth = true_differences(seeds)
    draw = np.random.default_rng(0)
    held = {"ill": 0, "price": 0}
    held_by_single = {"ill": 0, "price": 0}
    studies = 80
    for _ in range(studies):
        world = World(draw, ROWS, seeds)
        samples = draw.integers(ROWS, size=(SAMPLES, ROWS))
        first, second = (world.jackknifed(arm, samples) for arm in world.arms)
        ensembles = compare_ensembles("second", second, first, scales_of(NOISY_TASKS))
        one_by_one = []
        for arm in world.arms:
            one_by_one.append([world.scored(output[None], samples) for output in arm])
        single = compare("second", one_by_one[1], one_by_one[0], scales_of(NOISY_TASKS))
        for name, value in truth.items():
            found = ensembles.differences[name]
            held[name] += found.low <= value <= found.high
            alone = single.differences[name]
            held_by_single[name] += alone.low <= value <= alone.high
    assert min(held.values()) / studies >= 0.93
    if seeds == 10:
        assert held_by_single["price"] / studies < 0.75
