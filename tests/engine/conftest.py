"""Real problems on the CPU and a maker of small candidates, for the tests of the engine."""

from collections.abc import Callable, Iterator

import pytest
import torch

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, Initialization, OptimizerSettings
from mtlsearch.data import load
from mtlsearch.engine import TrainingData
from mtlsearch.sharing import NoSharing
from mtlsearch.tree import SharingTree
from mtlsearch.weightings import Fixed

Make = Callable[..., Candidate]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small matrices are slower, and sums may differ, on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def penguins() -> TrainingData:
    """Three tasks (multiclass, binary with missing labels, regression) of one source."""
    return TrainingData(load("penguins"), 0, torch.device("cpu"))


@pytest.fixture(scope="session")
def two_sources() -> TrainingData:
    """Two tasks, each of a source of its own."""
    return TrainingData(load("iris+breast_cancer"), 0, torch.device("cpu"))


@pytest.fixture
def make() -> Make:
    """Make a candidate of a small network."""

    def candidate(tree, width=8, dropout=0.0, rate=1e-2, sharing=None, weighting=None, initialization=None):
        tree = tree if isinstance(tree, SharingTree) else SharingTree(tuple(map(tuple, tree)))
        return Candidate(
            tree=tree,
            backbone=Mlp(width, dropout),
            sharing=sharing or NoSharing(),
            weighting=weighting or Fixed(),
            optimizer=OptimizerSettings(rate),
            initialization=initialization or Initialization(),
        )

    return candidate
