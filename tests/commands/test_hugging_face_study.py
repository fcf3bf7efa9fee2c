"""A pretrained encoder from its folder, searched, exported and predicted with, without network."""

import re
import runpy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import transformers
from safetensors.torch import load_file

from tests.support.running_program import ROOT, assert_whole, one_error_line, run_warm

SIZES: dict[str, Any] = {
    "hidden_size": 12,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "intermediate_size": 20,
}
SMALL = (
    "--epochs",
    "2",
    "--trainings",
    "2",
    "--replicates",
    "1",
    "--seeds",
    "2",
    "--runner",
    "local",
    "--no-references",
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the example's data, an encoder in `model` and a space that begins with it."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    arrays = runpy.run_path(str(ROOT / "examples" / "make_data.py"))["reviews"](120)
    table = pd.DataFrame({f"text_{place}": ids for place, ids in enumerate(arrays.pop("text").T)})
    table.assign(**arrays).to_csv(tmp_path / "reviews.csv", index=False)
    card = (
        "sources: {reviews: {path: reviews.csv, input: tokens}}\ntasks: {pleased: {}, topic: {}}\n"
    )
    (tmp_path / "reviews.yaml").write_text(card, "utf-8")
    torch.manual_seed(0)
    config = transformers.BertConfig(**SIZES, vocab_size=201, max_position_embeddings=24)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path / "model")
    encoder = f"{{name: huggingface, config: {tmp_path / 'model'}, pretrained: true}}"
    (tmp_path / "space.yaml").write_text(f"tree: {{levels: 2}}\nbackbone: {encoder}\n", "utf-8")
    return tmp_path


def test_a_pretrained_encoder_ends_in_an_export_that_needs_no_transformers(place: Path) -> None:
    arms = ("--arms", "searched,share_all", "--study", "study")
    done = run_warm("search", "reviews.yaml", "--space", "space.yaml", *SMALL, *arms, cwd=place)
    assert done.code == 0, done.err
    assert_whole(place / "study", "searched", 2)
    exported = run_warm(
        "export", "study", "--candidate", "share_all", "--to", "exported", cwd=place
    )
    assert exported.code == 0, exported.err
    assert float(re.findall(r"deviation on test rows (\S+)", exported.out)[0]) <= 1e-6
    code = (place / "exported" / "model.py").read_text("utf-8")
    assert "class EncoderLayer(nn.Module):" in code and "transformers" not in code
    wanted = load_file(place / "model" / "model.safetensors")[
        "encoder.layer.1.intermediate.dense.weight"
    ]
    weights = load_file(place / "exported" / "weights.safetensors")
    [found] = [
        value
        for name, value in weights.items()
        if name.startswith("level2") and name.endswith("body.0.weight")
    ]
    assert 0 < (found - wanted).abs().max() < 0.1, (
        "training did not begin with the weights of the file"
    )
    predicted = run_warm("predict", "exported", "reviews.csv", "--to", "out.csv", cwd=place)
    assert (predicted.code, predicted.err) == (0, "")
    assert len(pd.read_csv(place / "out.csv")) == 120


def test_what_cannot_be_read_begins_no_study(place: Path) -> None:
    space = (place / "space.yaml").read_text("utf-8")
    (place / "space.yaml").write_text(space.replace("levels: 2", "levels: 3"), "utf-8")
    deep = run_warm("search", "reviews.yaml", "--space", "space.yaml", cwd=place)
    words = f"huggingface: {place / 'model'} has 2 layers, too few for 3 levels of this backbone"
    assert (deep.code, one_error_line(deep)) == (3, f"error: space.yaml: backbone.name: {words}")
    (place / "model" / "config.json").unlink()
    gone = run_warm("search", "reviews.yaml", "--space", "space.yaml", cwd=place)
    assert gone.code == 3
    words = f'huggingface: config: "{place / "model"}" cannot be read: '
    assert one_error_line(gone).startswith(f"error: space.yaml: backbone.name: {words}")
    assert not (place / "studies").exists()
