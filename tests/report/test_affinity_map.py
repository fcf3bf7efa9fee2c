"""The map of affinities: what sharing more and more levels does to each task."""

import numpy as np
import pytest

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.report.affinity_map import affinity_map
from mtlsearch.sharing import NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import Fixed
from tests.support.replicates import searched
from tests.support.skill import scales_of
from tests.support.tasks import make_task

TASKS = (
    make_task("a", "binary", "roc_auc", classes=("0", "1")),
    make_task("b", "regression", "rmse"),
)


def train(number, levels, scores, replicate=0):
    """A trial in which both tasks share so many of two levels."""
    tree = SharingTree.decode([0], [levels], 2)
    candidate = Candidate(tree, Mlp(8), NoSharing(), Fixed())
    result = TrainingResult(number, scores, 1, 1, [1], [[1.0]], 0.1)
    return Trial("searched", number, candidate, searched(replicate), result)


@pytest.fixture
def trials():
    """60 trials: a gains a tenth from each level that it shares, and b loses a twentieth."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(60):
        levels = number % 3
        a = 0.5 * (1 + 0.1 * levels) + rng.normal(0, 0.002)
        b = 2 * (1 + 0.05 * levels) + rng.normal(0, 0.01)
        made.append(train(number, levels, {"a": a, "b": b}, number // 6))
    return made


def test_it_tells_for_each_pair_what_sharing_more_and_more_levels_does(trials):
    reported = affinity_map("searched", Affinity.fit(trials, scales_of(TASKS)), trials, TASKS)
    assert (reported.arm, reported.trainings) == ("searched", 60)
    assert [(pair.task, pair.other) for pair in reported.pairs] == [("a", "b"), ("b", "a")]
    [(first_of_a, both_of_a), (first_of_b, both_of_b)] = [pair.levels for pair in reported.pairs]
    assert first_of_a.mean == pytest.approx(100 * 0.05 / 0.5, rel=0.05)
    assert both_of_a.mean == pytest.approx(100 * 0.1 / 0.5, rel=0.05)
    assert first_of_b.mean == pytest.approx(-100 * 0.1 / 2.0, rel=0.1)
    assert both_of_b.mean == pytest.approx(-100 * 0.2 / 2.0, rel=0.1)
    for effect in (first_of_a, both_of_a, first_of_b, both_of_b):
        assert effect.low < effect.mean < effect.high


def test_failed_trainings_are_not_counted(trials):
    result = TrainingResult.failed(60, "loss became NaN")
    failed = Trial("searched", 60, trials[0].candidate, searched(0), result)
    everything = [*trials, failed]
    reported = affinity_map(
        "searched", Affinity.fit(everything, scales_of(TASKS)), everything, TASKS
    )
    assert reported.trainings == 60


def test_too_few_trainings_give_no_map(trials):
    few = trials[:3]
    assert affinity_map("searched", Affinity.fit(few, scales_of(TASKS)), few, TASKS) is None


def test_one_task_has_nobody_to_share_with():
    alone = Candidate(SharingTree.shared(1, 2), Mlp(8), NoSharing(), Fixed())
    trials = []
    for number in range(8):
        scores = {"a": 0.5 + number / 100}
        result = TrainingResult(number, scores, 1, 1, [1], [[1.0]], 0.1)
        trials.append(Trial("searched", number, alone, searched(0), result))
    affinity = Affinity.fit(trials, scales_of(TASKS[:1]))
    assert affinity is not None
    assert affinity_map("searched", affinity, trials, TASKS[:1]) is None
