"""Thinning a cohort: properties of the selection, and learning curves whose end is known."""

import time

import moocore
import numpy as np
import pytest

from mtlsearch.training import rungs
from mtlsearch.training.rungs import late_bloomers, rung_epochs, survivors, thin

EPOCHS = 60
RUNGS = rung_epochs(EPOCHS)


def _front(rng, candidates, objectives):
    """Candidates none of which dominates another."""
    points = rng.random((candidates, objectives)) + 0.01
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _through_the_rungs(curves, slopes=True):
    """Masks of who is left after each rung; curves[E, K, M] after epochs 1, 2, ..."""
    candidates, left = curves.shape[1], []
    alive = np.ones(candidates, bool)
    for k, rung in enumerate(RUNGS, start=1):
        quarter, half = round(rung / 4), round(rung / 2)
        earlier, before, now = (
            np.where(alive[:, None], curves[epoch - 1], np.nan) for epoch in (quarter, half, rung)
        )
        last = np.log(rung / half)
        further = (earlier, np.log(half / quarter) / last) if slopes else ()
        alive = thin(before, now, round(candidates / 3**k), np.log(EPOCHS / rung) / last, *further)
        left.append(alive)
    return left


@pytest.mark.parametrize(
    ("epochs", "eta", "expected"),
    [
        (60, 3, [7, 20]),
        (200, 3, [7, 22, 67]),
        (10, 3, []),
        (1, 3, []),
        (40, 2, [5, 10, 20]),
        (6, 1.05, [5]),
    ],
)
def test_rungs_are_fractions_of_the_epochs_that_are_not_too_early(epochs, eta, expected):
    assert rung_epochs(epochs, eta) == expected


def test_rungs_start_where_they_are_told_to():
    assert rung_epochs(60, 3, least=2) == [2, 7, 20]
    with pytest.raises(ValueError, match="eta must be above 1, found 1"):
        rung_epochs(60, 1)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("objectives", [1, 2, 3, 7])
def test_nobody_survives_whose_dominator_does_not(seed, objectives):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 5, (25, objectives)).astype(float)  # with ties and duplicates
    dominates = (scores[:, None] <= scores[None]).all(2) & (scores[:, None] < scores[None]).any(2)
    for keep in (0, 1, 8, 24, 25, 40):
        kept = survivors(scores, keep)
        assert kept.sum() == min(keep, 25)
        assert not (dominates & ~kept[:, None] & kept[None]).any()


@pytest.mark.parametrize("objectives", [2, 4, 6, 9])
def test_neither_units_nor_order_matter(objectives):
    rng = np.random.default_rng(objectives)
    scores = np.concatenate([_front(rng, 20, objectives), _front(rng, 10, objectives) + 1])
    kept = survivors(scores, 9)
    units = 10.0 ** rng.uniform(-4, 4, objectives)
    assert np.array_equal(survivors(scores * units + rng.normal(size=objectives), 9), kept)
    order = rng.permutation(30)
    assert np.array_equal(survivors(scores[order], 9), kept[order])


def test_the_first_of_equals_survives():
    scores = np.array([[0.0, 1.0], [0.5, 0.5], [0.5, 0.5], [1.0, 0.0], [0.5, 0.5]])
    assert survivors(scores, 3).tolist() == [True, True, False, True, False]
    assert survivors(np.zeros((4, 3)), 2).tolist() == [True, True, False, False]
    assert survivors(np.zeros((4, 9)), 2).tolist() == [True, True, False, False]


@pytest.mark.parametrize("points", [6, 8, 20, 30])
def test_contributions_that_differ_by_rounding_only_are_equal(points):
    line = np.linspace(0, 1, points)
    assert np.flatnonzero(~survivors(np.stack([line, 1 - line], axis=1), points - 1)).tolist() == [
        points - 2
    ]


def test_what_is_not_finite_never_survives():
    scores = np.array(
        [[np.nan, 0.0], [3.0, 3.0], [np.inf, -1.0], [2.0, 2.0], [np.nan, np.nan], [-np.inf, 5.0]]
    )
    assert survivors(scores, 4).tolist() == [False, True, False, True, False, False]
    assert survivors(scores, 1).tolist() == [False, False, False, True, False, False]
    assert not survivors(np.full((3, 2), np.nan), 2).any()


def test_one_objective_is_sorting():
    scores = np.random.default_rng(0).normal(size=(30, 1))
    assert set(np.flatnonzero(survivors(scores, 11))) == set(np.argsort(scores[:, 0])[:11])


def test_the_front_that_does_not_fit_loses_its_least_contributors():
    front = np.array([[0.0, 1.0], [0.1, 0.95], [0.4, 0.4], [0.45, 0.35], [1.0, 0.0]])
    # Up to (1.25, 1.25) they contribute 0.1 x 0.25, 0.3 x 0.05, 0.05 x 0.55, 0.55 x 0.05 and 0.35 x 0.25: the second goes,
    assert np.flatnonzero(survivors(front, 4)).tolist() == [0, 2, 3, 4]
    # and then the two in the middle contribute 0.05 x 0.6 and 0.55 x 0.05: the fourth goes.
    assert np.flatnonzero(survivors(front, 3)).tolist() == [0, 2, 4]
    assert np.flatnonzero(survivors(np.concatenate([front + 2, front]), 7))[2:].tolist() == [
        5,
        6,
        7,
        8,
        9,
    ]


@pytest.mark.parametrize("objectives", [2, 3, 4, 5, 6])
def test_estimated_contributions_choose_about_as_well_as_exact_ones(objectives, monkeypatch):
    scores = _front(np.random.default_rng(objectives), 30, objectives)
    scores[20:] = scores[:10]
    exact = moocore.hypervolume(scores[survivors(scores, 10)], ref=1.25)
    monkeypatch.setattr(rungs, "EXACT", 0)
    assert moocore.hypervolume(scores[survivors(scores, 10)], ref=1.25) > 0.98 * exact


@pytest.mark.parametrize("objectives", [6, 50])
def test_many_candidates_and_objectives_are_thinned_in_seconds(objectives):
    scores = _front(np.random.default_rng(0), 100, objectives)
    started = time.perf_counter()
    assert survivors(scores, 33).sum() == 33
    assert time.perf_counter() - started < 10


def _late_bloomer(rates, slowest):
    """26 candidates that saturate at such rates, and a 27th that is slow and ends best in the first of two tasks."""
    epochs = np.arange(1, EPOCHS + 1)[:, None, None]
    quality = np.linspace(0.5, 1.0, 26)[:, None]
    ends = np.concatenate([quality, 1.5 - quality], axis=1)
    early = ends + 3 * np.exp(-np.linspace(*rates, 26)[:, None] * epochs)
    slow = np.array([[0.1, 1.2]]) + 3 * np.exp(-slowest * epochs)
    return np.concatenate([early, slow], axis=1)


@pytest.mark.parametrize(
    ("rates", "slowest", "slopes"),
    [
        ((2.0, 2.0), 0.1, False),
        ((2.0, 2.0), 0.1, True),
        ((2.0, 2.0), 0.05, True),
        ((0.4, 2.0), 0.1, True),
    ],
)
def test_a_late_bloomer_goes_on_and_wins(rates, slowest, slopes):
    curves = _late_bloomer(rates, slowest)
    assert not survivors(curves[RUNGS[0] - 1], 9)[26]
    first, last = _through_the_rungs(curves, slopes)
    assert first[26]
    assert last[26]
    assert 9 < first.sum() <= 12
    assert last.sum() <= 4
    finalists = np.flatnonzero(last)
    assert finalists[curves[-1, finalists, 0].argmin()] == 26


def test_a_slow_start_is_told_from_a_power_law_by_what_came_earlier():
    now = np.array([[1.0], [2.0]])
    before = np.array([[1.2], [2.5]])
    kept = np.array([True, False])
    levelling_off, speeding_up = np.array([[1.6], [3.5]]), np.array([[1.6], [2.7]])
    assert not late_bloomers(before, now, kept, 2.0, levelling_off).any()
    assert late_bloomers(before, now, kept, 2.0, speeding_up).tolist() == [False, True]
    assert not late_bloomers(
        before, now, kept, 2.0, speeding_up, stretch=0.3
    ).any()  # in less than a doubling: levelling off


def test_the_prediction_is_a_power_law_where_the_curve_is_one():
    candidate, rival = (
        (3 + 5 * np.array([5.0, 10, 20, 80]) ** -0.7)[:, None],
        np.full(4, 3.0)[:, None],
    )
    curves = np.stack([rival, candidate], axis=1)
    kept = np.array([True, False])
    end = candidate[3, 0]
    for level, expected in ((end - 0.001, False), (end + 0.001, True)):
        curves[:, 0] = level
        assert late_bloomers(curves[1], curves[2], kept, 2.0, curves[0])[1] == expected


def test_a_flat_candidate_is_not_protected_however_good_and_a_bad_one_not_however_steep():
    now = np.array([[1.0, 3.0], [3.0, 1.0], [2.0, 2.1], [9.0, 9.0], [9.0, 9.0]])
    kept = np.array([True, True, False, False, False])
    before = now + np.array([[0.1], [0.1], [0.0], [0.0], [1.0]])
    assert not late_bloomers(before, now, kept, 2.0).any()
    before[4] += 4.0  # now on its way to [-1, -1]
    assert np.flatnonzero(late_bloomers(before, now, kept, 2.0)).tolist() == [4]
    assert not late_bloomers(before, now, kept, 0.5).any()


def test_a_prediction_must_hold_with_a_margin():
    """Here half of the way from 1, the best prediction of the kept, to 2, their median."""
    now = np.array([[1.0], [2.0], [3.0], [9.0]])
    kept = np.array([True, True, True, False])
    for end, expected in ((0.51, False), (0.49, True)):
        before = now + np.array([[0.0], [0.0], [0.0], [9.0 - end]])
        assert late_bloomers(before, now, kept, 1.0)[3] == expected


def test_who_is_kept_takes_no_place_of_the_protected():
    now = np.array([[1.0], [8.0], [9.0]])
    before = now + np.array([[0.0], [10.0], [9.0]])
    assert late_bloomers(before, now, np.array([True, True, False]), 1.0).tolist() == [
        False,
        False,
        False,
    ]
    before[2] += 5.0
    assert late_bloomers(before, now, np.array([True, True, False]), 1.0).tolist() == [
        False,
        False,
        True,
    ]


def test_scores_that_only_rise_protect_nobody():
    rng = np.random.default_rng(0)
    now = rng.random((20, 3))
    before = now - rng.random((20, 3))
    assert not late_bloomers(before, now, survivors(now, 5), 3.0).any()


@pytest.mark.parametrize("objectives", [1, 2, 6, 20])
def test_a_third_as_many_are_protected_as_are_kept_and_the_best_first(objectives):
    rng = np.random.default_rng(0)
    now = rng.random((40, objectives)) + 1.0
    kept = survivors(now, 10)
    before = now + np.where(kept[:, None], 0.0, rng.uniform(1, 2, (40, objectives)))
    protected = late_bloomers(before, now, kept, 2.0)
    assert protected.sum() == 4
    assert not (protected & kept).any()
    predicted = np.where(kept[:, None], np.nan, now - 2 * (before - now))
    assert np.array_equal(protected, survivors(predicted, 4))


def test_protection_depends_neither_on_units_nor_on_order():
    rng = np.random.default_rng(3)
    now = _front(rng, 30, 4)
    before = now + rng.gamma(1.0, 0.2, (30, 4))
    earlier = before + rng.gamma(1.0, 0.2, (30, 4))
    kept = survivors(now, 10)
    protected = late_bloomers(before, now, kept, 1.6, earlier)
    assert protected.any()
    units, shift = 10.0 ** rng.uniform(-4, 4, 4), rng.normal(size=4)
    assert np.array_equal(
        late_bloomers(
            before * units + shift, now * units + shift, kept, 1.6, earlier * units + shift
        ),
        protected,
    )
    order = rng.permutation(30)
    assert np.array_equal(
        late_bloomers(before[order], now[order], kept[order], 1.6, earlier[order]), protected[order]
    )


def test_what_is_not_finite_is_not_protected_and_does_not_disturb():
    now = np.array([[1.0], [2.0], [5.0], [np.nan], [np.inf], [5.0]])
    before = np.array([[1.1], [np.nan], [8.0], [9.0], [np.inf], [np.inf]])
    kept = survivors(now, 2)
    assert kept.tolist() == [True, True, False, False, False, False]
    assert np.flatnonzero(late_bloomers(before, now, kept, 2.0)).tolist() == [2]
    assert np.flatnonzero(late_bloomers(before, now, kept, 2.0, before + 3)).tolist() == [2]
    assert not late_bloomers(before, now, kept, 2.0, np.full((6, 1), np.nan)).any()
    assert not late_bloomers(before, now, np.zeros(6, bool), 2.0).any()
    assert not thin(before, np.full((6, 1), np.nan), 3, 2.0).any()


@pytest.mark.parametrize("objectives", [1, 2, 5])
def test_without_noise_curves_of_one_shape_are_thinned_to_the_best(objectives):
    rng = np.random.default_rng(objectives)
    end = _front(rng, 27, objectives) * np.linspace(1, 4, 27)[:, None]
    curves = end + 2 * np.arange(1, EPOCHS + 1)[:, None, None] ** -1.0
    first, last = _through_the_rungs(curves)
    assert np.array_equal(first, survivors(end, 9))
    assert np.array_equal(last, survivors(end, 3))
