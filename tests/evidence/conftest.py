"""Tasks of both directions and a maker of trained candidates, for the tests of the evidence."""

from collections.abc import Callable

import pytest

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate
from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.sharing import L2Sharing, NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import Task
from mtlsearch.weightings import Fixed
from tests.support.replicates import searched
from tests.support.tasks import make_task


@pytest.fixture
def tasks() -> tuple[Task, ...]:
    """A task whose metric is better when higher, and one whose metric is better when lower."""
    return (
        make_task("a", "binary", "roc_auc", classes=("0", "1")),
        make_task("b", "regression", "rmse"),
    )


@pytest.fixture
def candidate() -> Callable[..., Candidate]:
    """Make a candidate of two tasks, told from others by its width."""

    def make(width=8, shared=True, tied=False):
        tree = SharingTree.shared(2, 2) if shared else SharingTree.separate(2, 2)
        return Candidate(tree, Mlp(width), L2Sharing(0.1) if tied else NoSharing(), Fixed())

    return make


@pytest.fixture
def train(candidate) -> Callable[..., Trial]:
    """Make a finished training; no scores: a failed one."""

    def make(number, width=8, a=None, b=None, shared=True, replicate=0):
        scores = {} if a is None else {"a": a, "b": b}
        outcome = TrainingResult(
            number,
            scores,
            100 * width,
            10 * width,
            [1],
            [[1.0]],
            0.1,
            None if scores else "not finite",
        )
        return Trial("searched", number, candidate(width, shared), searched(replicate), outcome)

    return make


@pytest.fixture
def evaluate(candidate) -> Callable[..., CandidateSummary]:
    """Make an evaluated candidate."""

    def make(number, a, b, width=8, parameters=100, macs=10, **kind):
        scores = {"a": a, "b": b}
        parts = candidate(width, **kind).composition()
        return CandidateSummary(
            "searched", number, parts, scores, {}, scores, {}, 1, parameters, macs
        )

    return make
