"""Exported ensembles are exact for every network in them, and predict the mean of theirs."""

import runpy
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mtlsearch.backbones import BACKBONES, Mlp
from mtlsearch.candidate import Candidate, Composition
from mtlsearch.data import load
from mtlsearch.data.planted_arrays import PLANTED, planted_arrays
from mtlsearch.errors import ExportError
from mtlsearch.export.code import write_code
from mtlsearch.export.folder import export_model
from mtlsearch.export.readme import ModelCard
from mtlsearch.export.stacking import stack
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.inputs import INPUT_KINDS, kinds_taken
from mtlsearch.sharing import SHARINGS
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.training_data import TrainingData
from tests.support.replicates import searched

SEEDS = 3
ROWS = slice(5)
TOLERANCE = 1e-6
BRANCHING = SharingTree.decode([0, 0], [2, 1], 3)
WHOLLY_STACKED = ("mlp", "residual", "tabm", "embedding_bag")

Cells = Mapping[str, Sequence[Any]]


@cache
def data_of(kind: str) -> TrainingData:
    """Planted data of an input kind, prepared by the folds of several replicates."""
    return TrainingData(planted_arrays(kind), 0, torch.device("cpu"))


def data_for(backbone: str) -> TrainingData:
    kinds = kinds_taken(BACKBONES[backbone].takes)
    return data_of(kinds[0])


def small(backbone: str) -> Any:
    settings = {field.name for field in fields(BACKBONES[backbone])}
    return BACKBONES[backbone](**({"width": 24} if "width" in settings else {}))


def tied(sharing: str, private: bool) -> Any:
    """With experts that no task owns, where there may be any."""
    kind = SHARINGS[sharing]
    settings = {"experts": 2, "private": private}
    return kind(**{name: settings[name] for name in vars(kind()).keys() & settings})


def ensemble(
    composition: Composition, data: TrainingData, seeds: int = SEEDS
) -> list[TrainedModel]:
    """Networks with random weights, of which soft ties differ as if they had learned."""
    models = []
    for seed in range(seeds):
        signature = data.signature(searched(seed))
        networks = [Network(component, signature, seed) for component in composition]
        draw = torch.Generator().manual_seed(seed)
        for network in networks:
            for parameter in network.mixing_parameters.parameters():
                parameter.data += torch.randn(parameter.shape, generator=draw)
        model = CompositionNetwork(composition, networks).eval()
        models.append(TrainedModel(model, data, searched(seed)))
    return models


def written_network(models: Sequence[TrainedModel], folder: Path) -> nn.Module:
    """The network of the written code, with its weights."""
    data = models[0].data
    schemas = data.signature(searched(0)).schemas
    code = write_code([model.network for model in models], data.dataset.tasks, schemas)
    assert "mtlsearch" not in code.text
    assert max(map(len, code.text.splitlines())) <= 120
    (folder / "model.py").write_text(code.text, "utf-8")
    network: nn.Module = runpy.run_path(str(folder / "model.py"))["Model"]()
    network.load_state_dict(code.weights)
    return network.eval()


@torch.no_grad()
def assert_every_network_is_exact(models: Sequence[TrainedModel], folder: Path) -> nn.Module:
    """Compare the outputs of the written code with those of each network; returns the former."""
    data = models[0].data
    inputs = [
        {name: x.take(ROWS) for name, x in data.fold(model.replicate).inputs.items()}
        for model in models
    ]
    prepared: dict[str, Tensor | tuple[Tensor, ...]] = {}
    for name in inputs[0]:
        tensors = zip(*[x[name].tensors for x in inputs], strict=True)
        stacked = tuple(torch.stack(tensors_of_all) for tensors_of_all in tensors)
        prepared[name] = stacked if len(stacked) > 1 else stacked[0]
    network = written_network(models, folder)
    outputs = network(prepared)
    for number, model in enumerate(models):
        expected = model.network(inputs[number])
        for task_number, task in enumerate(data.dataset.tasks):
            output = outputs[task.name][number]
            wanted = expected[task_number]
            assert output.shape == wanted.shape
            scale = max(1.0, float(wanted.abs().max()))
            assert float((output - wanted).abs().max()) <= TOLERANCE * scale
    return network


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone(backbone: str, tmp_path: Path) -> None:
    sharing = tied("cross_stitch", private=False)
    composition = Candidate(BRANCHING, small(backbone), sharing).composition()
    models = ensemble(composition, data_for(backbone))
    network = assert_every_network_is_exact(models, tmp_path)
    code = (tmp_path / "model.py").read_text("utf-8")
    assert ("OneByOne" not in code) == (backbone in WHOLLY_STACKED)
    if backbone in WHOLLY_STACKED:
        assert {len(weights) % SEEDS for weights in network.state_dict().values()} == {0}


@pytest.mark.parametrize("variant", ["full", "mini", "packed"])
@pytest.mark.parametrize("members", [1, 4])
def test_every_variant_of_an_ensemble_of_ensembles(
    variant: str, members: int, tmp_path: Path
) -> None:
    backbone: Any = BACKBONES["tabm"](width=8, members=members, variant=variant)
    composition = Candidate(BRANCHING, backbone).composition()
    assert_every_network_is_exact(ensemble(composition, data_of("table")), tmp_path)


@pytest.mark.parametrize("tree", [BRANCHING, SharingTree.separate(3, 3), SharingTree.shared(3, 3)])
@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("sharing", SHARINGS)
def test_every_sharing(sharing: str, private: bool, tree: SharingTree, tmp_path: Path) -> None:
    composition = Candidate(tree, Mlp(width=8), tied(sharing, private)).composition()
    assert_every_network_is_exact(ensemble(composition, data_of("table")), tmp_path)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_every_sharing_of_sequences(sharing: str, tmp_path: Path) -> None:
    """Of positions, and of branches that are run one by one."""
    composition = Candidate(BRANCHING, small("recurrent"), tied(sharing, False)).composition()
    assert_every_network_is_exact(ensemble(composition, data_of("sequences")), tmp_path)


class Doubled(nn.Module):
    """Is nothing that could be stacked, though its child could be."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, h: Tensor) -> Tensor:
        return 2 * self.body(h.flatten(1))


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(6, 4, bias=False),
        lambda: nn.LayerNorm(6, eps=0.1),
        lambda: nn.LayerNorm(6, elementwise_affine=False),
        lambda: nn.LayerNorm((3, 6)),
        lambda: nn.BatchNorm1d(3),
        lambda: Doubled(nn.Linear(18, 2)),
        lambda: nn.Sequential(nn.Linear(6, 6), nn.Sequential(nn.Softmax(dim=1), nn.Tanh())),
    ],
)
def test_other_modules(make: Any) -> None:
    modules = [make().eval() for _ in range(SEEDS)]
    draw = torch.Generator().manual_seed(0)
    for module in modules:
        for parameter in module.parameters():
            parameter.data = torch.randn(parameter.shape, generator=draw)
    x = torch.randn(SEEDS, 5, 3, 6, generator=draw)
    outputs = stack(modules)(x)
    for module, rows, output in zip(modules, x, outputs, strict=True):
        torch.testing.assert_close(output, module(rows))


def run_in_process(draft: Path, arguments: Sequence[str]) -> None:
    script = runpy.run_path(str(draft / "predict.py"), run_name="predict")
    assert script["main"](arguments) == 0


def export(models: Sequence[TrainedModel], folder: Path, *formats: str) -> Path:
    deviation = export_model(models, folder, ModelCard(), ("code", *formats), run_in_process)
    assert deviation <= TOLERANCE
    return folder


def predicted(folder: Path, table: Cells) -> dict[str, list[Any]]:
    model = runpy.run_path(str(folder / "predict.py"))["load"]()
    result: dict[str, list[Any]] = model.predict_columns(table)
    return result


@pytest.mark.parametrize("kind", PLANTED)
def test_a_folder_predicts_the_mean_of_the_folders_of_its_networks(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For every input kind: of values, probabilities of two classes, and those of several."""
    data = data_of(kind)
    [backbone, *_] = [
        name for name in BACKBONES if INPUT_KINDS[kind].schema in BACKBONES[name].takes
    ]
    composition = Candidate(BRANCHING, small(backbone)).composition()
    models = ensemble(composition, data, seeds=2)
    whole = export(models, tmp_path / "ensemble")
    singles = [export([model], tmp_path / f"{model.replicate.index}") for model in models]
    assert "ensemble" not in (singles[0] / "README.md").read_text("utf-8")

    [source] = data.dataset.sources.values()
    table = {str(name): np.stack(list(source.inputs[name])) for name in source.inputs}
    columns = predicted(whole, table)
    first, second = (predicted(folder, table) for folder in singles)
    labels = 0
    for name, cells in columns.items():
        if isinstance(cells[0], str):
            labels += 1
            continue
        mean = (np.array(first[name]) + np.array(second[name])) / 2
        assert not np.allclose(first[name], second[name])
        np.testing.assert_allclose(cells, mean, rtol=1e-5, atol=1e-6)
    assert labels == 2
    for row, label in enumerate(columns["group"]):
        probabilities = [columns[f"group={other}"][row] for other in "abc"]
        assert label == "abc"[int(np.argmax(probabilities))]
    none = {name: cells[:0] for name, cells in table.items()}
    assert set(map(len, predicted(whole, none).values())) == {0}


def test_two_sources_in_another_format_and_what_the_readme_says(tmp_path: Path) -> None:
    data = TrainingData(load("iris+breast_cancer"), 0, torch.device("cpu"))
    composition = Candidate(SharingTree.decode([0], [1], 2), Mlp(width=8)).composition()
    models = ensemble(composition, data, seeds=2)
    folder = export(models, tmp_path / "model", "torch-export")
    readme = (folder / "README.md").read_text("utf-8")
    assert "an ensemble of 2 networks" in readme
    assert "All layers are stacked" in readme

    rows = 7
    inputs = {}
    for name in data.dataset.sources:
        prepared = [data.fold(model.replicate).inputs[name].take(slice(rows)) for model in models]
        inputs[name] = torch.stack([x.values for x in prepared])
    outputs = torch.export.load(folder / "model.pt2").module()(inputs)
    network = runpy.run_path(str(folder / "predict.py"))["load"]().network
    with torch.no_grad():
        expected = network(inputs)
    assert outputs["malignant"].shape == (2, rows, 1)
    torch.testing.assert_close(outputs, expected, rtol=1e-5, atol=1e-6)


def test_what_only_some_networks_do_not_know_is_said_with_their_numbers(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": np.arange(60.0), "place": ["a", "b"] * 30})
    table.loc[7:9, "place"] = ["rare", "scarce", "odd"]
    table["y"] = table["x"] ** 2
    table["z"] = -(table["x"] ** 3)
    table.to_csv(tmp_path / "table.csv", index=False)
    data = TrainingData(load(str(tmp_path / "table.csv"), ("y", "z")), 0, torch.device("cpu"))
    models = ensemble(Candidate(SharingTree.shared(2, 2), Mlp(width=8)).composition(), data, 4)
    trained = [data.fold(model.replicate).prepared.fold.train["data"] for model in models]
    [row, *_] = [row for row in (7, 8, 9) if 0 < sum(row in rows for rows in trained) < 4]
    saw = [row in rows for rows in trained]
    folder = export(models, tmp_path / "model")
    predictor = runpy.run_path(str(folder / "predict.py"))["load"]()
    predictor.predict_columns({"x": ["1", "2", "no"], "place": ["a", table["place"][row], "new"]})
    numbers = ", ".join(str(number) for number, seen in enumerate(saw, start=1) if not seen)
    notices = "\n".join(predictor.notices)
    assert f"to network {numbers} of 4: column 'place': 2 of 3 cells" in notices
    assert notices.count("column 'x': 1 cells are no numbers") == 1


@pytest.mark.parametrize("broken", [0.01, np.nan])
def test_a_broken_weight_of_one_network_fails_and_leaves_nothing(
    broken: float, tmp_path: Path
) -> None:
    def run_with_a_broken_weight(draft: Path, arguments: Sequence[str]) -> None:
        path = draft / "weights.safetensors"
        weights = load_file(path)
        weights["head_amount.bias"][2] += broken
        save_file(weights, path)
        run_in_process(draft, arguments)

    composition = Candidate(BRANCHING, Mlp(width=8)).composition()
    models = ensemble(composition, data_of("table"))
    with pytest.raises(ExportError, match="deviates from the model by"):
        export_model(models, tmp_path / "model", ModelCard(), ("code",), run_with_a_broken_weight)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # needs the packages of mtlsearch[onnx]
@pytest.mark.parametrize("sharing", SHARINGS)
def test_an_onnx_export(sharing: str, tmp_path: Path) -> None:
    composition = Candidate(BRANCHING, Mlp(width=8), tied(sharing, False)).composition()
    folder = export(ensemble(composition, data_of("table")), tmp_path / "model", "onnx")
    assert (folder / "model.onnx").is_file()
