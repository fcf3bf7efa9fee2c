"""Exported models of images, sequences and tokens read the files that the search reads."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from mtlsearch.backbones import BACKBONES
from mtlsearch.candidate import Candidate
from mtlsearch.data.planted_arrays import PLANTED, planted_arrays
from mtlsearch.errors import DataError
from mtlsearch.export.folder import export_model
from mtlsearch.export.predicting import predict_folder
from mtlsearch.export.readme import ModelCard
from mtlsearch.export.rows import write_rows
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.inputs import INPUT_KINDS
from mtlsearch.sharing import NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.prediction import predict
from mtlsearch.training.training_data import TrainingData
from mtlsearch.weightings import Fixed
from tests.support.replicates import searched

Exported = tuple[Path, TrainingData, CompositionNetwork]


@pytest.fixture(scope="module", params=PLANTED)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    kind: str = request.param
    data = TrainingData(planted_arrays(kind), 0, torch.device("cpu"))
    backbone = next(each for each in BACKBONES.values() if INPUT_KINDS[kind].schema in each.takes)()
    composition = Candidate(
        SharingTree.decode([0, 0], [2, 1], 3), backbone, NoSharing(), Fixed()
    ).composition()
    model = CompositionNetwork(
        composition, [Network(part, data.signature(searched(0)), 7) for part in composition]
    ).eval()
    folder = tmp_path_factory.mktemp(kind) / "model"
    assert export_model([TrainedModel(model, data, searched(0))], folder, ModelCard()) <= 1e-6
    return folder, data, model


def test_a_file_of_the_source_is_predicted(exported: Exported, tmp_path: Path) -> None:
    folder, data, model = exported
    [source] = data.dataset.sources.values()
    file = write_rows(source.inputs.assign(more=1.0), tmp_path)
    predict_folder(folder, file, tmp_path / "out.csv")
    amount = data.dataset.tasks[0]
    wanted = predict(model, data, searched(0), amount, torch.arange(len(source.inputs)))
    np.testing.assert_allclose(
        pd.read_csv(tmp_path / "out.csv")["amount"], wanted, rtol=1e-5, atol=1e-6
    )


def test_the_inputs_are_those_of_the_search_to_the_bit(exported: Exported) -> None:
    folder, data, _ = exported
    [(name, source)] = data.dataset.sources.items()
    model = runpy.run_path(str(folder / "predict.py"))["load"]()
    table = {column: np.stack(list(source.inputs[column])) for column in source.inputs}
    [encoded] = model.read(name, table)
    expected = data.fold(searched(0)).inputs[name]
    assert encoded.names == expected.names
    for array, tensor in zip(encoded.arrays, expected.tensors, strict=True):
        assert torch.equal(torch.from_numpy(array), tensor)
    assert not any("are no" in notice for notice in model.notices)


def test_rows_are_predicted_from_python(exported: Exported) -> None:
    folder, data, _ = exported
    runtime = runpy.run_path(str(folder / "predict.py"))
    [source] = data.dataset.sources.values()
    rows = source.inputs.iloc[:3].to_dict("records")
    whole = runtime["load"]().predict_columns(
        {name: np.stack(list(source.inputs[name])) for name in source.inputs}
    )
    assert [row["amount"] for row in runtime["predict"](rows)] == pytest.approx(
        whole["amount"][:3], rel=1e-5
    )
    none = {name: np.stack(list(source.inputs[name]))[:0] for name in source.inputs}
    assert set(map(len, runtime["load"]().predict(none).values())) == {0}


def test_the_readme_describes_the_input(exported: Exported) -> None:
    folder, data, _ = exported
    wanted = {
        "images": "an array of shape N x 2 x 9 x 8",
        "sequences": "lengths in lengths",
        "table": "text; 12 words are known",
        "texts": "text; 19 words are known",
        "tokens": "text_0 to text_11",
    }
    readme = (folder / "README.md").read_text("utf-8")
    [kind] = data.dataset.sources
    assert wanted[kind] in readme.replace("\\", "")


def test_what_cannot_be_predicted_is_said_in_a_line(exported: Exported, tmp_path: Path) -> None:
    folder, data, _ = exported
    [source] = data.dataset.sources.values()
    first, file = str(source.inputs.columns[0]), tmp_path / "a.npz"
    arrays = {
        str(name): np.stack(list(column)) for name, column in source.inputs.assign(more=1.0).items()
    }
    np.savez(file, **{name: array for name, array in arrays.items() if name != first})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=rf"a\.npz: missing columns: {first}$"):
        predict_folder(folder, file)
    np.savez(file, **{**arrays, first: arrays[first][:-1]})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"a\.npz: needs arrays of the same number of rows"):
        predict_folder(folder, file)
    np.savez(file, **{**arrays, "alone": np.array(3.0)})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"a\.npz: needs arrays of the same number of rows"):
        predict_folder(folder, file)
    file.write_bytes(b"PK nothing")
    with pytest.raises(DataError, match=r"a\.npz: cannot be read"):
        predict_folder(folder, file)
    if source.kind.name in ("images", "sequences"):
        np.savez(file, **{**arrays, first: arrays[first][..., :1]})  # type: ignore[arg-type]
        with pytest.raises(
            DataError, match=rf"a\.npz: array '{first}' has shape .* needed is \(N, "
        ):
            predict_folder(folder, file)
    if source.lengths is not None:
        np.savez(file, **{**arrays, source.lengths: arrays[source.lengths] * 0})  # type: ignore[arg-type]
        with pytest.raises(DataError, match=r"'lengths' must hold whole numbers from 1 to 12"):
            predict_folder(folder, file)
