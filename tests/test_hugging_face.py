"""The encoder's modules do what those of the transformers library do, with the weights of its
files; without network.
"""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

from mtlsearch.backbones import HuggingFace, checkpoint
from mtlsearch.errors import SpaceError
from mtlsearch.inputs import TokenSchema

SIZES = {
    "hidden_size": 12,
    "num_attention_heads": 3,
    "num_hidden_layers": 4,
    "intermediate_size": 20,
}
TINY = {**SIZES, "vocab_size": 50, "max_position_embeddings": 16, "initializer_range": 0.3}
SHORT = {"dim": 12, "n_heads": 3, "n_layers": 4, "hidden_dim": 20}
MODELS = {
    "bert": ("BertConfig", TINY),
    "bert-relu": ("BertConfig", {**TINY, "hidden_act": "relu", "layer_norm_eps": 1e-3}),
    "bert-gelu_new": ("BertConfig", {**TINY, "hidden_act": "gelu_new"}),
    "roberta": ("RobertaConfig", TINY),
    "xlm-roberta": ("XLMRobertaConfig", TINY),
    "camembert": ("CamembertConfig", TINY),
    "distilbert": (
        "DistilBertConfig",
        {**SHORT, "vocab_size": 50, "max_position_embeddings": 16, "initializer_range": 0.3},
    ),
    "electra": ("ElectraConfig", {**TINY, "embedding_size": 12}),
    "electra-narrow": ("ElectraConfig", {**TINY, "embedding_size": 8}),
}
IDS = (3, 4, 7, 8, 9, 21, 30, 49)
SCHEMA = TokenSchema(6, len(IDS), IDS)


@pytest.fixture(autouse=True)
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    checkpoint.shape_of.cache_clear()
    checkpoint._weights.cache_clear()


def saved(folder: Path, name: str, **changes: Any) -> Any:
    """A model of random weights, and its files in the folder."""
    kind, settings = MODELS[name]
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(
        getattr(transformers, kind)(**{**settings, **changes})
    ).eval()
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn_like(p)  # biases too are told apart
    model.save_pretrained(folder)
    return model


class Trunk(nn.Module):
    """Stem and stages of a backbone, one after another."""

    def __init__(self, stem: nn.Module, stages: list[nn.Module]) -> None:
        super().__init__()
        self.stem, self.stages = stem, nn.ModuleList(stages)

    def forward(self, tokens: Tensor) -> Tensor:
        mask = tokens > 0
        h: Tensor = self.stem(tokens, mask)
        for stage in self.stages:
            h = stage(h, mask)
        return h


def trunk(backbone: HuggingFace, levels: int, schema: TokenSchema = SCHEMA) -> nn.Module:
    return Trunk(backbone.stem(schema), [*map(backbone.stage, range(levels))]).eval()


def rows() -> Tensor:
    """Numbers of tokens among IDS, from 1; texts of 6, 4 and 1 places."""
    return torch.tensor([[1, 2, 3, 4, 5, 8], [6, 7, 8, 1, 0, 0], [5, 0, 0, 0, 0, 0]])


@pytest.mark.parametrize("name", MODELS)
def test_pretrained_layers_put_out_what_the_library_s_do(name: str, tmp_path: Path) -> None:
    model, x = saved(tmp_path, name), rows()
    there = x > 0
    ids = torch.tensor([model.config.pad_token_id, *IDS])[x]
    with torch.no_grad():
        wanted = model(input_ids=ids, attention_mask=there.long()).last_hidden_state
        found = trunk(HuggingFace(str(tmp_path), True, layers_per_stage=2), 2)(x)
    torch.testing.assert_close(found[there], wanted[there], rtol=1e-4, atol=1e-5)
    assert not found[~there].any()
    assert wanted[there].std() > 0.1


def test_fewer_levels_are_the_first_layers(tmp_path: Path) -> None:
    model, x = saved(tmp_path, "bert"), rows()[:1]
    with torch.no_grad():
        wanted = model(
            input_ids=torch.tensor([0, *IDS])[x], output_hidden_states=True
        ).hidden_states
        for levels in (1, 3):
            found = trunk(HuggingFace(str(tmp_path), True), levels)(x)
            torch.testing.assert_close(found, wanted[levels], rtol=1e-4, atol=1e-5)


def test_from_the_config_alone_weights_are_drawn(tmp_path: Path) -> None:
    """As many layers as one likes, of the config's sizes, and the same for the same seed."""
    saved(tmp_path, "electra-narrow", hidden_size=30, intermediate_size=80, initializer_range=0.5)
    (tmp_path / "model.safetensors").unlink()
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(trunk(HuggingFace(str(tmp_path)), 6))
    states = [torch.cat([p.flatten() for p in network.parameters()]) for network in drawn]
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])
    stds = [each.weight.std() for each in drawn[0].modules() if isinstance(each, nn.Linear)]
    assert len(stds) == 1 + 6 * 5 and all(0.4 < std < 0.6 for std in stds)
    assert drawn[0](rows()).shape == (3, 6, 30)


def refused(
    folder: Path,
    levels: int = 2,
    schema: TokenSchema = SCHEMA,
    pretrained: bool = True,
    config: str = "",
) -> str:
    with pytest.raises(SpaceError) as caught:
        trunk(HuggingFace(config or str(folder), pretrained), levels, schema)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_does_not_fit_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "a", "roberta")
    a = tmp_path / "a"
    assert (
        refused(a, levels=5)
        == f"huggingface: {a} has 4 layers, too few for 5 levels of this backbone"
    )
    assert (
        refused(a, schema=TokenSchema(15, 8, IDS))
        == "huggingface: the data has texts of 15 places, the encoder at most 14; "
        "cut them, for a column of text by max_length: 14"
    )
    assert (
        refused(a, schema=TokenSchema(6, 2, (3, 50)))
        == f"huggingface: the data has the token id 50; {a} knows those below 50"
    )
    monkeypatch.chdir(tmp_path)
    assert (
        refused(a, config="a")
        == f'huggingface: config: "a" is a folder here; write its whole path, {a}'
    )
    transformers.GPT2Config(n_embd=8, n_head=2, n_layer=1).save_pretrained(tmp_path / "b")
    known = "bert, camembert, distilbert, electra, roberta, xlm-roberta"
    assert refused(tmp_path / "b") == f"huggingface: {tmp_path / 'b'} is a gpt2; known: {known}"
    saved(tmp_path / "c", "bert", hidden_act="tanh")
    assert refused(tmp_path / "c").endswith(
        "is no encoder with absolute places and one of gelu, gelu_new, relu, silu"
    )
    assert refused(tmp_path / "d").startswith(
        f'huggingface: config: "{tmp_path / "d"}" cannot be read: '
    )
    saved(tmp_path / "e", "bert")
    (tmp_path / "e" / "model.safetensors").write_bytes(b"nothing")
    assert refused(tmp_path / "e").startswith(
        f'huggingface: config: "{tmp_path / "e"}" cannot be read: '
    )
    with pytest.raises(SpaceError, match="pretrained: needs a config"):
        HuggingFace(pretrained=True).stage(0)


def test_without_the_library_only_the_tiny_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert "pip install 'mtlsearch[huggingface]'" in refused(tmp_path)
    assert trunk(HuggingFace(), 2)(rows()).shape == (3, 6, 16)
