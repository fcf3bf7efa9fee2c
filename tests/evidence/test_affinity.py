"""Affinities: a known additive truth is found again from trainings of random trees, and nothing is made of noise."""

from dataclasses import replace

import numpy as np
import pytest

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, OptimizerSettings
from mtlsearch.evidence.affinity.affinity import MISFIT, Affinity
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.sharing import NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks.task import Task
from mtlsearch.weightings import Fixed

TASKS = (
    Task("a", "multiclass", "accuracy", "s", "a", ("0", "1")),
    Task("b", "regression", "rmse", "s", "b"),
    Task("c", "multiclass", "accuracy", "s", "c", ("0", "1")),
)
BASE, SIGN = (0.7, 3.0, 0.5), (1, -1, 1)
PAIRS = [(t, u) for t in range(3) for u in range(3) if t != u]
NOTHING = np.zeros((2, 3, 3))
KNOWN = np.array(
    [[[0, 3, -5], [4, 0, 0], [0, -4, 0]], [[0, 3, 0], [4, 0, -6], [5, 0, 0]]], float
)  # percent by level, t, u
SEPARATE, SHARED = SharingTree.separate(3, 2), SharingTree.shared(3, 2)
A_AND_B, A_AND_C = SharingTree.decode([0, 0], [2, 0], 2), SharingTree.decode([0, 0], [0, 2], 2)


def candidate(tree, rate=1e-3, width=8):
    return Candidate(tree, Mlp(width), NoSharing(), Fixed(), OptimizerSettings(rate))


def training(number, one, gains, replicate=0):
    """A training whose scores are so many percent better than BASE."""
    scores = {task.name: BASE[t] * (1 + SIGN[t] * gains[t] / 100) for t, task in enumerate(TASKS)}
    return Trial(
        "searched",
        number,
        one,
        replicate,
        TrainingResult(number, scores, {}, 1, 1, [1], [[1.0]], 0.1),
    )


def trainings(rng, count, effect, noise=1.0, fellows=2, rate_effect=0.0):
    """Random trees and rates, `fellows` on the same two replicates, which are harder or easier for everyone by chance."""
    found, shifts = [], 2.0 * rng.normal(size=count)
    for number in range(0, count, 2):
        tree = SharingTree.decode([0, rng.integers(2)], rng.integers(0, 3, 2), 2)
        rate = 10 ** rng.uniform(-4, -2)
        together = np.array(
            [
                [[tree.node(level, t) == tree.node(level, u) for u in range(3)] for t in range(3)]
                for level in (0, 1)
            ]
        )
        true = (effect * together).sum((0, 2)) + rate_effect * (np.log10(rate) + 3)
        for replicate in range(number // (2 * fellows) * 2, number // (2 * fellows) * 2 + 2):
            gains = true + shifts[replicate] + noise * rng.normal(size=3)
            found.append(training(len(found), candidate(tree, rate), gains, replicate))
    return found


def in_percent_of_the_mean(effect, found):
    """The effect, given in percent of BASE."""
    means = [np.mean([each.result.scores[task.name] for each in found]) for task in TASKS]
    return effect * (np.array(BASE) / means)[:, None]


@pytest.fixture(scope="module")
def known():
    """200 trainings of the KNOWN effects, and what they are in percent of the mean scores."""
    found = trainings(np.random.default_rng(0), 200, KNOWN, rate_effect=3.0)
    return found, in_percent_of_the_mean(KNOWN, found)


@pytest.fixture(scope="module")
def affinity(known):
    return Affinity.fit(known[0], TASKS)


def test_effects_of_sharing_have_the_right_sign_and_size_in_both_directions_of_metrics(
    known, affinity
):
    effects, truth = affinity.effects(2), known[1].sum(0)
    assert sorted(effects) == PAIRS
    for pair, found in effects.items():
        assert found.mean == pytest.approx(truth[pair], abs=1.0)
        assert found.low < found.mean < found.high
        if abs(truth[pair]) > 1:
            assert found.sign == ("above" if truth[pair] > 0 else "below")


def test_the_levels_on_which_sharing_helps_are_told_apart(known, affinity):
    np.testing.assert_allclose(affinity.sharing(), known[1], atol=1.5)
    only_first = KNOWN * np.array([1.0, 0.0])[:, None, None]
    first, second = Affinity.fit(
        trainings(np.random.default_rng(1), 160, only_first), TASKS
    ).sharing()
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
    for tree, together in ((SEPARATE, []), (A_AND_C, [(0, 2), (2, 0)])):
        gains, best = np.zeros(3), candidate(tree, 1e-2, width=8)
        for t, u in together:
            gains[t] += KNOWN[:, t, u].sum()
        gains += 3.0  # of the learning rate
        expected = {
            task.name: BASE[t] * (1 + SIGN[t] * gains[t] / 100) for t, task in enumerate(TASKS)
        }
        found = {
            name: value
            for part in best.composition()
            for name, value in affinity.scores(part).items()
        }
        assert found == pytest.approx(expected, rel=0.02)


def test_deviations_are_those_of_draws_of_the_posterior(affinity):
    random, [part] = np.random.default_rng(0), candidate(SHARED, 1e-2, width=8).composition()
    drawn = [affinity.draw(random).scores(part) for _ in range(2000)]
    for task, deviation in affinity.deviations(part).items():
        assert deviation == pytest.approx(np.std([each[task] for each in drawn]), rel=0.1)


def test_hard_replicates_are_found_and_whoever_was_tried_on_them_only_is_not_blamed():
    rng, found = np.random.default_rng(0), []
    for cohort, others in enumerate((6, 6, 24)):
        for width in (
            8,
            *(10 + 12 * k // others * 3 + cohort for k in range(others)),
        ):  # the first one is in every cohort
            for replicate in (2 * cohort, 2 * cohort + 1):
                gains = (-10.0 if cohort == 2 else 0.0) + 0.5 * rng.normal(size=3)
                found.append(
                    training(len(found), candidate(SEPARATE, width=width), gains, replicate)
                )
    affinity = Affinity.fit(found, TASKS)
    for model, base in zip(affinity.models, BASE, strict=True):
        easy, hard = (
            [model.shifts[replicate] for replicate in part] for part in (range(4), (4, 5))
        )
        assert np.mean(hard) - np.mean(easy) == pytest.approx(0.1 * base, rel=0.15)
    unlucky, other = found[-1], found[5]
    assert unlucky.result.scores["a"] < 0.95 * other.result.scores["a"]
    for t, task in enumerate(TASKS):
        of_unlucky, of_other = (
            affinity.scores(each.candidate.composition()[t])[task.name] for each in (unlucky, other)
        )
        average = BASE[t] * (
            1 - SIGN[t] * 0.1 * 25 / 39
        )  # 25 of 39 pairs of trainings were on the hard replicates
        assert (of_unlucky, of_other) == pytest.approx((average, average), rel=0.02)
        assert affinity.adjusted(unlucky)[task.name] == pytest.approx(average, rel=0.015)
        assert affinity.adjusted(other)[task.name] == pytest.approx(average, rel=0.015)


def test_failed_and_stopped_trainings_do_not_count(known, affinity):
    stopped = replace(
        known[0][0].outcome, scores={}, rungs={"1": {"a": 0.1, "b": 9.0, "c": 0.1}}, stopped=True
    )
    more = [
        replace(known[0][0], number=900, outcome=stopped),
        replace(known[0][1], outcome=TrainingResult.failed(901, "not finite")),
    ]
    np.testing.assert_array_equal(
        Affinity.fit([*more, *known[0]], TASKS).sharing(), affinity.sharing()
    )
    assert Affinity.fit([*more, *known[0][:3]], TASKS) is None
    assert Affinity.fit([*more, *known[0][:4]], TASKS) is not None
    assert Affinity.fit([], TASKS) is None


def test_one_training_that_nearly_diverged_decides_nothing():
    found = trainings(np.random.default_rng(0), 120, KNOWN, fellows=10)
    wild = replace(
        found[7], outcome=replace(found[7].outcome, scores={"a": 0.01, "b": 3e4, "c": 0.01})
    )
    units = []
    for each in (found, [*found[:7], wild, *found[8:]]):
        affinity = Affinity.fit(each, TASKS)
        units.append(
            affinity.sharing().sum(0) * np.array([[model.scale / 100] for model in affinity.models])
        )
    np.testing.assert_allclose(units[0] / np.array(BASE)[:, None], KNOWN.sum(0) / 100, atol=0.01)
    np.testing.assert_allclose(units[1] / np.array(BASE)[:, None], KNOWN.sum(0) / 100, atol=0.02)


def test_no_estimate_is_beyond_what_is_possible():
    rng, found = np.random.default_rng(0), []
    for number in range(24):
        rate = 10 ** rng.uniform(-4, -3)
        gains = [40 + 40 * (np.log10(rate) + 3), 90 + 80 * (np.log10(rate) + 3), 0]
        found.append(
            training(
                number, candidate(SEPARATE, rate), gains + 0.1 * rng.normal(size=3), number % 2
            )
        )
    affinity = Affinity.fit(found, TASKS)
    far = candidate(SEPARATE, 1e-2).composition()
    assert [affinity.scores(part) for part in far[:2]] == [{"a": 1.0}, {"b": 0.0}]
    near = candidate(SEPARATE, 2e-4).composition()
    assert affinity.scores(near[0])["a"] < 0.9
    assert affinity.scores(near[1])["b"] > 0.5
    lucky = replace(
        found[0], outcome=replace(found[0].outcome, scores={"a": 2.0, "b": -2.0, "c": 0.5})
    )
    assert [affinity.adjusted(lucky)[name] for name in "ab"] == [1.0, 0.0]


def test_the_odds_prefer_what_is_truly_best(affinity):
    trees = [SEPARATE, SHARED, A_AND_B, A_AND_C]  # sums of gains: 0, 4 - 8, 6 + 8, 0
    odds = affinity.odds(
        [candidate(tree).composition() for tree in trees], np.random.default_rng(0), 400
    )
    assert odds.sum() == pytest.approx(1.0)
    assert odds[2] > 0.95
    slow, quick = candidate(SEPARATE, 1e-4), candidate(SEPARATE, 1e-2)
    odds = affinity.odds([slow.composition(), quick.composition()], np.random.default_rng(0), 400)
    assert odds[1] > 0.95
    same = [candidate(SEPARATE).composition()]
    assert affinity.odds(same, np.random.default_rng(0), 10).tolist() == [1.0]


def test_the_odds_per_task_count_each_tasks_own_best():
    helps_one = NOTHING.copy()
    helps_one[:, 0, 1], helps_one[:, 1, 0] = 6.0, -3.0
    affinity = Affinity.fit(trainings(np.random.default_rng(0), 120, helps_one), TASKS)
    both = [candidate(tree).composition() for tree in (SEPARATE, A_AND_B)]
    assert affinity.odds(both, np.random.default_rng(0), 300)[1] > 0.95
    per_task = affinity.odds(both, np.random.default_rng(0), 300, per_task=True)
    assert per_task == pytest.approx(
        [2 / 3, 1 / 3], abs=0.02
    )  # b is better alone; c is the same, and the first of equals


def test_draws_differ_by_seed_only_and_scatter_around_the_mean(affinity):
    once, again, other = (
        affinity.draw(np.random.default_rng(seed)).sharing() for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(once, again)
    assert (once != other)[:, ~np.eye(3, dtype=bool)].all()
    random = np.random.default_rng(3)
    many = np.array([affinity.draw(random).sharing().sum(0) for _ in range(400)])
    for pair, effect in affinity.effects(2).items():
        own = many[:, pair[0], pair[1]]
        assert own.mean() == pytest.approx(effect.mean, abs=0.2 * own.std() + 1e-9)
        assert 2 * 1.98 * MISFIT * own.std() == pytest.approx(effect.high - effect.low, rel=0.15)


def test_the_intervals_cover_effects_as_large_as_the_noise_about_95_times_in_100():
    rng, covered = np.random.default_rng(0), []
    for _ in range(40):
        effect = 4 * rng.normal(size=(2, 3, 3))
        found = trainings(rng, 80, effect, noise=2.0)
        truth = in_percent_of_the_mean(effect.sum(0), found)
        covered += [
            each.low <= truth[pair] <= each.high
            for pair, each in Affinity.fit(found, TASKS).effects(2).items()
        ]
    assert 0.90 < np.mean(covered) < 0.99


def test_where_sharing_does_nothing_hardly_anything_is_claimed():
    rng, claimed = np.random.default_rng(1), []
    for _ in range(40):
        effects = Affinity.fit(trainings(rng, 60, NOTHING, noise=2.0), TASKS).effects(2)
        claimed += [each.sign != "spans" for each in effects.values()]
    assert np.mean(claimed) < 0.06


@pytest.mark.parametrize("in_a_replicate", [1, 2, 12])
def test_a_training_that_nearly_diverged_does_not_decide(in_a_replicate):
    rng, trees = np.random.default_rng(0), (SEPARATE, SHARED)
    gains = [[-8.0 * (number % 2) + rng.normal(), 0.0, 0.0] for number in range(120)]
    gains[7] = [-1e6, 0.0, 0.0]
    found = [
        training(n, candidate(trees[n % 2]), own, n // in_a_replicate)
        for n, own in enumerate(gains)
    ]
    affinity = Affinity.fit(found, TASKS)
    assert affinity.effects(2)[0, 1].mean + affinity.effects(2)[0, 2].mean == pytest.approx(
        -8.0, abs=2.5
    )
