"""Affinities: a known additive truth is found again, and nothing is made of noise."""

from dataclasses import replace

import numpy as np
import pytest

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, OptimizerSettings
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.affinity.task_model import MISFIT
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.sharing import NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import Fixed
from tests.support.replicates import searched
from tests.support.skill import scales_with_sizes
from tests.support.tasks import make_task

TASKS = (
    make_task("a", "multiclass", "accuracy", classes=("0", "1")),
    make_task("b", "regression", "rmse"),
    make_task("c", "multiclass", "accuracy", classes=("0", "1")),
)
BASE = (0.7, 3.0, 0.5)
SIGN = (1, -1, 1)
SCALES = scales_with_sizes(TASKS, BASE)
PAIRS = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]

# Gains by level, t, u: in percent of BASE, which are points of skill on these scales.
NOTHING = np.zeros((2, 3, 3))
KNOWN = np.array(
    [
        [[0.0, 3.0, -5.0], [4.0, 0.0, 0.0], [0.0, -4.0, 0.0]],
        [[0.0, 3.0, 0.0], [4.0, 0.0, -6.0], [5.0, 0.0, 0.0]],
    ]
)

SEPARATE = SharingTree.separate(3, 2)
SHARED = SharingTree.shared(3, 2)
A_AND_C = SharingTree.decode([0, 0], [0, 2], 2)


def candidate(tree, rate=1e-3, width=8):
    return Candidate(tree, Mlp(width), NoSharing(), Fixed(), OptimizerSettings(rate))


def improved(gains):
    """Scores that are so many percent better than BASE."""
    scores = {}
    for t, task in enumerate(TASKS):
        scores[task.name] = BASE[t] * (1 + SIGN[t] * gains[t] / 100)
    return scores


def training(number, model, gains, replicate=0):
    """A training whose scores are so many percent better than BASE."""
    result = TrainingResult(number, improved(gains), 1, 1, [1], [[1.0]], 0.1)
    return Trial("searched", number, model, searched(replicate), result)


def trainings(rng, count, effect, noise=1.0, fellows=2, rate_effect=0.0):
    """Trainings of random trees and rates.

    So many `fellows` are on the same two replicates, which are harder or easier for everyone.
    """
    trials = []
    shifts = 2.0 * rng.normal(size=count)
    for number in range(0, count, 2):
        tree = SharingTree.decode([0, rng.integers(2)], rng.integers(0, 3, 2), 2)
        rate = 10 ** rng.uniform(-4, -2)
        true_gains = gains_of(tree, effect) + rate_effect * (np.log10(rate) + 3)
        first = number // (2 * fellows) * 2
        for replicate in (first, first + 1):
            gains = true_gains + shifts[replicate] + noise * rng.normal(size=3)
            trials.append(training(len(trials), candidate(tree, rate), gains, replicate))
    return trials


def gains_of(tree, effect):
    """The gain of each task in a tree, [T]."""
    gains = np.zeros(3)
    for level in range(2):
        for t, u in PAIRS:
            if tree.node(level, t) == tree.node(level, u):
                gains[t] += effect[level, t, u]
    return gains


def with_scores(trial, **scores):
    return replace(trial, result=replace(trial.result, scores=scores))


@pytest.fixture(scope="module")
def known():
    """200 trainings of the KNOWN effects."""
    return trainings(np.random.default_rng(0), 200, KNOWN, rate_effect=3.0)


@pytest.fixture(scope="module")
def affinity(known):
    return Affinity.fit(known, SCALES)


def test_effects_of_sharing_have_the_right_sign_and_size_in_both_directions_of_metrics(affinity):
    effects, truth = affinity.effects(2), KNOWN.sum(0)
    assert sorted(effects) == PAIRS
    for pair, found in effects.items():
        assert found.mean == pytest.approx(truth[pair], abs=1.0)
        assert found.low < found.mean < found.high
        if abs(truth[pair]) > 1:
            assert found.sign == ("above" if truth[pair] > 0 else "below")


def test_the_levels_on_which_sharing_helps_are_told_apart(affinity):
    np.testing.assert_allclose(affinity.sharing(), KNOWN, atol=1.5)
    only_first = np.stack([KNOWN[0], np.zeros((3, 3))])
    trials = trainings(np.random.default_rng(1), 160, only_first)
    first, second = Affinity.fit(trials, SCALES).sharing()
    assert np.abs(first).max() > 3
    assert np.abs(second).max() < 1.5


def test_the_effects_of_the_first_levels_are_sums_of_the_sharing_of_each(affinity):
    sharing = affinity.sharing()
    assert sharing.shape == (2, 3, 3)
    for levels in (1, 2):
        effects = affinity.effects(levels)
        for pair in PAIRS:
            assert effects[pair].mean == pytest.approx(sharing[:levels].sum(0)[pair])
    assert not sharing[:, range(3), range(3)].any()


def test_scores_are_estimated_for_what_was_never_trained(affinity):
    gain_of_rate = 3.0
    for tree in (SEPARATE, A_AND_C):
        scores = {}
        for component in candidate(tree, 1e-2).composition():
            scores |= affinity.scores(component)
        expected = improved(gains_of(tree, KNOWN) + gain_of_rate)
        assert scores == pytest.approx(expected, rel=0.02)


def test_deviations_are_those_of_draws_of_the_posterior(affinity):
    random = np.random.default_rng(0)
    [component] = candidate(SHARED, 1e-2).composition()
    drawn = [affinity.draw(random).scores(component) for _ in range(2000)]
    for task, deviation in affinity.deviations(component).items():
        scatter = np.std([scores[task] for scores in drawn])
        assert deviation == pytest.approx(scatter, rel=0.1)


def test_hard_replicates_are_found_and_whoever_was_tried_on_them_only_is_not_blamed():
    rng = np.random.default_rng(0)
    trials = []
    for cohort, others in enumerate((6, 6, 24)):
        hardness = -10.0 if cohort == 2 else 0.0
        own_widths = [10 + 12 * number // others * 3 + cohort for number in range(others)]
        common_width = 8
        for width in (common_width, *own_widths):
            for replicate in (2 * cohort, 2 * cohort + 1):
                gains = hardness + 0.5 * rng.normal(size=3)
                model = candidate(SEPARATE, width=width)
                trials.append(training(len(trials), model, gains, replicate))
    affinity = Affinity.fit(trials, SCALES)
    for model, base in zip(affinity.models, BASE, strict=True):
        easy = np.mean([model.shifts[replicate] for replicate in (0, 1, 2, 3)])
        hard = np.mean([model.shifts[replicate] for replicate in (4, 5)])
        assert hard - easy == pytest.approx(0.1 * base, rel=0.15)

    unlucky, lucky = trials[-1], trials[5]
    assert unlucky.result.scores["a"] < 0.95 * lucky.result.scores["a"]
    hard_share = 25 / 39  # of the pairs of trainings
    average = improved([-10 * hard_share] * 3)
    for trial in (unlucky, lucky):
        for component in trial.candidate.composition():
            for name, score in affinity.scores(component).items():
                assert score == pytest.approx(average[name], rel=0.02)
        assert affinity.adjusted(trial) == pytest.approx(average, rel=0.015)


def test_failed_trainings_do_not_count(known, affinity):
    trials = known
    failed = replace(trials[1], result=TrainingResult.failed(901, "not finite"))
    with_failed = Affinity.fit([failed, *trials], SCALES)
    np.testing.assert_array_equal(with_failed.sharing(), affinity.sharing())
    assert Affinity.fit([failed, *trials[:3]], SCALES) is None
    assert Affinity.fit([failed, *trials[:4]], SCALES) is not None
    assert Affinity.fit([], SCALES) is None


def test_one_training_that_nearly_diverged_decides_nothing():
    trials = trainings(np.random.default_rng(0), 120, KNOWN, fellows=10)
    wild = with_scores(trials[7], a=0.01, b=3e4, c=0.01)
    for given, tolerance in ((trials, 0.01), ([*trials[:7], wild, *trials[8:]], 0.02)):
        affinity = Affinity.fit(given, SCALES)
        for t in range(3):
            gains = affinity.sharing().sum(0)[t]
            expected = KNOWN.sum(0)[t]
            np.testing.assert_allclose(gains / 100, expected / 100, atol=tolerance)


def test_no_estimate_is_beyond_what_is_possible():
    rng = np.random.default_rng(0)
    trials = []
    for number in range(24):
        rate = 10 ** rng.uniform(-4, -3)
        decades = np.log10(rate) + 3
        gains = np.array([40 + 40 * decades, 90 + 80 * decades, 0]) + 0.1 * rng.normal(size=3)
        trials.append(training(number, candidate(SEPARATE, rate), gains, number % 2))
    affinity = Affinity.fit(trials, SCALES)
    far_a, far_b, _ = candidate(SEPARATE, 1e-2).composition()
    assert affinity.scores(far_a) == {"a": 1.0}
    assert affinity.scores(far_b) == {"b": 0.0}
    near_a, near_b, _ = candidate(SEPARATE, 2e-4).composition()
    assert affinity.scores(near_a)["a"] < 0.9
    assert affinity.scores(near_b)["b"] > 0.5
    adjusted = affinity.adjusted(with_scores(trials[0], a=2.0, b=-2.0, c=0.5))
    assert (adjusted["a"], adjusted["b"]) == (1.0, 0.0)


def test_draws_differ_by_seed_only_and_scatter_around_the_mean(affinity):
    once, again, other = (
        affinity.draw(np.random.default_rng(seed)).sharing() for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(once, again)
    assert (once != other)[:, ~np.eye(3, dtype=bool)].all()
    random = np.random.default_rng(3)
    many = np.array([affinity.draw(random).sharing().sum(0) for _ in range(400)])
    for (t, u), effect in affinity.effects(2).items():
        drawn = many[:, t, u]
        scatter = drawn.std()
        assert drawn.mean() == pytest.approx(effect.mean, abs=0.2 * scatter + 1e-9)
        assert 2 * 1.98 * MISFIT * scatter == pytest.approx(effect.high - effect.low, rel=0.15)


def test_the_intervals_cover_effects_as_large_as_the_noise_about_95_times_in_100():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(40):
        effect = 4 * rng.normal(size=(2, 3, 3))
        trials = trainings(rng, 80, effect, noise=2.0)
        truth = effect.sum(0)
        for pair, found in Affinity.fit(trials, SCALES).effects(2).items():
            covered.append(found.low <= truth[pair] <= found.high)
    assert 0.90 < np.mean(covered) < 0.99


def test_where_sharing_does_nothing_hardly_anything_is_claimed():
    rng = np.random.default_rng(1)
    claimed = []
    for _ in range(40):
        effects = Affinity.fit(trainings(rng, 60, NOTHING, noise=2.0), SCALES).effects(2)
        claimed += [found.sign != "spans" for found in effects.values()]
    assert np.mean(claimed) < 0.06


@pytest.mark.parametrize("in_a_replicate", [1, 2, 12])
def test_a_training_that_nearly_diverged_does_not_decide(in_a_replicate):
    rng = np.random.default_rng(0)
    trials = []
    for number in range(120):
        is_shared = number % 2
        gains = [-8.0 * is_shared + rng.normal(), 0.0, 0.0]
        if number == 7:
            gains[0] = -1e6
        model = candidate(SHARED if is_shared else SEPARATE)
        trials.append(training(number, model, gains, number // in_a_replicate))
    effects = Affinity.fit(trials, SCALES).effects(2)
    assert effects[0, 1].mean + effects[0, 2].mean == pytest.approx(-8.0, abs=2.5)
