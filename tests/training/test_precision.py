"""Lower precision: where it acts, how near it stays to float32, and that it is put back."""

import pytest
import torch

from mtlsearch.candidate import TrainingSettings
from mtlsearch.records import TrainingJob
from mtlsearch.sharing import SHARINGS
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine import Engine
from mtlsearch.training.plain.network import Network
from mtlsearch.training.plain.step import Fitting
from mtlsearch.training.precision import forbid_rounded_convolutions, step_precision
from tests.support.replicates import searched

SHARED = SharingTree.shared(3, 2)


def losses(data, candidate, trainer, precision):
    schedule = TrainingSettings(epochs=4, batch_size=64, patience=4, precision=precision)
    [outcome] = [
        each
        for each in Engine(data, schedule, trainer).train(
            [TrainingJob(0, candidate.composition(), searched(0), 0)]
        )
        if each
    ]
    return torch.tensor(outcome.history[0])


@pytest.mark.parametrize("trainer", ["serial", "forest"])
def test_bfloat16_trains_to_about_the_same_losses_but_not_to_the_same(penguins, make, trainer):
    candidate = make(SHARED, dropout=0.1)
    exact, lower = (
        losses(penguins, candidate, trainer, precision) for precision in ("float32", "bfloat16")
    )
    assert torch.allclose(lower, exact, rtol=0.05)
    assert not torch.equal(lower, exact)


@pytest.mark.parametrize("sharing", sorted(SHARINGS))
def test_both_trainers_agree_in_bfloat16(penguins, make, sharing):
    candidate = make(SharingTree.decode([0, 0], [1, 0], 2), sharing=SHARINGS[sharing]())
    serial, forest = (
        losses(penguins, candidate, trainer, "bfloat16") for trainer in ("serial", "forest")
    )
    assert torch.allclose(serial, forest, rtol=0.02)


def seen_while_training(data, candidate, precision):
    """Torch's setting and the dtype of the first layer's output, in training and in validation."""
    seen = {}
    component = candidate.composition().components[0]
    network = Network(component, data.signature(searched(0)), 0)
    network.stems[0].register_forward_hook(
        lambda module, inputs, output: seen.update(
            {module.training: (torch.get_float32_matmul_precision(), output.dtype)}
        )
    )
    schedule = TrainingSettings(epochs=1, batch_size=64, precision=precision)
    Fitting(network, data.dataset.tasks, data.fold(searched(0)), schedule).advance(1)
    return seen[True], seen[False]


def test_only_training_steps_run_in_the_lower_precision_and_the_setting_is_put_back(penguins, make):
    usual = torch.get_float32_matmul_precision()
    whole = (usual, torch.float32)
    assert seen_while_training(penguins, make(SHARED), "float32") == (whole, whole)
    assert seen_while_training(penguins, make(SHARED), "tf32") == (("high", torch.float32), whole)
    assert seen_while_training(penguins, make(SHARED), "bfloat16") == (
        (usual, torch.bfloat16),
        whole,
    )
    assert torch.get_float32_matmul_precision() == usual


def test_weights_stay_in_float32(penguins, make):
    schedule = TrainingSettings(epochs=1, batch_size=64, precision="bfloat16")
    model, _ = Engine(penguins, schedule, "forest").fit_model(
        TrainingJob(0, make(SHARED).composition(), searched(0), 0)
    )
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


def test_convolutions_are_rounded_in_steps_of_tf32_alone(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    forbid_rounded_convolutions()
    assert not torch.backends.cudnn.allow_tf32
    with step_precision("float32"):
        assert not torch.backends.cudnn.allow_tf32
    with step_precision("tf32"):
        assert torch.backends.cudnn.allow_tf32
    assert not torch.backends.cudnn.allow_tf32
