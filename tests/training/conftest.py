"""Real problems on the CPU and a maker of small candidates, for the tests of the engine."""

import copy
import dataclasses
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
import torch

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, OptimizerSettings
from mtlsearch.data import load
from mtlsearch.initializations import Random
from mtlsearch.sharing import NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.training_data import TrainingData
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


@pytest.fixture(scope="session")
def three_sources() -> TrainingData:
    """Five tasks of three sources; three are of one kind, with tasks of other sources between them.

    The folds differ in their numbers of rows, in the scale of the targets and in the shares of the
    classes.
    """
    one, other = load("tecator"), load("iris+breast_cancer")
    first, *rest = one.tasks
    sources = {**one.sources, **other.sources}
    uneven = np.sqrt(3 * np.arange(len(sources["tecator"].inputs))).astype(int)
    for name, splits in (
        ("tecator", {"given": False, "group": uneven}),
        ("breast_cancer", {"strata": None}),
    ):
        sources[name] = dataclasses.replace(
            sources[name], splits=dataclasses.replace(sources[name].splits, **splits)
        )
    merged = dataclasses.replace(
        one,
        tasks=(first, *other.tasks, *rest),
        sources=sources,
        targets={**one.targets, **other.targets},
    )
    return TrainingData(merged, 0, torch.device("cpu"))


def as_double(x: torch.Tensor) -> torch.Tensor:
    """Floats as float64; other numbers and masks as they are."""
    return x.double() if x.is_floating_point() else x


@pytest.fixture
def doubled() -> Iterator[Callable[[TrainingData], TrainingData]]:
    """Everything is made in float64; makes the same data in float64."""

    def double(data):
        def fold(replicate):
            found = data.fold(replicate)
            return dataclasses.replace(
                found,
                inputs={name: x.map(as_double) for name, x in found.inputs.items()},
                targets={name: y.double() for name, y in found.targets.items()},
            )

        copied = copy.copy(data)
        copied.fold = cache(fold)
        return copied

    torch.set_default_dtype(torch.float64)
    yield double
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def make() -> Make:
    """Make a candidate of a small network."""

    def candidate(
        tree,
        width=8,
        dropout=0.0,
        rate=1e-2,
        sharing=None,
        weighting=None,
        initialization=None,
        decay=1e-5,
        clip=0.0,
        sampling="none",
        temperature=1.0,
        **others,
    ):
        tree = tree if isinstance(tree, SharingTree) else SharingTree(tuple(map(tuple, tree)))
        return Candidate(
            tree=tree,
            backbone=Mlp(width, dropout),
            sharing=sharing or NoSharing(),
            weighting=weighting or Fixed(),
            optimizer=OptimizerSettings(
                rate, decay, clip, sampling=sampling, sampling_temperature=temperature, **others
            ),
            initialization=initialization or Random(),
        )

    return candidate
