"""TabM: the reference's numbers, one mean loss, one mean prediction, in both engines."""

import dataclasses
import runpy
import sys

import numpy as np
import pytest
import tabm
import torch
from torch import nn

from mtlsearch.backbones import Mlp, TabM
from mtlsearch.candidate import TrainingSettings
from mtlsearch.export.folder import export_model
from mtlsearch.export.readme import ModelCard
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.initializations import Pretrained, Reptile
from mtlsearch.inputs import TableSchema
from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.records import TrainingJob
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import task_loss
from mtlsearch.training.costs import count_macs, count_parameters
from mtlsearch.training.engine import Engine
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.plain.step import losses_of
from mtlsearch.training.prediction import predict
from mtlsearch.training.stacked.stacking import Vmapped, stack
from mtlsearch.training.trainers import TRAINERS
from tests.support.replicates import confirmed, searched

FEATURES, WIDTH, LEVELS, OUTPUTS, ROWS = 5, 8, 2, 3, 16
VARIANTS = {"full": "tabm", "mini": "tabm-mini", "packed": "tabm-packed"}
"""The variants with the reference's names."""
SHORT = TrainingSettings(epochs=2, batch_size=48, patience=2)
SEPARATE = SharingTree.separate(3, 2)


def chain(backbone, outputs=OUTPUTS):
    torch.manual_seed(0)
    stem = backbone.stem(TableSchema(FEATURES))
    stages = [backbone.stage(level) for level in range(LEVELS)]
    return nn.Sequential(stem, *stages, backbone.head(outputs, LEVELS))


def new_reference(variant, members):
    """A network of the authors' package, as it begins."""
    torch.manual_seed(1)
    return tabm.TabM.make(
        n_num_features=FEATURES,
        d_out=OUTPUTS,
        n_blocks=LEVELS + 1,
        d_block=WIDTH,
        dropout=0.0,
        k=members,
        arch_type=VARIANTS[variant],
    )


def reference_of(variant, members):
    """The same with weights away from where they begin."""
    reference = new_reference(variant, members)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return reference.eval()


def in_our_order(reference):
    """The weights of a reference layer by layer: scales, weights, scales and biases."""
    backbone = reference.backbone
    tensors = []
    if hasattr(backbone, "affine"):
        tensors.append(backbone.affine.weight)
    for layer, *_ in backbone.blocks:
        scales = [layer.r, layer.weight, layer.s] if hasattr(layer, "r") else [layer.weight]
        tensors += [*scales, layer.bias]
    return [*tensors, reference.output.weight, reference.output.bias]


@pytest.mark.parametrize("variant", VARIANTS)
def test_outputs_are_those_of_the_reference(variant):
    ours = chain(TabM(WIDTH, 4, variant)).eval()
    reference = reference_of(variant, 4)
    with torch.no_grad():
        for parameter, tensor in zip(ours.parameters(), in_our_order(reference), strict=True):
            parameter.copy_(tensor)
        x = torch.randn(ROWS, FEATURES)
        expected = reference(x)
        assert expected.shape == (ROWS, 4, OUTPUTS)
        torch.testing.assert_close(ours(x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_begin_as_in_the_reference(variant):
    """Scales of 1 but for the first, of random signs; biases that the members have in common."""
    reference = new_reference(variant, 16)
    ours = chain(TabM(WIDTH, 16, variant))
    for parameter, tensor in zip(ours.parameters(), in_our_order(reference), strict=True):
        assert parameter.shape == tensor.shape
        assert parameter.unique().numel() == tensor.unique().numel()
        torch.testing.assert_close(parameter.abs().max(), tensor.abs().max(), rtol=0.5, atol=0.0)


@pytest.mark.parametrize("members", [1, 4])
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_is_stacked_module_by_module_to_the_last_bit(variant, members):
    chains = [chain(TabM(3 * WIDTH, members, variant), outputs=1) for _ in range(3)]
    for each in chains[1:]:
        for parameter in each.parameters():
            nn.init.normal_(parameter)
    x = torch.randn(3, 4 * ROWS, FEATURES)
    stacked = stack(chains)
    assert not any(isinstance(module, Vmapped) for module in stacked.modules())
    for each, own, found in zip(chains, x, stacked(x), strict=True):
        assert torch.equal(found, stack([each])(own[None])[0])
        torch.testing.assert_close(found, each(own))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_member_costs_as_much_as_a_perceptron(variant):
    inputs = NetworkInput(torch.randn(1, FEATURES))
    costs = {}
    for backbone in (Mlp(WIDTH), TabM(WIDTH, 4, variant)):
        network = chain(backbone)
        costs[type(backbone)] = (count_macs(network, inputs.values), count_parameters(network))
    (macs, parameters), (all_macs, all_parameters) = costs.values()
    assert all_macs == 4 * macs
    head = (WIDTH + 1) * OUTPUTS
    layers = [FEATURES, *[WIDTH] * LEVELS]
    adapters = {
        "full": sum(4 * features + 7 * WIDTH for features in layers),
        "mini": 4 * FEATURES,
        "packed": 3 * (parameters - head),
    }
    assert all_parameters == parameters + 3 * head + adapters[variant]


def network_of(data, make, backbone):
    candidate = dataclasses.replace(make(SharingTree.shared(3, 2)), backbone=backbone)
    [part] = candidate.composition()
    return Network(part, data.signature(searched(0)), 5).eval()


@torch.no_grad()
def test_the_loss_is_the_mean_of_the_members_losses(penguins, make):
    network = network_of(penguins, make, TabM(WIDTH, 3))
    fold = penguins.fold(searched(0))
    tasks = penguins.dataset.tasks
    rows = dict(fold.validation)
    found = losses_of(network, tasks, fold, rows)[0]
    outputs = network({source: fold.inputs[source].take(own) for source, own in rows.items()})
    for loss, task, output in zip(found, tasks, outputs, strict=True):
        target = fold.targets[task.name][rows[task.source]]
        losses = [task_loss(task.kind, own, target) for own in output.unbind(1)]
        assert len(set(losses)) == 3
        torch.testing.assert_close(loss, torch.stack(losses).mean())


@torch.no_grad()
def test_the_prediction_is_the_mean_of_the_members_predictions(penguins, make):
    """Probabilities and values, not logits."""
    network = network_of(penguins, make, TabM(WIDTH, 3))
    model = CompositionNetwork(network.component.candidate.composition(), [network])
    fold = penguins.fold(searched(0))
    rows = torch.arange(20)
    outputs = network({source: x.take(rows) for source, x in fold.inputs.items()})
    for task, output in zip(penguins.dataset.tasks, outputs, strict=True):
        decoder = fold.prepared.decoders[task.name]
        members = [decoder.to_predictions(own.numpy()) for own in output.unbind(1)]
        found = predict(model, penguins, searched(0), task, rows)
        np.testing.assert_allclose(found, np.mean(members, axis=0), rtol=1e-12)


@pytest.mark.parametrize("backbone", [TabM(WIDTH, 3, "mini"), TabM(WIDTH, 3, "packed", 0.2)])
def test_both_engines_train_and_predict_alike(penguins, make, backbone):
    """Also who weighs classes and rows, and who begins with a trunk that was trained before."""
    plain = dataclasses.replace(make(SEPARATE), backbone=backbone)
    settings = dataclasses.replace(plain.optimizer, class_weight="balanced", focal=1.5)
    candidates = [
        plain,
        dataclasses.replace(plain, optimizer=settings),
        dataclasses.replace(plain, initialization=Pretrained(0.5)),
        dataclasses.replace(plain, initialization=Reptile(0.5)),
    ]
    outcomes = []
    for trainer in TRAINERS:
        jobs = []
        for number, candidate in enumerate(candidates):
            jobs.append(TrainingJob(number, candidate.composition(), confirmed(0), 5))
        results = [result for result in Engine(penguins, SHORT, trainer).train(jobs) if result]
        outcomes.append(sorted(results, key=lambda result: result.number))
    for first, second in zip(*outcomes, strict=True):
        np.testing.assert_allclose(first.history, second.history, rtol=1e-4)
        for task, predictions in first.predictions.items():
            assert predictions.shape == second.predictions[task].shape
            np.testing.assert_allclose(predictions, second.predictions[task], rtol=1e-4)


def run_in_process(draft, arguments):
    """Run predict.py without starting an interpreter, which takes seconds."""
    wrote_bytecode = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        assert runpy.run_path(str(draft / "predict.py"))["main"](arguments) == 0
    finally:
        sys.dont_write_bytecode = wrote_bytecode


@pytest.mark.parametrize("variant", ["mini", "packed"])
def test_an_exported_folder_predicts_exactly(penguins, make, tmp_path, variant):
    network = network_of(penguins, make, TabM(WIDTH, 3, variant, 0.1))
    model = CompositionNetwork(network.component.candidate.composition(), [network])
    trained = TrainedModel(model.eval(), penguins, searched(0))
    formats = ("code", "torch-export")
    folder = tmp_path / "model"
    assert export_model([trained], folder, ModelCard(), formats, run_in_process) <= 1e-6
    code = (folder / "model.py").read_text("utf-8")
    assert "[rows, members, outputs]" in code
    assert "mtlsearch" not in code
