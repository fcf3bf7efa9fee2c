"""What methods are worth: known effects are found again, and little is made of luck."""

import numpy as np
import pytest

from mtlsearch.backbones import Mlp, Residual
from mtlsearch.candidate import Candidate
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.sharing import SHARINGS
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import WEIGHTINGS
from tests.support.replicates import searched
from tests.support.skill import scales_with_sizes
from tests.support.tasks import make_task

TASKS = (
    make_task("a", "multiclass", "accuracy", classes=("0", "1")),
    make_task("b", "regression", "rmse"),
)
BASE = (0.7, 3.0)
SIGN = (1, -1)
WEIGHTED = ("fixed", "dwa", "uncertainty", "famo")
SHARED = SharingTree.shared(2, 2)
APART = SharingTree.separate(2, 2)
HALF = SharingTree.decode([0], [1], 2)


def trained(number, gain, tree=SHARED, sharing="none", weighting="fixed", backbone=None):
    """A training in which every task gains so many percent, on one of two replicates."""
    model = Candidate(
        tree,
        backbone or Mlp(8),
        SHARINGS[sharing](),
        WEIGHTINGS[weighting](),
    )
    scores = {}
    for t, task in enumerate(TASKS):
        scores[task.name] = BASE[t] * (1 + SIGN[t] * gain[t] / 100)
    result = TrainingResult(number, scores, 1, 1, [1], [[1.0]], 0.1)
    return Trial("searched", number, model, searched(number % 2), result)


def weighted(rng, candidates, effect, luck=0.0, noise=0.5):
    """Candidates of random weightings, each trained twice; each has a `luck` of its own."""
    trials = []
    for number in range(candidates):
        name = WEIGHTED[rng.integers(len(WEIGHTED))]
        true_gain = effect.get(name, 0.0) + luck * rng.normal(size=2)
        backbone = Mlp(8 + number)  # so that no two are one candidate
        for replicate in range(2):
            gain = true_gain + noise * rng.normal(size=2)
            trial = trained(2 * number + replicate, gain, weighting=name, backbone=backbone)
            trials.append(trial)
    return trials


def worth(trials, group):
    return Affinity.fit(trials, scales_with_sizes(TASKS, BASE)).worth(group)


def test_what_a_method_gains_is_found_in_both_directions_of_metrics():
    trials = weighted(np.random.default_rng(0), 60, {"dwa": 4.0, "famo": -4.0})
    found = worth(trials, "weighting")
    assert {name: interval.sign for name, interval in found.items()} == {
        "fixed": "spans",
        "dwa": "above",
        "uncertainty": "spans",
        "famo": "below",
    }
    assert (found["dwa"].mean, found["famo"].mean) == pytest.approx((4.0, -4.0), rel=0.15)
    assert sum(interval.mean for interval in found.values()) == pytest.approx(0.0, abs=1e-9)
    assert all(interval.low < interval.mean < interval.high for interval in found.values())


def test_of_candidates_that_differ_by_luck_at_most_one_method_in_twenty_is_said_to_differ():
    signs = []
    for seed in range(30):
        trials = weighted(np.random.default_rng(seed), 16, {}, luck=2.0)
        signs += [interval.sign for interval in worth(trials, "weighting").values()]
    assert len(signs) > 100
    assert len(signs) - signs.count("spans") <= 0.05 * len(signs)


def test_the_settings_that_come_with_a_method_are_part_of_what_it_is_worth():
    rng = np.random.default_rng(0)
    backbones = (Mlp(16), Mlp(64), Residual(16), Residual(16))
    trials = []
    for number in range(80):
        backbone = backbones[number % 4]
        gain = 3.0 * (backbone.width == 64) + 0.2 * rng.normal(size=2)
        tree = (SHARED, HALF)[number // 4 % 2]
        trials.append(trained(number, gain, tree, backbone=backbone))
    found = worth(trials, "backbone")
    of_wide = 3.0
    share_of_wide = 0.5
    difference = found["mlp"].mean - found["residual"].mean
    assert difference == pytest.approx(share_of_wide * of_wide, abs=0.4)


def test_a_tie_is_part_of_what_a_soft_sharing_is_worth():
    rng = np.random.default_rng(0)
    trials = []
    for number in range(80):
        name = ("none", "l2_sharing")[number % 2]
        tree = (HALF, APART)[number // 2 % 2]
        tied_levels = 0
        if name == "l2_sharing":
            tied_levels = 1 if tree is HALF else 2
        gain = 4.0 * tied_levels + 0.2 * rng.normal(size=2)
        trials.append(trained(number, gain, tree, name, backbone=Mlp(8 + number // 8)))
    found = worth(trials, "sharing")
    assert found["l2_sharing"].mean - found["none"].mean == pytest.approx(6.0, abs=0.6)
    assert (found["l2_sharing"].sign, found["none"].sign) == ("above", "below")


def test_nothing_is_said_of_a_method_that_acted_in_one_component_only():
    trials = weighted(np.random.default_rng(0), 30, {"dwa": 4.0, "famo": -4.0})
    once = []
    only = None
    for trial in trials:
        if trial.candidate.setting_name("weighting") == "famo":
            only = only or trial.candidate
            if trial.candidate != only:
                continue
        once.append(trial)
    assert set(worth(once, "weighting")) == {"fixed", "dwa", "uncertainty"}


@pytest.mark.parametrize(
    ("group", "methods", "expected"),
    [
        ("sharing", {"tree": SHARED, "sharing": "l2_sharing"}, set()),
        ("weighting", {"tree": APART, "weighting": "mgda"}, set(WEIGHTED)),
    ],
)
def test_nothing_is_said_of_a_method_that_found_nothing_to_act_on(group, methods, expected):
    rng = np.random.default_rng(0)
    trials = weighted(rng, 30, {"dwa": 4.0, "famo": -4.0})
    for number in range(8):
        gain = rng.normal(size=2)
        trials.append(trained(900 + number, gain, backbone=Mlp(8 + number), **methods))
    assert set(worth(trials, group)) == expected
