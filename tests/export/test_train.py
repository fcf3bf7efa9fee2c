"""The train.py of an exported folder: it minimises what the search did, and adds tasks."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, OptimizerSettings
from mtlsearch.data import load
from mtlsearch.export.folder import write_predictor
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.export.verification import DRIVER
from mtlsearch.runtime import fine_tuning
from mtlsearch.runtime.predictor import Predictor
from mtlsearch.sharing import CrossStitch, L2Sharing, NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.plain.step import Step
from mtlsearch.training.training_data import TrainingData
from mtlsearch.weightings import WEIGHTINGS, Fixed, Uncertainty
from tests.support.replicates import searched

TREE = SharingTree.decode([0, 0], [2, 1], 3)
TASKS = ("species", "sex", "body_mass_g")


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return TrainingData(load("penguins"), 0, torch.device("cpu"))


@pytest.fixture(scope="module")
def table(data: TrainingData) -> pd.DataFrame:
    """Inputs and labels, spelled as in a file of their own."""
    [source] = data.dataset.sources.values()
    labels = {}
    for task in data.dataset.tasks:
        values = data.dataset.targets[task.name]
        if task.classes:
            known = ~np.isnan(values)
            names = np.full(len(values), None, dtype=object)
            names[known] = np.array(task.classes)[values[known].astype(int)]
            values = names
        labels[task.name] = values
    return source.inputs.assign(**labels)


def write(folder: Path, data: TrainingData, count: int = 1, **settings) -> CompositionNetwork:
    """Write a model, or an ensemble, with random weights; return the first network."""
    candidate = Candidate(TREE, Mlp(width=8, dropout=settings.pop("dropout", 0.0)), **settings)
    models = []
    for index in range(count):
        replicate = searched(index)
        signature = data.signature(replicate)
        composition = candidate.composition()
        networks = [Network(part, signature, index) for part in composition]
        network = CompositionNetwork(composition, networks).eval()
        models.append(TrainedModel(network, data, replicate))
    write_predictor(folder, models)
    return models[0].network


def run(folder: Path, *arguments: object) -> int:
    script = runpy.run_path(str(folder / "train.py"))
    return script["main"]([str(argument) for argument in arguments])


def train_losses(printed: str) -> list[float]:
    lines = [line for line in printed.splitlines() if line.startswith("epoch ")]
    return [float(line.split("training loss ")[1].split(",")[0]) for line in lines]


def test_it_trains_in_a_clean_interpreter_and_what_it_writes_predicts(
    data: TrainingData, table: pd.DataFrame, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write(folder, data, sharing=CrossStitch(), weighting=Uncertainty(), dropout=0.1)
    (folder / "README.md").write_text("A model.", "utf-8")
    table.to_csv(tmp_path / "new.csv", index=False)
    words = ["new.csv", "--from", folder / "weights.safetensors", "--to", "tuned", "--epochs", "5"]
    command = [sys.executable, "-I", "-B", "-c", DRIVER, folder / "train.py", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    losses = train_losses(done.stdout)
    assert len(losses) == 5 and losses == sorted(losses, reverse=True)
    tuned = Predictor.of_folder(tmp_path / "tuned")
    before = Predictor.of_folder(folder).predict(table)
    after = tuned.predict(table)
    truth = table["body_mass_g"]
    assert (after["body_mass_g"] - truth).std() < (before["body_mass_g"] - truth).std()
    readme = (tmp_path / "tuned" / "README.md").read_text("utf-8")
    assert readme.startswith("**Trained again by train.py on new.csv, from ")


@pytest.mark.parametrize("weighting", [Fixed((1.0, 2.0, 3.0)), Uncertainty()])
def test_it_minimises_what_the_search_did(weighting, data: TrainingData, tmp_path: Path) -> None:
    optimizer = OptimizerSettings(label_smoothing=0.1, class_weight="balanced", focal=0.5)
    network = write(
        tmp_path, data, sharing=L2Sharing(0.3), weighting=weighting, optimizer=optimizer
    )
    fold = data.fold(searched(0))
    [part] = network.networks
    step = Step(part, data.dataset.tasks, fold)
    rows = fold.train["penguins"]
    losses = step._losses({"penguins": rows})
    expected = step.weighting.total(losses) + part.sharing_penalty()

    model = Predictor.of_folder(tmp_path)
    methods = runpy.run_path(str(tmp_path / "objective.py"))
    [plan] = json.loads((tmp_path / "training.json").read_text())["components"]
    targets = {name: target[None] for name, target in fold.targets.items()}
    inputs = {"penguins": fold.inputs["penguins"].tensors}
    same = fine_tuning.Data(inputs, targets, {"penguins": rows}, {"penguins": rows}, 0)
    component = fine_tuning.Component(model, plan, Methods(methods), same, 1.0)
    batch = {"penguins": rows}
    ours = component.losses(model(same.inputs_of(batch)), batch, smooths=True)
    torch.testing.assert_close(ours, losses, rtol=1e-6, atol=0)
    torch.testing.assert_close(component.total(ours), expected, rtol=1e-6, atol=0)
    ours_alike = component.losses(model(same.inputs_of(batch)), batch)
    assert not torch.equal(ours_alike, ours)


class Methods:
    """The names of a module that was run."""

    def __init__(self, names) -> None:
        vars(self).update(names)


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_every_weighting_is_written_down_or_said_not_to_be(
    name: str, data: TrainingData, table: pd.DataFrame, tmp_path: Path, capsys
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write(folder, data, count=2, weighting=WEIGHTINGS[name](), dropout=0.1)
    (folder / "README.md").write_text("A model.", "utf-8")
    table.iloc[:60].to_csv(tmp_path / "new.csv", index=False)
    assert run(folder, tmp_path / "new.csv", "--to", tmp_path / "new", "--epochs", 1) == 0
    said = capsys.readouterr()
    assert len(train_losses(said.out)) == 1
    is_limited = f"The weighting {name} looks at the gradient of each task" in said.err
    assert is_limited == WEIGHTINGS[name].needs_gramian


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("joins", [None, "body_mass_g"])
def test_a_new_task_leaves_the_others_as_they_are(
    joins: str | None, count: int, data: TrainingData, table: pd.DataFrame, tmp_path: Path, capsys
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write(folder, data, count, sharing=NoSharing())
    (folder / "README.md").write_text("A model.", "utf-8")
    heavy = np.where(table["body_mass_g"] > 4200, "heavy", "light")
    new = table.drop(columns=[*TASKS]).assign(size=heavy)
    new.to_csv(tmp_path / "new.csv", index=False)
    weights = folder / "weights.safetensors"
    words = [tmp_path / "new.csv", "--from", weights, "--to", tmp_path / "more", "--epochs", 8]
    words += ["--task", "size:binary", *(["--joins", joins] if joins else [])]
    assert run(folder, *words) == 0
    said = capsys.readouterr()
    losses = train_losses(said.out)
    assert losses[-1] < losses[0]
    place = "the last stage of body_mass_g" if joins else "level1_species_sex_body_mass_g, and"
    assert f"size: joins {place}" in said.err
    assert "no labels of species, sex, body_mass_g" in said.err

    before = Predictor.of_folder(folder).predict(table)
    model = Predictor.of_folder(tmp_path / "more")
    after = model.predict(table)
    assert after[list(before)].equals(before)
    assert set(after["size"]) <= {"heavy", "light"}
    old = load_file(weights)
    added = {name.split(".")[0] for name in model.state_dict().keys() - old.keys()}
    expected = {"head_size"} if joins else {"level2_size", "level3_size", "head_size"}
    assert added == expected
    plan = json.loads((tmp_path / "more" / "training.json").read_text())
    assert plan["components"][0]["tasks"]["size"] == "binary"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--task", "size"], "allowed: NAME:KIND, of binary, multiclass"),
        (["--task", "nothing:regression"], "no column is called nothing"),
        (["--task", "year:regression", "--joins", "weight"], "'weight' is unknown; known: species"),
        ([], "has no column of labels; known: species, sex, body_mass_g"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_line(
    words: list[str], message: str, data: TrainingData, table: pd.DataFrame, tmp_path: Path, capsys
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write(folder, data)
    table.drop(columns=[*TASKS]).to_csv(tmp_path / "new.csv", index=False)
    assert run(folder, tmp_path / "new.csv", "--to", tmp_path / "new", *words) == 3
    [line] = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "new").exists()
