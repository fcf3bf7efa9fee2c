"""The arms of the report: which one is the main arm, what came of each, and what it saved."""

import pytest

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, TrainingSettings
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.report.arms import components_saved, main_arm, report_arm
from mtlsearch.search.arms import ARMS
from mtlsearch.search.request import Request
from mtlsearch.sharing import NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import Fixed
from tests.support.replicates import searched

TRAINING = TrainingSettings(epochs=20)
REQUEST = Request(
    data="iris",
    task_flags=(),
    space={},
    space_name="default",
    digest="",
    created="",
    trainings=8,
    cohort=4,
    arms=("searched", "single_task"),
)


def train(number, levels, replicate=0, width=8, failure=None):
    """A trial in which two tasks share so many of two levels."""
    tree = SharingTree.decode([0], [levels], 2)
    candidate = Candidate(tree, Mlp(width), NoSharing(), Fixed())
    if failure is not None:
        result = TrainingResult.failed(number, failure)
    else:
        scores = {"a": 0.5, "b": 1.0}
        result = TrainingResult(number, scores, 1, 1, [3, 5], [[1.0], [1.0]], 0.25)
    return Trial("searched", number, candidate, searched(replicate), result)


@pytest.mark.parametrize(
    ("arms", "main"),
    [
        (("random", "searched", "share_all"), "searched"),
        (("share_all", "random"), "random"),
        (("share_all", "single_task", "pretrain_finetune", "static_weights"), None),
        (tuple(ARMS), "searched"),
        ((), None),
    ],
)
def test_the_main_arm_is_the_first_that_may_choose_among_all_trees(arms, main):
    assert main_arm(arms) == main


def test_an_arm_counts_what_its_trainings_came_to():
    trials = [train(0, 2), train(1, 2, replicate=1), train(2, 1, failure="loss became NaN")]
    arm = report_arm("searched", trials, [1.5, -2.0], REQUEST, TRAINING)
    assert (arm.trainings, arm.epochs) == (8, 20)
    assert (arm.complete, arm.failed, arm.candidates) == (2, 1, 2)
    assert (arm.epochs_run, arm.train_seconds, arm.best_gain) == (10, 0.5, 1.5)
    assert [(failure.number, failure.reason) for failure in arm.failures] == [
        (2, "loss became NaN")
    ]
    assert arm.is_main and not arm.is_baseline


def test_an_arm_without_trainings_has_no_best_gain():
    arm = report_arm("single_task", [], [], REQUEST, TRAINING)
    assert arm.best_gain is None
    assert arm.is_baseline and not arm.is_main


def test_components_are_saved_within_a_cohort_and_a_replicate():
    separate = [train(number, 0, replicate=number % 2) for number in range(4)]
    assert components_saved(separate, 4) == 4  # two tasks, each on two replicates a second time
    assert components_saved(separate, 2) == 0


def test_components_of_other_trees_and_settings_are_not_saved():
    shared = [train(0, 2), train(1, 1), train(2, 2, width=16), train(3, 2)]
    assert components_saved(shared, 4) == 1
    assert components_saved([], 4) == 0
