"""What makes a training fail, and what is a fault of the program instead."""

import dataclasses
import re
from dataclasses import dataclass
from types import FunctionType

import pytest
import torch
from torch import nn

from mtlsearch.backbones import Mlp
from mtlsearch.backbones.plugins import PLUGGED
from mtlsearch.candidate import TrainingSettings
from mtlsearch.records import TrainingJob
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.batched_weighting import BatchedWeighting
from mtlsearch.training.engine import Engine
from mtlsearch.training.failures import failure_reason, out_of_memory
from mtlsearch.training.member import Member
from mtlsearch.training.trainers import TRAINERS
from tests.support.replicates import searched

SHORT = TrainingSettings(epochs=2, batch_size=100, patience=2)


class Choking(nn.Module):
    """Raises an error in training."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, h):
        if self.training:
            raise ValueError("cannot swallow this\nand more")
        return h * self.weight


@dataclass(frozen=True)
class Raising(Mlp):
    """A backbone of the user's whose stages choke in training."""

    def stage(self, level):
        return Choking(self.width)


@dataclass(frozen=True)
class Misfitting(Mlp):
    """A backbone of the user's whose stages, all of torch, do not fit each other."""

    def stage(self, level):
        return nn.Linear(self.width + 1, self.width)


@dataclass(frozen=True)
class Harmless(Mlp):
    """A backbone of the user's with nothing wrong about it."""


def jobs(make, backbones):
    tree = SharingTree.shared(3, 2)
    candidates = [dataclasses.replace(make(tree), backbone=backbone) for backbone in backbones]
    return [
        TrainingJob(number, candidate.composition(), searched(0), 0)
        for number, candidate in enumerate(candidates)
    ]


def results(data, asked, trainer):
    found = [result for result in Engine(data, SHORT, trainer).train(asked) if result]
    return {result.number: dataclasses.replace(result, train_seconds=0.0) for result in found}


@pytest.fixture(params=TRAINERS)
def trainer(request):
    return request.param


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Raising, "ValueError: cannot swallow this"),
        (Misfitting, "RuntimeError: .*(mat1|batch)"),
    ],
)
def test_a_plugins_error_fails_its_training_and_no_other(
    penguins, make, trainer, monkeypatch, kind, words
):
    monkeypatch.setitem(PLUGGED, f"users:{kind.__name__}", kind)
    asked = jobs(make, [Mlp(8), kind(8), Mlp(16)])
    found = results(penguins, asked, trainer)
    assert re.match(f"{__name__}: {words}", found[1].failure)
    for number in (0, 2):
        assert found[number].failure is None
        assert found[number] == results(penguins, [asked[number]], trainer)[number]


@pytest.mark.parametrize("kind", [Raising, Misfitting])
def test_the_same_error_of_a_backbone_of_ours_is_raised(penguins, make, trainer, kind):
    with pytest.raises((ValueError, RuntimeError)):
        results(penguins, jobs(make, [kind(8)]), trainer)


def test_our_fault_in_the_training_of_a_plugin_is_raised(penguins, make, monkeypatch, trainer):
    def total(*_):
        raise ValueError("ours")

    # Of no module, as this one counts as the plugin.
    ours = FunctionType(total.__code__, {"ValueError": ValueError})
    monkeypatch.setitem(PLUGGED, "users:Harmless", Harmless)
    monkeypatch.setattr(BatchedWeighting, "total", ours)
    with pytest.raises(ValueError, match="ours"):
        results(penguins, jobs(make, [Harmless(8)]), trainer)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory.\nmore"), "out of memory: CUDA out of memory."),
        (MemoryError(), "out of memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            "out of memory: DefaultCPUAllocator: can't allocate memory: you tried",
        ),
        (torch.linalg.LinAlgError("linalg.eigh: no"), "numerical error: linalg.eigh: no"),
        (ValueError("can't allocate memory"), None),
        (RuntimeError("vmap"), None),
        (KeyError("h"), None),
    ],
)
def test_reasons(penguins, make, error, expected):
    [job] = jobs(make, [Mlp(8)])
    [component] = job.composition
    member = Member.of(component, job, 3, SHORT)
    assert failure_reason(error, [member]) == expected
    assert out_of_memory(error) == ("out of memory" in (expected or ""))
