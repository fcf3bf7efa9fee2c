"""What stands beside the arms in the report: the map of affinities, the references, the components that were saved."""

import numpy as np
import pytest

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.report.sections import affinity_map, components_saved, reference_rows
from mtlsearch.sharing import NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks.task import Task
from mtlsearch.weightings import Fixed

TASKS = (
    Task("a", "binary", "roc_auc", "s", "a", ("0", "1")),
    Task("b", "regression", "rmse", "s", "b"),
)


def train(number, level, a, b, replicate=0, width=8):
    """A training in which both tasks share so many of two levels."""
    candidate = Candidate(SharingTree.decode([0], [level], 2), Mlp(width), NoSharing(), Fixed())
    return Trial(
        "searched",
        number,
        candidate,
        replicate,
        TrainingResult(number, {"a": a, "b": b}, {}, 1, 1, [1], [[1.0]], 0.1),
    )


@pytest.fixture
def helped():
    """60 trainings: a gains a tenth from each level that it shares, and b loses a twentieth."""
    rng = np.random.default_rng(0)
    levels = [number % 3 for number in range(60)]
    return [
        train(
            n,
            level,
            0.5 * (1 + 0.1 * level) + rng.normal(0, 0.002),
            2 * (1 + 0.05 * level) + rng.normal(0, 0.01),
            n // 6,
        )
        for n, level in enumerate(levels)
    ]


def test_the_map_tells_for_each_pair_what_sharing_more_and_more_levels_does(helped):
    found = affinity_map({"single_task": [], "searched": helped}, TASKS)
    assert (found["arm"], found["trainings"]) == ("searched", 60)
    assert [(pair["task"], pair["other"]) for pair in found["pairs"]] == [("a", "b"), ("b", "a")]
    [(first, both), (first_of_b, both_of_b)] = [pair["levels"] for pair in found["pairs"]]
    assert (first["mean"], both["mean"]) == pytest.approx(
        (100 * 0.05 / 0.55, 100 * 0.1 / 0.55), rel=0.05
    )
    assert (first_of_b["mean"], both_of_b["mean"]) == pytest.approx(
        (-100 * 0.1 / 2.1, -100 * 0.2 / 2.1), rel=0.1
    )
    for each in (first, both, first_of_b, both_of_b):
        assert each["low"] < each["mean"] < each["high"]


def test_the_map_is_of_the_searched_arm_or_else_of_the_random_one(helped):
    assert affinity_map({"random": helped, "searched": helped[:12]}, TASKS)["arm"] == "searched"
    assert affinity_map({"share_all": helped, "random": helped}, TASKS)["arm"] == "random"
    assert affinity_map({"share_all": helped, "single_task": helped}, TASKS) is None
    assert affinity_map({"searched": helped[:3]}, TASKS) is None
    assert affinity_map({}, TASKS) is None


def test_one_task_has_nobody_to_share_with():
    alone = Candidate(SharingTree.shared(1, 2), Mlp(8), NoSharing(), Fixed())
    outcomes = [
        TrainingResult(number, {"a": 0.5 + number / 100}, {}, 1, 1, [1], [[1.0]], 0.1)
        for number in range(8)
    ]
    assert (
        affinity_map(
            {"searched": [Trial("searched", each.number, alone, 0, each) for each in outcomes]},
            TASKS[:1],
        )
        is None
    )


def test_references_come_with_their_means():
    found = {"linear": {"a": [0.5, 0.75], "b": [2.0]}, "random_forest": {}}
    assert reference_rows(found) == [
        {"name": "linear", "test": {"a": [0.5, 0.75], "b": [2.0]}, "mean": {"a": 0.625, "b": 2.0}},
        {"name": "random_forest", "test": {}, "mean": {}},
    ]
    assert reference_rows(None) == []


def test_components_are_saved_within_a_cohort_and_a_replicate():
    separate = [
        train(number, 0, 0.5, 1.0, replicate) for number, replicate in enumerate((0, 1, 0, 1))
    ]
    assert components_saved(separate, 4) == 4  # two tasks, each on two replicates a second time
    assert components_saved(separate, 2) == 0
    shared = [
        train(0, 2, 0.5, 1.0),
        train(1, 1, 0.5, 1.0),
        train(2, 2, 0.5, 1.0, width=16),
        train(3, 2, 0.5, 1.0),
    ]
    assert components_saved(shared, 4) == 1
    assert components_saved([], 4) == 0
