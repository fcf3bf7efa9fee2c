"""Shapes and weights of Hugging Face's encoders, read by the transformers library, which is imported here only."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from mtlsearch.errors import SpaceError

ROBERTA = (
    "roberta",
    "xlm-roberta",
    "camembert",
)  # number their places from behind that of the padding
KNOWN = ("bert", "distilbert", "electra", *ROBERTA)
ACTIVATIONS = ("gelu", "gelu_new", "relu", "silu")
EMBEDDING = {
    "places.weight": "embeddings.position_embeddings.weight",
    "norm.weight": "embeddings.LayerNorm.weight",
    "norm.bias": "embeddings.LayerNorm.bias",
    "project.weight": "embeddings_project.weight",
    "project.bias": "embeddings_project.bias",
}
LAYER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "out": "attention.output.dense",
    "norm": "attention.output.LayerNorm",
    "body.0": "intermediate.dense",
    "body.2": "output.dense",
    "last_norm": "output.LayerNorm",
}
DISTILBERT = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "out": "attention.out_lin",
    "norm": "sa_layer_norm",
    "body.0": "ffn.lin1",
    "body.2": "ffn.lin2",
    "last_norm": "output_layer_norm",
}


@dataclass(frozen=True)
class Shape:
    """The sizes of an encoder like BERT's: features, those of the embedding, heads, inner features, layers, and places at most.

    `first` is the row of the first place, `spread` the standard deviation of weights at the start.
    """

    width: int = 16
    embedding: int = 16
    heads: int = 2
    inner: int = 32
    layers: int = 2
    places: int = 128
    first: int = 0
    activation: str = "gelu"
    epsilon: float = 1e-12
    spread: float = 0.02
    distilled: bool = False


TINY = Shape()


@cache
def shape_of(config: str) -> Shape:
    """The shape of an encoder, by its name or its folder; that of a tiny BERT for no name. Raises SpaceError."""
    if not config:
        return TINY
    found = _read(config, "AutoConfig")
    if found.model_type not in KNOWN:
        raise SpaceError(
            f"huggingface: {config} is a {found.model_type}; known: {', '.join(sorted(KNOWN))}"
        )
    distilled, first = (
        found.model_type == "distilbert",
        found.pad_token_id + 1 if found.model_type in ROBERTA else 0,
    )
    activation = found.activation if distilled else found.hidden_act
    positions = getattr(found, "position_embedding_type", "absolute")
    if (
        activation not in ACTIVATIONS
        or positions != "absolute"
        or getattr(found, "is_decoder", False)
    ):
        raise SpaceError(
            f"huggingface: {config} is no encoder with absolute places and one of {', '.join(ACTIVATIONS)}"
        )
    return Shape(
        width=found.hidden_size,
        embedding=getattr(found, "embedding_size", found.hidden_size),
        heads=found.num_attention_heads,
        inner=found.hidden_dim if distilled else found.intermediate_size,
        layers=found.num_hidden_layers,
        places=found.max_position_embeddings - first,
        first=first,
        activation=activation,
        epsilon=1e-12 if distilled else found.layer_norm_eps,
        spread=found.initializer_range,
        distilled=distilled,
    )


def embedding_weights(config: str, ids: list[int]) -> dict[str, Tensor]:
    """The pretrained weights of a `PlacedWords` for tokens of these ids; row 0 stands for none. Raises SpaceError.

    The embedding of the first kind of segment is a part of those of the places.
    """
    weights, shape = _weights(config), shape_of(config)
    words = weights["embeddings.word_embeddings.weight"]
    if max(ids, default=0) >= len(words):
        raise SpaceError(
            f"huggingface: the data has the token id {max(ids)}; {config} knows those below {len(words)}"
        )
    found = {own: weights[name].clone() for own, name in EMBEDDING.items() if name in weights}
    segment = weights.get(
        "embeddings.token_type_embeddings.weight", torch.zeros(1, shape.embedding)
    )[0]
    found["places.weight"] = found["places.weight"][shape.first :] + segment
    return {**found, "embedding.weight": torch.cat([torch.zeros(1, shape.embedding), words[ids]])}


def layer_weights(config: str, number: int) -> dict[str, Tensor]:
    """The pretrained weights of one `EncoderLayer`.

    It has no biases of keys, which change nothing, nor of values, which are a part of the output's.
    """
    weights, distilled = _weights(config), shape_of(config).distilled
    names, before = (DISTILBERT, "transformer.layer") if distilled else (LAYER, "encoder.layer")
    found = {
        f"{own}.{kind}": weights[f"{before}.{number}.{name}.{kind}"]
        for own, name in names.items()
        for kind in ("weight", "bias")
    }
    del found["key.bias"]
    found["out.bias"] = found["out.bias"] + found["out.weight"] @ found.pop("value.bias")
    found["key_value.weight"] = torch.cat([found.pop("key.weight"), found.pop("value.weight")])
    return found


@cache
def _weights(config: str) -> dict[str, Tensor]:
    """Copies: the library maps the file into memory, and who overwrites it later would take this process down."""
    found: dict[str, Tensor] = _read(config, "AutoModel").float().state_dict()
    return {name: value.clone() for name, value in found.items()}


def _read(config: str, kind: str) -> Any:
    library = _transformers()
    if Path(config).is_dir() and not Path(config).is_absolute():
        raise SpaceError(
            f'huggingface: config: "{config}" is a folder here; write its whole path, {Path(config).resolve()}'
        )
    try:
        with torch.device("cpu"):  # whatever is the default
            return getattr(library, kind).from_pretrained(config)
    except Exception as error:  # many kinds for a name that is unknown, a file that is broken or a machine that is not reached
        words = " ".join(str(error).split())[:200]
        raise SpaceError(f'huggingface: config: "{config}" cannot be read: {words}') from error


def _transformers() -> ModuleType:
    try:
        import transformers
    except ImportError as error:
        raise SpaceError(
            "huggingface: an encoder by its name needs more packages: pip install 'mtlsearch[huggingface]'"
        ) from error
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    found: ModuleType = transformers
    return found
