"""What names are worth: known effects are found again, little is made of luck, and nothing is said of what did not act."""

import numpy as np
import pytest

from mtlsearch.backbones import Mlp, Residual
from mtlsearch.candidate import Candidate
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.sharing import SHARINGS
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks.task import Task
from mtlsearch.weightings import WEIGHTINGS

TASKS = (
    Task("a", "multiclass", "accuracy", "s", "a", ("0", "1")),
    Task("b", "regression", "rmse", "s", "b"),
)
BASE, SIGN = (0.7, 3.0), (1, -1)
WEIGHED = ("fixed", "dwa", "uncertainty", "famo")
SHARED, APART, HALF = (
    SharingTree.shared(2, 2),
    SharingTree.separate(2, 2),
    SharingTree.decode([0], [1], 2),
)


def trained(number, gain, tree=SHARED, sharing="none", weighting="fixed", backbone=Mlp, width=8):
    """A training in which every task gains so many percent, on one of two replicates."""
    candidate = Candidate(tree, backbone(width), SHARINGS[sharing](), WEIGHTINGS[weighting]())
    scores = {task.name: BASE[t] * (1 + SIGN[t] * gain[t] / 100) for t, task in enumerate(TASKS)}
    return Trial(
        "searched",
        number,
        candidate,
        number % 2,
        TrainingResult(number, scores, {}, 1, 1, [1], [[1.0]], 0.1),
    )


def weighed(rng, candidates, effect, luck=0.0, noise=0.5):
    """Candidates of random weightings and widths, each trained twice; each has a `luck` of its own."""
    found = []
    for number in range(candidates):
        name = WEIGHED[rng.integers(len(WEIGHED))]
        own = effect.get(name, 0.0) + luck * rng.normal(size=2)
        width = 8 + number  # so that no two are one candidate
        found += [
            trained(2 * number + r, own + noise * rng.normal(size=2), weighting=name, width=width)
            for r in range(2)
        ]
    return found


def test_what_a_name_gains_is_found_in_both_directions_of_metrics():
    found = Affinity.fit(
        weighed(np.random.default_rng(0), 60, {"dwa": 4.0, "famo": -4.0}), TASKS
    ).worth("weighting")
    assert {name: each.sign for name, each in found.items()} == {
        "fixed": "spans", "dwa": "above", "uncertainty": "spans", "famo": "below",
    }  # fmt: skip
    assert (found["dwa"].mean, found["famo"].mean) == pytest.approx((4.0, -4.0), rel=0.15)
    assert sum(each.mean for each in found.values()) == pytest.approx(0.0, abs=1e-9)
    assert all(each.low < each.mean < each.high for each in found.values())


def test_of_candidates_that_differ_by_luck_at_most_one_name_in_twenty_is_said_to_differ():
    found = []
    for seed in range(30):
        trainings = weighed(np.random.default_rng(seed), 16, {}, luck=2.0)
        found += Affinity.fit(trainings, TASKS).worth("weighting").values()
    assert len(found) > 100
    assert sum(each.sign != "spans" for each in found) <= 0.05 * len(found)


def test_the_settings_that_come_with_a_name_are_part_of_what_it_is_worth():
    rng, own = np.random.default_rng(0), []
    for number in range(80):
        kind, width = ((Mlp, 16), (Mlp, 64), (Residual, 16), (Residual, 16))[number % 4]
        gain = 3.0 * (width == 64) + 0.2 * rng.normal(size=2)
        tree = (SHARED, HALF)[number // 4 % 2]
        own.append(trained(number, gain, tree, backbone=kind, width=width))
    found = Affinity.fit(own, TASKS).worth("backbone")
    assert found["mlp"].mean - found["residual"].mean == pytest.approx(
        1.5, abs=0.4
    )  # half of the mlps are wide


def test_a_tie_is_part_of_what_a_soft_sharing_is_worth():
    rng, own = np.random.default_rng(0), []
    for number in range(80):
        name, tree = ("none", "pull")[number % 2], (HALF, APART)[number // 2 % 2]
        tied = {HALF: 1, APART: 2}[tree] * (name == "pull")
        own.append(
            trained(
                number, 4.0 * tied + 0.2 * rng.normal(size=2), tree, name, width=8 + number // 8
            )
        )
    found = Affinity.fit(own, TASKS).worth("sharing")
    assert found["pull"].mean - found["none"].mean == pytest.approx(6.0, abs=0.6)
    assert (found["pull"].sign, found["none"].sign) == ("above", "below")


def test_nothing_is_said_of_names_that_acted_in_too_few():
    rng = np.random.default_rng(0)
    own = weighed(rng, 30, {"dwa": 4.0, "famo": -4.0})
    first = next(each for each in own if each.candidate.named("weighting") == "famo").candidate
    once = [
        each
        for each in own
        if each.candidate.named("weighting") != "famo" or each.candidate == first
    ]
    assert set(Affinity.fit(once, TASKS).worth("weighting")) == {"fixed", "dwa", "uncertainty"}
    idle = [trained(900 + n, rng.normal(size=2), SHARED, "pull", width=n + 8) for n in range(8)]
    assert Affinity.fit([*own, *idle], TASKS).worth("sharing") == {}
    apart = [
        trained(950 + n, rng.normal(size=2), APART, weighting="mgda", width=n + 8) for n in range(8)
    ]
    assert set(Affinity.fit([*own, *apart], TASKS).worth("weighting")) == set(WEIGHED)
