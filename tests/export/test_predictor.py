"""A trained model as an object: tables of any form in, the same form out, one set of weights."""

import copy
import pickle
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate
from mtlsearch.data import load
from mtlsearch.export.folder import write_predictor
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.runtime import predict as script
from mtlsearch.runtime.predictor import Predictor, TableWarning
from mtlsearch.runtime.tables import TableError, to_columns
from mtlsearch.sharing import CrossStitch, L2Sharing, NoSharing, Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.training_data import TrainingData
from tests.support.replicates import searched

ROWS = 40
BRANCHING = SharingTree.decode([0, 0], [2, 1], 3)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return TrainingData(load("penguins"), 0, torch.device("cpu"))


def random_models(
    data: TrainingData, sharing: Sharing, count: int, tree: SharingTree = BRANCHING
) -> list[TrainedModel]:
    composition = Candidate(tree, Mlp(width=8), sharing).composition()
    models = []
    for index in range(count):
        replicate = searched(index)
        signature = data.signature(replicate)
        networks = [Network(part, signature, index) for part in composition]
        network = CompositionNetwork(composition, networks).eval()
        models.append(TrainedModel(network, data, replicate))
    return models


@pytest.fixture(scope="module", params=[1, 2], ids=["one network", "two networks"])
def folder(request, data: TrainingData, tmp_path_factory) -> Path:
    """A model, or an ensemble, whose branches are mixed: so it has tensors that are no weights."""
    models = random_models(data, CrossStitch(), request.param)
    place = tmp_path_factory.mktemp("model")
    write_predictor(place, models)
    return place


@pytest.fixture
def model(folder: Path) -> Predictor:
    return Predictor.of_folder(folder)


@pytest.fixture
def table(data: TrainingData) -> pd.DataFrame:
    [source] = data.dataset.sources.values()
    return source.inputs.iloc[:ROWS].set_axis(range(100, 100 + ROWS))


class OtherFrame:
    """Has what DataFrames of other libraries have in common."""

    def __init__(self, columns) -> None:
        self.columns = list(columns)
        self._cells = {name: np.asarray(columns[name]) for name in columns}

    def __getitem__(self, name):
        return pd.Series(self._cells[name])

    def to_numpy(self):
        return np.column_stack(list(self._cells.values()))


def test_a_frame_comes_back_as_what_the_command_line_writes(
    model: Predictor, folder: Path, table: pd.DataFrame, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(script, "load", lambda: Predictor.of_folder(folder))
    table.to_csv(tmp_path / "rows.csv", index=False)
    assert script.main([str(tmp_path / "rows.csv"), "--to", str(tmp_path / "out.csv")]) == 0
    written = pd.read_csv(tmp_path / "out.csv")
    predicted = model.predict(table)
    assert list(predicted.index) == list(table.index)
    pd.testing.assert_frame_equal(predicted.reset_index(drop=True), written, rtol=1e-12)


def test_every_form_of_table_is_predicted_alike(model: Predictor, table: pd.DataFrame) -> None:
    expected = model.predict(table).to_dict("list")
    other = model.predict(OtherFrame(table))
    assert isinstance(other, OtherFrame)
    assert {name: list(other[name]) for name in other.columns} == expected
    assert model.predict(table.to_dict("list")) == expected
    rows = model.predict(table.to_dict("records"))
    assert [row["body_mass_g"] for row in rows] == expected["body_mass_g"]
    assert model.predict([]) == []


def test_probabilities_are_those_of_the_columns(model: Predictor, table: pd.DataFrame) -> None:
    predicted = model.predict(table)
    probabilities = model.predict_proba(to_columns(table))
    assert list(probabilities) == ["species", "sex"]
    for code, label in enumerate(model.tasks["species"]["classes"]):
        assert list(probabilities["species"][:, code]) == list(predicted[f"species={label}"])
    assert list(probabilities["sex"][:, 1]) == list(predicted["sex_probability"])
    assert probabilities["sex"].sum(1) == pytest.approx(1)
    moved = table.set_axis(range(7, 7 + len(table)))
    frame = model.predict_proba(moved)
    assert frame.index.equals(moved.index)
    for task, values in probabilities.items():
        assert list(frame[task].columns) == list(model.tasks[task]["classes"])
        assert (frame[task].to_numpy() == values).all()


def test_its_state_is_that_of_the_file_and_its_network(model: Predictor, folder: Path) -> None:
    written = load_file(folder / "weights.safetensors")
    state = model.state_dict()
    assert state.keys() == written.keys() == model.network.state_dict().keys()
    assert all(torch.equal(state[name], written[name]) for name in written)
    with torch.no_grad():
        next(model.parameters()).add_(1)
    moved = copy.deepcopy(model).to("meta")
    assert all(tensor.is_meta for tensor in moved.network.state_dict().values())
    assert all(buffer.is_meta for buffer in moved.network.buffers())
    assert not model.training and not model.network.training


def test_it_can_be_kept_by_pickle(model: Predictor, table: pd.DataFrame) -> None:
    expected = model.predict(table)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    changed = model.predict(table)
    assert not changed.equals(expected)
    kept = pickle.loads(pickle.dumps(model))
    assert kept.predict(table).equals(changed)


def test_what_is_odd_is_said_in_a_warning_each(model: Predictor, table: pd.DataFrame) -> None:
    odd = table.assign(island="Atlantis")
    with pytest.warns(TableWarning, match="a value that training did not see") as said:
        model.predict(odd)
    assert [str(warning.message) for warning in said] == model.notices
    assert {warning.filename for warning in said} == {__file__}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(table)


SLICES = {
    "branches that are mixed": (CrossStitch(), ("sex",)),
    "branches that are tied": (L2Sharing(), ("sex",)),
    "branches alone": (NoSharing(), ("sex", "body_mass_g")),
}


@pytest.mark.parametrize("case", SLICES)
@pytest.mark.parametrize("count", [1, 2])
def test_some_tasks_are_exported_with_what_they_need(
    case: str, count: int, data: TrainingData, table: pd.DataFrame, tmp_path: Path
) -> None:
    sharing, names = SLICES[case]
    models = random_models(data, sharing, count)
    for name, only in (("whole", ()), ("slice", names)):
        (tmp_path / name).mkdir()
        write_predictor(tmp_path / name, [replace(model, only=only) for model in models])
    whole = Predictor.of_folder(tmp_path / "whole")
    some = Predictor.of_folder(tmp_path / "slice")
    predicted = some.predict(table)
    assert list(some.tasks) == list(names)
    assert predicted.equals(whole.predict(table)[list(predicted)])
    weights = some.state_dict()
    assert weights.keys() < whole.state_dict().keys()
    heads = {name.split(".")[0] for name in weights if name.startswith("head_")}
    assert heads == {f"head_{name}" for name in names}
    is_mixed = sharing.mixes_activations
    assert any(name.startswith("level3_species.") for name in weights) == is_mixed
    said = (tmp_path / "slice" / "training.json").read_text("utf-8")
    assert ("tied to some that are not in this folder" in said) == sharing.ties_weights


def test_a_component_and_a_source_that_no_task_needs_are_left_out(tmp_path: Path) -> None:
    data = TrainingData(load("iris+breast_cancer"), 0, torch.device("cpu"))
    [model] = random_models(data, NoSharing(), 1, SharingTree.separate(2, 2))
    write_predictor(tmp_path, [replace(model, only=("malignant",))])
    some = Predictor.of_folder(tmp_path)
    assert list(some.sources) == ["breast_cancer"]
    assert not any("iris" in name or "species" in name for name in some.state_dict())
    assert "species" not in (tmp_path / "model.py").read_text("utf-8")


def test_columns_of_one_name_are_refused(model: Predictor, table: pd.DataFrame) -> None:
    twice = pd.concat([table, table[["island"]]], axis=1)
    with pytest.raises(TableError, match="several columns are called island"):
        model.predict(twice)


def test_numbers_far_outside_the_range_of_training_are_said_once_a_column(
    model: Predictor, table: pd.DataFrame
) -> None:
    """The range is that of all networks, though each was trained on other rows."""
    column = "bill_length_mm"
    lows, highs = [], []
    for preparation in model.preparations:
        [encoding] = [entry for entry in preparation.sources["penguins"] if entry.name == column]
        lows.append(encoding.low)
        highs.append(encoding.high)
    low, high = min(lows), max(highs)
    width = high - low
    numbers = table[column].to_numpy().copy()
    numbers[[3, 5, 7, 9]] = [1e9, low - 1.01 * width, high + 0.99 * width, np.inf]
    odd = table.assign(**{column: numbers})
    with pytest.warns(TableWarning) as said:
        model.predict(odd)
    infinite, far = [str(warning.message) for warning in said]
    assert infinite.startswith(f"column '{column}': 1 of 40 cells are infinite")
    assert far.startswith(f"column '{column}': 2 of 40 cells are far outside {low:g} to ")
    assert "(the first is 1e+09 in row 4)" in far
