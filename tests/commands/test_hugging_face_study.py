"""A pretrained encoder from its folder, searched, exported and predicted with, without network."""

import re
import runpy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tokenizers
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


CARD = """\
sources: {reviews: {path: reviews.csv, input: pieces, columns: {review: {tokenizer: model}}}}
tasks: {pleased: {}, topic: {}}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the example's data as sentences, an encoder with its tokenizer in `model`, and
    a space that begins with it.
    """
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    arrays = runpy.run_path(str(ROOT / "examples" / "make_data.py"))["reviews"](120)
    sentences = [" ".join(f"w{number}" for number in ids if number) for ids in arrays.pop("text")]
    table = pd.DataFrame({"review": sentences})
    table.assign(**arrays).to_csv(tmp_path / "reviews.csv", index=False)
    (tmp_path / "reviews.yaml").write_text(CARD, "utf-8")
    torch.manual_seed(0)
    config = transformers.BertConfig(**SIZES, vocab_size=210, max_position_embeddings=26)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path / "model")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(f"w{number}" for number in range(1, 201))]
    word_piece = tokenizers.models.WordPiece(
        {word: number for number, word in enumerate(words)}, unk_token="[UNK]"
    )
    tokenizer = tokenizers.Tokenizer(word_piece)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(["[PAD]", "[CLS]", "[SEP]"])
    tokenizer.save(str(tmp_path / "model" / "tokenizer.json"))
    encoder = f"{{name: huggingface, config: {tmp_path / 'model'}, pretrained: true}}"
    (tmp_path / "space.yaml").write_text(f"tree: {{levels: 2}}\nbackbone: {encoder}\n", "utf-8")
    return tmp_path


def test_a_pretrained_encoder_ends_in_an_export_that_needs_no_transformers(place: Path) -> None:
    arms = ("--arms", "searched,share_all", "--study", "study")
    done = run_warm("search", "reviews.yaml", "--space", "space.yaml", *SMALL, *arms, cwd=place)
    assert done.code == 0, done.err
    assert_whole(place / "study", "searched", 2)
    exported = run_warm(
        "export",
        "study",
        "--candidate",
        "share_all",
        "--seeds",
        "1",
        "--to",
        "exported",
        cwd=place,
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
    assert "tokenizers>=" in (place / "exported" / "requirements.txt").read_text("utf-8")
    new = pd.DataFrame({"review": ["w1 w2", "", "never heard", "w7 " * 50]})
    new.to_csv(place / "new.csv", index=False)
    (place / "model" / "tokenizer.json").unlink()
    odd = run_warm("predict", "exported", "new.csv", "--to", "odd.csv", cwd=place)
    assert odd.code == 0
    assert "1 empty rows are left out (the first is row 2)" in odd.err
    assert "1 of 3 cells hold nothing that the tokenizer knows (the first is 'never" in odd.err
    assert "1 cells have more than" in odd.err
    assert len(pd.read_csv(place / "odd.csv")) == 3


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
