"""Exported models of tables with pictures read the files that the search reads."""

import json
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate
from mtlsearch.data import load
from mtlsearch.export.folder import export_model
from mtlsearch.export.predicting import predict_folder
from mtlsearch.export.readme import ModelCard
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.sharing import NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.prediction import predict
from mtlsearch.training.training_data import TrainingData
from mtlsearch.weightings import Fixed
from tests.support.photos import ROWS, write_photos
from tests.support.replicates import searched


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with photos, and in `model` an untrained model of it. For reading only."""
    folder = tmp_path_factory.mktemp("photos")
    data = TrainingData(load(str(write_photos(folder))), 0, torch.device("cpu"))
    candidate = Candidate(SharingTree.shared(2, 1), Mlp(width=8), NoSharing(), Fixed())
    networks = [Network(part, data.signature(searched(0)), 7) for part in candidate.composition()]
    model = CompositionNetwork(candidate.composition(), networks).eval()
    exported = TrainedModel(model, data, searched(0))
    formats = ("code", "torch-export")
    assert export_model([exported], folder / "model", ModelCard(), formats, _run) == 0
    amount = data.dataset.tasks[0]
    expected = predict(model, data, searched(0), amount, torch.arange(ROWS))
    np.save(folder / "expected.npy", expected)
    return folder


def _run(folder: Path, arguments: Sequence[str]) -> None:
    """Run predict.py without starting an interpreter, which takes seconds."""
    script = runpy.run_path(str(folder / "predict.py"))
    assert script["main"](arguments) == 0


def _amounts(place: Path, table: Path, tmp_path: Path) -> np.ndarray:
    _run(place / "model", [str(table), "--to", str(tmp_path / "out.csv")])
    return pd.read_csv(tmp_path / "out.csv")["amount"].to_numpy()


def _check(place: Path, amounts: np.ndarray) -> None:
    np.testing.assert_allclose(amounts, np.load(place / "expected.npy"), rtol=1e-5)


def test_paths_begin_at_the_table_wherever_the_command_runs(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _check(place, _amounts(place, place / "visits.csv", tmp_path))
    monkeypatch.chdir(place)
    _check(place, _amounts(place, Path("visits.csv"), tmp_path))


def test_a_table_that_is_written_anew_keeps_its_folder(place: Path, tmp_path: Path) -> None:
    """One photo is a path, the other the bytes of a file."""
    table = pd.read_csv(place / "visits.csv")
    files = [(place / path).read_bytes() for path in table["photo"]]
    table["photo"] = [{"bytes": file, "path": None} for file in files]
    table.to_parquet(place / "visits.parquet")
    predict_folder(place / "model", place / "visits.parquet", tmp_path / "out.csv")
    _check(place, pd.read_csv(tmp_path / "out.csv")["amount"].to_numpy())


def test_a_photo_that_cannot_be_read_is_said_and_counts_as_missing(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.read_csv(place / "visits.csv")
    table["photo"] = "gone.png"
    table.to_csv(place / "gone.csv", index=False)
    gone = _amounts(place, place / "gone.csv", tmp_path)
    said = capsys.readouterr().err
    assert f"gone.csv: column 'photo': {ROWS} of {ROWS} cells are no pictures" in said
    assert "(the first is 'gone.png' in row 1: no such file); treated as missing" in said
    table["photo"] = ""
    table.to_csv(place / "blank.csv", index=False)
    np.testing.assert_array_equal(gone, _amounts(place, place / "blank.csv", tmp_path))
    assert capsys.readouterr().err == ""


def test_rows_from_python_and_a_folder_of_their_own(place: Path) -> None:
    script = runpy.run_path(str(place / "model" / "predict.py"))
    rows = pd.read_csv(place / "visits.csv").to_dict("records")
    _check(place, np.array([row["amount"] for row in script["predict"](rows, folder=place)]))
    [source] = load(str(place / "card.yaml")).sources.values()
    rows = source.inputs.to_dict("records")
    _check(place, np.array([row["amount"] for row in script["predict"](rows)]))


def test_without_pillow_it_is_said_in_one_line(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    script = runpy.run_path(str(place / "model" / "predict.py"))
    assert script["main"]([str(place / "visits.csv")]) == 3
    assert capsys.readouterr().err.endswith(
        "visits.csv: pictures need Pillow: pip install pillow\n"
    )


def test_the_folder_says_what_it_needs(place: Path) -> None:
    model = place / "model"
    assert "pillow>=" in (model / "requirements.txt").read_text()
    readme = (model / "README.md").read_text()
    assert "torch, numpy, safetensors and pillow is enough" in readme
    assert "paths of pictures, which are scaled to 8 x 8 pixels" in readme
    records = json.loads((model / "preprocess.json").read_text())["sources"]["visits"]
    assert [record["type"] for record in records[:2]] == ["image", "image"]
