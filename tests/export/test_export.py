"""Exported folders predict what the model predicts, without mtlsearch, whatever the tree, the names
and the cells.
"""

import csv
import dataclasses
import importlib
import io
import math
import os
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from mtlsearch.backbones import BACKBONES, Mlp
from mtlsearch.candidate import Candidate, Component, Composition
from mtlsearch.data import Dataset, load
from mtlsearch.data.planted_arrays import PLANTED, planted_arrays
from mtlsearch.errors import DataError, ExportError, UsageError
from mtlsearch.export.code import write_code
from mtlsearch.export.folder import LOWEST, NEEDED, export_model
from mtlsearch.export.predicting import predict_folder
from mtlsearch.export.readme import ModelCard
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.export.verification import Runner, run_alone
from mtlsearch.inputs import kinds_taken
from mtlsearch.records import Replicate
from mtlsearch.sharing import SHARINGS, L2Sharing, NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.prediction import predict
from mtlsearch.training.training_data import TrainingData
from mtlsearch.weightings import Fixed
from tests.support.exported import run_in_process
from tests.support.replicates import searched
from tests.support.source import ROOT

SMALL, INDEPENDENT = Mlp(width=8), NoSharing()
CARD = ModelCard("A model", {"species": "accuracy 0.98"}, ("Penguins of three islands only.",))
SEARCHED = searched(0)
TREES = {
    "separate": SharingTree.separate(3, 3),
    "shared": SharingTree.shared(3, 3),
    "branching": SharingTree.decode([0, 0], [2, 1], 3),
}
HOSTILE_COLUMNS = [
    "class",
    "2nd",
    "a b",
    "a-b",
    "new\nline",
    "quo'\"te",
    "<script>",
    "|température|`",
    "日本",
    "nn",
    "__x",
]
HOSTILE_TASKS = [
    "def",
    "1 task",
    'say "it\'s"',
    "<script>alert(1)</script>",
    "new\nline ```",
    "日本",
    "a b",
    "a-b",
    "\u202e\\n",
    "x_" * 60,
]


def training_data(dataset: Dataset) -> TrainingData:
    return TrainingData(dataset, 0, torch.device("cpu"))


def compose(tree: SharingTree, backbone: Any = SMALL, sharing: Any = INDEPENDENT) -> Composition:
    return Candidate(tree, backbone, sharing, Fixed()).composition()


def tied(sharing: str, private: bool) -> Any:
    """With experts that no task owns, where there may be any."""
    settings = {"experts": 2, "private": private}
    return SHARINGS[sharing](
        **{name: settings[name] for name in vars(SHARINGS[sharing]()).keys() & settings}
    )


def random_model(composition: Composition, data: TrainingData) -> CompositionNetwork:
    """As if the soft ties had learned something."""
    networks, draw = (
        [Network(part, data.signature(searched(0)), 7) for part in composition],
        torch.Generator().manual_seed(0),
    )
    for p in (p for network in networks for p in network.mixing_parameters.parameters()):
        p.data += torch.randn(p.shape, generator=draw)
    return CompositionNetwork(composition, networks).eval()


@pytest.fixture(scope="module")
def penguins() -> TrainingData:
    return training_data(load("penguins"))


def export(
    network: CompositionNetwork,
    data: TrainingData,
    folder: Path,
    formats: Sequence[str] = ("code",),
    replicate: Replicate = SEARCHED,
    run: Runner = run_alone,
) -> float:
    model = TrainedModel(network, data, replicate)
    return export_model([model], folder, CARD, formats, run)


@pytest.fixture(scope="module")
def exported(penguins: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The penguins with components of different backbones, verified by its own interpreter."""
    two, one = SharingTree.decode([0], [1], 3), SharingTree.separate(1, 2)
    mlp = Mlp(width=8, layer_norm=True, dropout=0.2)
    components = (
        Component((0, 2), Candidate(two, mlp, L2Sharing(), Fixed())),
        Component((1,), Candidate(one, BACKBONES["residual"](), NoSharing(), Fixed())),
    )
    composition = Composition(components)
    folder = tmp_path_factory.mktemp("export") / "new" / "model"
    assert export(random_model(composition, penguins), penguins, folder) <= 1e-6
    return folder


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_sharing_and_tree(
    backbone: str, sharing: str, tree: str, penguins: TrainingData, tmp_path: Path
) -> None:
    small = (
        {"width": 24}
        if "width" in {each.name for each in dataclasses.fields(BACKBONES[backbone])}
        else {}
    )
    composition = compose(
        TREES[tree], BACKBONES[backbone](**small), tied(sharing, private=tree == "separate")
    )
    [kind, *_] = kinds_taken(BACKBONES[backbone].takes)
    data = training_data(planted_arrays(kind)) if kind in PLANTED else penguins
    model = random_model(composition, data)
    assert export(model, data, tmp_path / "model", run=run_in_process) <= 1e-6
    code = (tmp_path / "model" / "model.py").read_text("utf-8")
    assert "mtlsearch" not in code
    assert max(map(len, code.splitlines())) <= 120
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_folder_holds_what_the_readme_says(exported: Path) -> None:
    files = {path.name for path in exported.iterdir()}
    readme = (exported / "README.md").read_text("utf-8")
    assert files == {
        "README.md",
        "requirements.txt",
        "model.py",
        "weights.safetensors",
        "cells.py",
        "column_encodings.py",
        "csv_file.py",
        "dates.py",
        "decoding.py",
        "encoded_input.py",
        "encoding.py",
        "fine_tuning.py",
        "labels.py",
        "new_task.py",
        "objective.py",
        "pictures.py",
        "preprocess.json",
        "predict.py",
        "predictor.py",
        "tables.py",
        "task_loss.py",
        "tokenized_text.py",
        "train.py",
        "training.json",
        "training_range.py",
    }
    assert all(f"`{name}`" in readme for name in files - {"README.md"})
    assert (
        "accuracy 0.98" in readme
        and "Penguins of three islands only." in readme
        and "species+body_mass_g" in readme
    )


def test_the_lowest_versions_are_those_of_the_project(exported: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["huggingface"]]
    for package in LOWEST.keys() - {"numpy"}:
        assert any(entry.startswith(f"{package}>={LOWEST[package]}") for entry in asked), package
    lines = (exported / "requirements.txt").read_text("utf-8").splitlines()
    needed = [line for line in lines if not line.startswith("#")]
    assert needed == [f"{package}>={LOWEST[package]}" for package in NEEDED]
    assert any("CPU wheel of torch" in line for line in lines)
    assert "torch, numpy and safetensors is enough" in (exported / "README.md").read_text("utf-8")


def test_it_is_imported_from_its_folder(
    exported: Path, penguins: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python must have nothing to warn of, as scripts that are packages may give it."""
    monkeypatch.syspath_prepend(str(exported))
    monkeypatch.delitem(sys.modules, "predict", raising=False)
    rows = penguin_rows(penguins)
    predicted = importlib.import_module("predict").predict(rows)
    assert len(predicted) == len(rows)
    del sys.modules["predict"]


@pytest.mark.slow  # needs fastapi and httpx
def test_the_service_of_the_readme_answers(
    exported: Path, penguins: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    readme = (exported / "README.md").read_text("utf-8")
    code = readme.split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) <= 13
    monkeypatch.syspath_prepend(str(exported))
    monkeypatch.delitem(sys.modules, "predict", raising=False)
    names: dict[str, Any] = {"__name__": "service"}
    exec(code, names)
    client = TestClient(names["app"])
    rows = penguin_rows(penguins).astype({"year": int}).to_dict("records")
    answer = client.post("/predict", json=rows)
    assert answer.status_code == 200, answer.text
    predicted = runpy.run_path(str(exported / "predict.py"))["predict"](rows)
    assert answer.json() == predicted
    refused = client.post("/predict", json=[{"island": "Biscoe"}])
    assert refused.status_code == 422 and "missing columns" in refused.json()["detail"]
    del sys.modules["predict"]


def test_code_names_the_stages_and_says_who_shares(exported: Path) -> None:
    code = (exported / "model.py").read_text("utf-8")
    assert "self.level1_species_body_mass_g = nn.Sequential(" in code
    assert "# level 1: shared by species, body_mass_g" in code
    comment = "# tied in training to the other stages of this level: "
    assert f"{comment}L2Sharing(strength=0.01, first_level=1" in code
    assert code.count("class ResidualBlock(nn.Module):") == 1


@pytest.mark.parametrize(
    "tree", [SharingTree.shared(2, 3), SharingTree.decode([0], [1], 3), SharingTree.separate(2, 2)]
)
def test_two_sources(tree: SharingTree, tmp_path: Path) -> None:
    data = training_data(load("iris+breast_cancer"))
    model = random_model(compose(tree, sharing=L2Sharing()), data)
    assert (
        export(model, data, tmp_path / "model", replicate=searched(1), run=run_in_process) <= 1e-6
    )
    loaded = runpy.run_path(str(tmp_path / "model" / "predict.py"))["load"]()
    iris = data.dataset.sources["iris"].inputs.iloc[:3]
    assert list(loaded.predict(iris.to_dict("list")))[:2] == ["species", "species=setosa"]
    inputs = {name: x.values for name, x in data.fold(searched(1)).inputs.items()}
    with torch.no_grad():
        assert (
            set(loaded.network(inputs)) == {"species", "malignant"} == set(loaded.network(**inputs))
        )
        assert set(loaded.network(iris=inputs["iris"])) == {"species"}
    with pytest.raises(ValueError, match="which source"):
        loaded.predict({"other": ["1"]})
    with pytest.raises(ValueError, match="no inputs"):
        loaded.network()


def hostile_card(folder: Path) -> Path:
    draw = np.random.default_rng(0)
    table = {name: draw.normal(size=80) for name in HOSTILE_COLUMNS[1:]} | {
        "class": draw.choice(["a", "b,\n", "<b>|"], 80)
    }
    table |= {
        f"target {n}": [
            draw.normal(size=80),
            draw.choice(["no", "ye\ns"], 80),
            draw.choice(list("pqr"), 80),
        ][n % 3]
        for n in range(10)
    }
    pd.DataFrame(table).to_csv(folder / "table.csv", index=False)
    tasks = {name: {"target": f"target {n}"} for n, name in enumerate(HOSTILE_TASKS)}
    card = folder / "card.yaml"
    card.write_text(
        yaml.safe_dump(
            {"name": "<i>", "sources": {"2 def\n": {"path": "table.csv"}}, "tasks": tasks}
        ),
        "utf-8",
    )
    return card


@pytest.mark.parametrize(
    "tree",
    [
        SharingTree.separate(10, 2),
        SharingTree.shared(10, 2),
        SharingTree.decode([0] * 9, [1] * 9, 2),
    ],
)
def test_hostile_names(tree: SharingTree, tmp_path: Path) -> None:
    data = training_data(load(str(hostile_card(tmp_path))))
    folder = tmp_path / "model"
    assert export(random_model(compose(tree), data), data, folder, run=run_in_process) <= 1e-6
    readme = (folder / "README.md").read_text("utf-8").splitlines()
    assert not any(
        "<script>" in line for line in readme if not line.startswith("    ")
    )  # indented: shown as it is
    code = (folder / "model.py").read_text("utf-8")
    assert code.isascii() or all(c.isprintable() or c == "\n" for c in code)


def test_missing_values_and_unknown_categories(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": draw.normal(size=60),
            "ward": draw.choice(["a", "b"], 60),
            "smoker": draw.random(60) < 0.5,
        }
    )
    table = table.assign(
        y=draw.normal(size=60),
        z=draw.choice(["no", "yes"], 60),
        split=["train"] * 40 + ["test"] * 20,
    )
    table.loc[::6, "age"], table.loc[1::6, "ward"] = np.nan, None
    table.loc[41, "age"], table.loc[50:, "ward"] = np.inf, "never seen"
    table.to_csv(tmp_path / "table.csv", index=False)
    card = {
        "sources": {"s": {"path": "table.csv"}},
        "tasks": {"y": {}, "z": {}},
        "split": {"column": "split"},
    }
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(card), "utf-8")
    data = training_data(load(str(tmp_path / "card.yaml")))
    model = random_model(compose(SharingTree.shared(2, 2)), data)
    assert export(model, data, tmp_path / "model", run=run_in_process) <= 1e-6
    predict_folder(tmp_path / "model", tmp_path / "table.csv", tmp_path / "out.csv")
    y = data.dataset.tasks[0]
    wanted = predict(model, data, searched(0), y, torch.arange(60))
    np.testing.assert_allclose(pd.read_csv(tmp_path / "out.csv")["y"], wanted, rtol=1e-5, atol=1e-6)


def penguin_rows(penguins: TrainingData, rows: int = 3) -> pd.DataFrame:
    return penguins.dataset.sources["penguins"].inputs.iloc[:rows]


def test_predict_folder_writes_labels_and_probabilities(
    exported: Path, penguins: TrainingData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    penguin_rows(penguins).assign(more=1).to_parquet(tmp_path / "rows.parquet")
    predict_folder(exported, tmp_path / "rows.parquet")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    classes = ["species=Adelie", "species=Chinstrap", "species=Gentoo"]
    assert list(rows[0]) == ["species", *classes, "sex", "sex_probability", "body_mass_g"]
    for row in rows:
        assert math.isclose(sum(float(row[name]) for name in classes), 1.0, rel_tol=1e-9)
        assert row["species"] == max(classes, key=lambda name: float(row[name])).removeprefix(
            "species="
        )
        assert row["sex"] == ("male" if float(row["sex_probability"]) >= 0.5 else "female")


def test_predict_folder_says_what_is_wrong(
    exported: Path, penguins: TrainingData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, path = penguin_rows(penguins), tmp_path / "-rows.csv"
    rows.drop(columns=["island", "year"]).to_csv(path, index=False)
    with pytest.raises(DataError, match=r"-rows\.csv: missing columns: island, year$"):
        predict_folder(exported, path, tmp_path / "out.csv")
    with pytest.raises(UsageError, match="--source: 'other' is unknown; known: penguins"):
        predict_folder(exported, path, source="other")
    with pytest.raises(UsageError, match="is no exported model"):
        predict_folder(tmp_path, path)
    assert not (tmp_path / "out.csv").exists()
    rows.astype({"year": object}).assign(year=["2007", "soon", "NA"]).to_csv(path, index=False)
    predict_folder(exported, path, tmp_path / "out.csv")
    assert (
        "column 'year': 1 cells are no numbers (the first is 'soon' in row 2)"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("text", ["", "a,a\n1,2\n", "a,b\n1\n", "\udcff"])
def test_unreadable_tables_exit_with_3(
    text: str, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    main = runpy.run_path(str(exported / "predict.py"))["main"]
    assert main([str(tmp_path / "rows.csv")]) == 3
    assert main([str(tmp_path / "absent.csv")]) == 3
    assert all(
        len(line) > 20 and "Traceback" not in line for line in capsys.readouterr().err.splitlines()
    )


def test_rows_can_be_predicted_from_python(exported: Path, penguins: TrainingData) -> None:
    runtime = runpy.run_path(str(exported / "predict.py"))
    rows = penguin_rows(penguins).to_dict("records")
    found = [row["body_mass_g"] for row in runtime["predict"](rows)]
    assert runtime["predict"]([]) == []
    cells = runtime["load"]().predict({name: [row[name] for row in rows] for name in rows[0]})
    assert found == cells["body_mass_g"]
    header_only = runtime["load"]().predict({name: [] for name in rows[0]})
    assert set(map(len, header_only.values())) == {0}


def test_an_existing_folder_is_refused(penguins: TrainingData, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", "utf-8")
    model = random_model(compose(TREES["shared"]), penguins)
    for target in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(UsageError, match="exists and is not an empty folder"):
            export(model, penguins, target)
    with pytest.raises(UsageError, match='"onx" is unknown; did you mean "onnx"'):
        export(model, penguins, tmp_path / "model", formats=("code", "onx"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("broken", [0.01, math.nan])
def test_a_broken_weight_fails_and_leaves_nothing(
    broken: float, penguins: TrainingData, tmp_path: Path
) -> None:
    def run_with_a_broken_weight(draft: Path, arguments: Sequence[str]) -> None:
        path = draft / "weights.safetensors"
        weights = {**load_file(path), "head_body_mass_g.bias": torch.tensor([broken])}
        save_file(weights, path)
        run_in_process(draft, arguments)

    model = random_model(compose(TREES["branching"]), penguins)
    with pytest.raises(ExportError, match="deviates from the model by"):
        export(model, penguins, tmp_path / "model", run=run_with_a_broken_weight)
    assert list(tmp_path.iterdir()) == []


def test_code_that_needs_mtlsearch_fails(penguins: TrainingData, tmp_path: Path) -> None:
    def run_with_an_import(draft: Path, arguments: Sequence[str]) -> None:
        with (draft / "model.py").open("a", encoding="utf-8") as file:
            file.write("\nimport mtlsearch\n")
        run_alone(draft, arguments)

    model = random_model(compose(TREES["shared"]), penguins)
    with pytest.raises(ExportError, match=r"the exported code fails: .*mtlsearch"):
        export(model, penguins, tmp_path / "model", run=run_with_an_import)
    assert list(tmp_path.iterdir()) == []


def half(h: Tensor) -> Tensor:
    return h / 2


@dataclass(frozen=True)
class Averaging(L2Sharing):
    """A mechanism that mixes activations."""

    def mix(self, h: Tensor, edges: Tensor, state: dict[str, Tensor], feature_axis: int) -> Tensor:
        return half(h + h.mean(0, keepdim=True))


def test_mixed_activations_are_exported_with_what_they_use(
    penguins: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHARINGS, "averaging", Averaging)
    model = random_model(compose(TREES["branching"], sharing=Averaging()), penguins)
    assert export(model, penguins, tmp_path / "model", run=run_in_process) <= 1e-6
    code = (tmp_path / "model" / "model.py").read_text("utf-8")
    assert (
        "h2_species_sex, h2_body_mass_g = self.level2_mix(h2_species_sex, h2_body_mass_g)" in code
    )
    assert (
        code.count("class Averaging(Mixing):") == 1
        and "return half(h + h.mean(0, keepdim=True))" in code
    )
    assert code.count("def half(h: Tensor) -> Tensor:") == 1


SLOPE = 0.25


def leak(h: Tensor) -> Tensor:
    return functional.leaky_relu(h, SLOPE)


class Gated(nn.Module):
    """Needs an import, a function and a constant of this file."""

    def __init__(self, body: nn.Module, power: float = 2.0) -> None:
        super().__init__()
        self.body, self.power = body, power

    def forward(self, h: Tensor) -> Tensor:
        return leak(self.body(h)) * torch.sigmoid(h) / math.sqrt(self.power)


class Hidden(nn.Module):
    """Does not keep its child under the argument's name."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.inner = body


@dataclass(frozen=True)
class Gating(Mlp):
    def stage(self, level: int) -> nn.Module:
        return Gated(super().stage(level))


@dataclass(frozen=True)
class Hiding(Mlp):
    def stage(self, level: int) -> nn.Module:
        return Hidden(super().stage(level))


@dataclass(frozen=True)
class Attending(Mlp):
    def head(self, outputs: int, levels: int) -> nn.Module:
        return nn.MultiheadAttention(self.width, 1)


def test_own_modules_are_pasted_with_what_they_use(
    penguins: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKBONES, "gating", Gating)
    model = random_model(compose(TREES["branching"], Gating(width=8)), penguins)
    assert export(model, penguins, tmp_path / "model", run=run_in_process) <= 1e-6
    code = (tmp_path / "model" / "model.py").read_text("utf-8")
    assert (
        "SLOPE = 0.25" in code and "from torch.nn import functional" in code and "power=2.0" in code
    )


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        (Hiding(), "'body' is not kept as self.body"),
        (Attending(), "MultiheadAttention cannot be exported"),
    ],
)
def test_modules_that_cannot_be_written_down(
    backbone: Mlp, message: str, penguins: TrainingData
) -> None:
    with pytest.raises(ExportError, match=message):
        write_code(
            [random_model(compose(TREES["shared"], backbone), penguins)],
            penguins.dataset.tasks,
            penguins.signature(searched(0)).schemas,
        )


def test_a_torch_export(tmp_path: Path) -> None:
    data = training_data(load("iris+breast_cancer"))
    model = random_model(compose(SharingTree.decode([0], [1], 2)), data)
    export(model, data, tmp_path / "model", formats=("code", "torch-export"), run=run_in_process)
    rows = {name: x.take(slice(5)) for name, x in data.fold(searched(0)).inputs.items()}
    inputs = {name: x.values for name, x in rows.items()}
    found = torch.export.load(tmp_path / "model" / "model.pt2").module()(inputs)
    with torch.no_grad():
        wanted = model(rows)
    torch.testing.assert_close(found["malignant"], wanted[1], rtol=1e-5, atol=1e-6)
    assert "`model.pt2`" in (tmp_path / "model" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("sharing", SHARINGS)
def test_a_torch_export_of_tied_branches(
    sharing: str, penguins: TrainingData, tmp_path: Path
) -> None:
    model = random_model(
        compose(TREES["branching"], sharing=tied(sharing, private=False)), penguins
    )
    export(
        model, penguins, tmp_path / "model", formats=("code", "torch-export"), run=run_in_process
    )
    assert (tmp_path / "model" / "model.pt2").is_file()


@pytest.mark.slow  # needs the packages of mtlsearch[onnx]
def test_an_onnx_export(tmp_path: Path) -> None:
    data = training_data(load("iris+breast_cancer"))
    model = random_model(compose(SharingTree.decode([0], [1], 2)), data)
    export(model, data, tmp_path / "model", formats=("code", "onnx"), run=run_in_process)
    assert (tmp_path / "model" / "model.onnx").is_file()
    assert "`model.onnx`" in (tmp_path / "model" / "README.md").read_text("utf-8")


@pytest.mark.slow  # needs the packages of mtlsearch[onnx]
@pytest.mark.parametrize("sharing", SHARINGS)
def test_an_onnx_export_of_tied_branches(
    sharing: str, penguins: TrainingData, tmp_path: Path
) -> None:
    """Of two branches on one level and three on the next."""
    model = random_model(
        compose(TREES["branching"], sharing=tied(sharing, private=False)), penguins
    )
    export(model, penguins, tmp_path / "model", formats=("code", "onnx"), run=run_in_process)
    assert (tmp_path / "model" / "model.onnx").is_file()


def test_onnx_without_its_packages(
    penguins: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install mtlsearch\[onnx\]"):
        export(
            random_model(compose(TREES["shared"]), penguins),
            penguins,
            tmp_path / "model",
            formats=("onnx",),
            run=run_in_process,
        )


def test_the_command_line_of_the_folder_predicts_the_same_bits_in_a_clean_environment(
    exported: Path, penguins: TrainingData, tmp_path: Path
) -> None:
    penguin_rows(penguins, 300).to_csv(tmp_path / "rows.csv", index=False)
    command = [
        sys.executable,
        "-I",
        "-B",
        str(exported / "predict.py"),
        "rows.csv",
        "--to",
        "out.csv",
    ]
    assert "MKL_CBWR" in os.environ
    clean = {name: value for name, value in os.environ.items() if name != "MKL_CBWR"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=clean)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    predict_folder(exported, tmp_path / "rows.csv", tmp_path / "same.csv")
    assert (tmp_path / "out.csv").read_text() == (tmp_path / "same.csv").read_text()
    assert len(pd.read_csv(tmp_path / "out.csv")) == 300
