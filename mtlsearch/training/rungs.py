"""Rungs: which candidates of a cohort go on after part of their epochs. Pure functions of score vectors, lower is better.

Successive halving (Jamieson & Talwalkar, AISTATS 2016) for vectors of scores: fronts are taken whole, the last one is
filled by hypervolume contribution (Beume, Naujoks & Emmerich, EJOR 2007), and late bloomers get a second chance.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import moocore
import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]  # [K, M]: candidates, objectives
Mask = NDArray[np.bool_]  # [K]

LEAST_EPOCHS = 5  # what fewer epochs say is mostly about the initial weights and the learning rate
REFERENCE = 1.25  # of objectives scaled to 0..1 on a front: its extremes contribute, but neither nothing nor everything
EXACT = 10**7  # points ** (objectives - 2) up to which exact contributions take some 20 ms at most
DIRECTIONS = 4096  # of the estimate: about 0.4 s to thin 100 points to 33, in 6 objectives as in 50
RATIOS = (
    0.5,
    1.25,
)  # between which the gain of a doubling is believed to be a multiple of that of the one before
MARGIN = 0.5  # by which a prediction must hold, in units of the kept ones' spread
STEEPER = 1.25  # than the kept ones' median gain that of a late bloomer must be
PROTECTED = 3  # one late bloomer at most for so many kept


def rung_epochs(epochs: int, eta: float = 3, least: int = LEAST_EPOCHS) -> list[int]:
    """The epochs, ascending, after which a cohort is thinned: epochs / eta**k for k = 1, 2, ..., rounded.

    None is below `least`, and the last epoch is none of them. Raises ValueError where eta is not above 1.
    """
    if eta <= 1:
        raise ValueError(f"eta must be above 1, found {eta}")
    rungs, rest = set(), epochs / eta
    while round(rest) >= max(least, 1):
        rungs.add(round(rest))
        rest /= eta
    return sorted(rungs - {epochs})


def thin(
    before: Scores,
    now: Scores,
    keep: int,
    doublings: float,
    earlier: Scores | None = None,
    stretch: float = 1.0,
) -> Mask:
    """Who goes on after a rung: the `keep` best, and who promises to catch up. Arguments as in `late_bloomers`."""
    kept = survivors(now, keep)
    return kept | late_bloomers(before, now, kept, doublings, earlier, stretch)


def survivors(scores: Scores, keep: int) -> Mask:
    """The `keep` best of scores[K, M]; fewer where fewer are finite, for a row with a NaN or an infinity never survives.

    Fronts are kept whole while there is room. Of the first that does not fit, the candidate whose loss costs the least
    hypervolume goes, again and again, each objective scaled to the front's own range, so units do not matter. Of equals
    the later goes.
    """
    alive = np.flatnonzero(np.isfinite(scores).all(axis=1))
    kept = np.zeros(len(scores), bool)
    if len(alive) <= keep:
        kept[alive] = True
        return kept
    ranks = moocore.pareto_rank(scores[alive])
    for rank in range(ranks.max() + 1):
        members = alive[ranks == rank]
        if (room := keep - int(kept.sum())) <= 0:
            break
        kept[
            members if len(members) <= room else members[_most_contributing(scores[members], room)]
        ] = True
    return kept


def late_bloomers(
    before: Scores,
    now: Scores,
    kept: Mask,
    doublings: float,
    earlier: Scores | None = None,
    stretch: float = 1.0,
) -> Mask:
    """Who is not kept[K] but is improving so fast that it should reach the front.

    now[K, M] are the scores at the rung, before[K, M] at half and earlier[K, M] at a quarter of its epochs, best so far,
    since that is what a training hands over. `doublings` is log2(final epochs / the rung's epochs). Where rounding makes
    the halves uneven it is log(final / now) / log(now / before) of the epochs, and `stretch` is log(before / earlier) /
    log(now / before).

    Prediction, per objective: each further doubling of the epochs gains as many times what the doubling before it gained
    as the last one did (at least 0.5 and at most 1.25 times; as much, when `earlier` is not known). So a curve that has
    levelled off stays, a power law goes on as one, and a slow start, which gains more with each doubling, is seen
    as one. A candidate is protected if

    - no kept one's prediction dominates its own, even when its own is made worse in every objective by half the
      distance from the best to the median prediction of the kept, and
    - in some objective its last gain was more than 1.25 times the median of the kept ones', so a flat curve never is, and
    - it is among the best of these: `survivors` of the predictions, a third as many as are kept, rounded up.
    """
    if not kept.any():
        return np.zeros(len(now), bool)
    gains, ratios = _gains(before, now, earlier, stretch)
    predicted = now - gains * _doublings_ahead(ratios, doublings)
    rivals = predicted[kept]
    worsened = predicted + MARGIN * (np.median(rivals, axis=0) - rivals.min(axis=0))
    dominated = (rivals[:, None] <= worsened).all(axis=2).any(axis=0)
    improves = (gains > STEEPER * np.median(gains[kept], axis=0)).any(axis=1)
    promising = np.flatnonzero(improves & ~dominated)  # none of the kept, for each dominates itself
    entered = np.full(now.shape, np.nan)
    entered[promising] = predicted[promising]
    return survivors(entered, -(-int(kept.sum()) // PROTECTED))


def _gains(
    before: Scores, now: Scores, earlier: Scores | None, stretch: float
) -> tuple[Scores, Scores]:
    """What the last doubling gained, and as a multiple of what the one before it did; no gain for who has gaps."""
    seen = [before, now] if earlier is None else [earlier, before, now]
    known = np.asarray(np.isfinite(np.hstack(seen)).all(axis=1))[:, None]
    steps = [
        np.maximum(np.subtract(a, b, out=np.zeros(now.shape), where=known), 0.0)
        for a, b in pairwise(seen)
    ]
    if earlier is None:
        return steps[-1], np.ones(now.shape)
    first, last = steps[0] / stretch, steps[1]
    return last, np.clip(
        np.divide(last, first, out=np.full(now.shape, np.inf), where=first > 0), *RATIOS
    )


def _doublings_ahead(ratios: Scores, doublings: float) -> Scores:
    """What so many doublings gain, each `ratios` times the one before, in units of the last gain: a geometric series."""
    even = np.abs(ratios - 1) < 1e-6
    base = np.where(even, 0.5, ratios)
    return np.asarray(np.where(even, doublings, base * (1 - base**doublings) / (1 - base)))


def _most_contributing(points: Scores, room: int) -> list[int]:
    """Which points[N, M] of one front are left when the least contributor is taken away until there is room."""
    spread = np.ptp(points, axis=0)
    scaled = (points - points.min(axis=0)) / np.where(spread > 0, spread, 1.0)
    few = scaled.shape[1] > 1 and len(scaled) ** (scaled.shape[1] - 2) <= EXACT
    contributions = _exact(scaled) if few else _estimated(scaled)
    left = list(range(len(points)))
    while len(left) > room:
        each = contributions(left)
        each = np.asarray(each / (each.max() or 1.0)).round(9)  # equal but for rounding is equal
        left.pop(len(left) - 1 - int(np.argmin(each[::-1])))
    return left


def _exact(points: Scores) -> Callable[[Sequence[int]], Scores]:
    return lambda left: np.asarray(moocore.hv_contributions(points[list(left)], ref=REFERENCE))


def _estimated(points: Scores) -> Callable[[Sequence[int]], Scores]:
    """Hypervolume contributions up to a factor, in bounded time for any number of objectives.

    The hypervolume is the mean, over directions from the reference point, of the M-th power of the distance to the
    farthest dominated point (Deng & Zhang, IEEE TEVC 2019); without a point the second farthest takes its place.
    """
    objectives = points.shape[1]
    normal = np.abs(np.random.default_rng(0).standard_normal((DIRECTIONS, objectives)))
    directions = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    reach = np.full((DIRECTIONS, len(points)), np.inf)
    for objective in range(objectives):
        np.minimum(
            reach, (REFERENCE - points[:, objective]) / directions[:, [objective]], out=reach
        )
    volumes: Scores = (reach / reach.max()) ** objectives

    def contributions(left: Sequence[int]) -> Scores:
        inside = volumes[:, list(left)]
        if len(left) == 1:
            return np.asarray(inside.sum(axis=0))
        second, first = np.partition(inside, len(left) - 2, axis=1)[:, -2:].T
        return np.bincount(
            inside.argmax(axis=1), weights=first - second, minlength=len(left)
        ).astype(np.float64)

    return contributions
