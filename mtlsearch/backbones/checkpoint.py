"""Shapes and weights of Hugging Face's encoders.

They are read by the transformers library, which is imported in this file only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from mtlsearch.errors import SpaceError

ROBERTA = ("roberta", "xlm-roberta", "camembert")
"""The types of models that number their places from behind that of the padding."""

KNOWN = ("bert", "distilbert", "electra", *ROBERTA)
"""The types of models that are known."""

ACTIVATIONS = ("gelu", "gelu_new", "relu", "silu")

EMBEDDING = {
    "places.weight": "embeddings.position_embeddings.weight",
    "norm.weight": "embeddings.LayerNorm.weight",
    "norm.bias": "embeddings.LayerNorm.bias",
    "project.weight": "embeddings_project.weight",
    "project.bias": "embeddings_project.bias",
}
"""The names of the weights of a `PlacedWords` in a model."""

LAYER = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.out": "attention.output.dense",
    "norm": "attention.output.LayerNorm",
    "body.0": "intermediate.dense",
    "body.2": "output.dense",
    "last_norm": "output.LayerNorm",
}
"""The names of the parts of an `EncoderLayer` in a model."""

DISTILBERT = {
    "attention.query": "attention.q_lin",
    "attention.key": "attention.k_lin",
    "attention.value": "attention.v_lin",
    "attention.out": "attention.out_lin",
    "norm": "sa_layer_norm",
    "body.0": "ffn.lin1",
    "body.2": "ffn.lin2",
    "last_norm": "output_layer_norm",
}
"""The same in a DistilBERT."""


@dataclass(frozen=True)
class Shape:
    """The sizes of an encoder like BERT's.

    Attributes:
        width: The number of features.
        embedding: The number of features of the embedding.
        heads: The number of heads.
        inner: The number of features between the two linear layers of a layer.
        layers: The number of layers.
        places: The number of places, at most.
        first: The row of the first place.
        activation: The name of the activation.
        epsilon: The number that layer norms add to a variance.
        spread: The standard deviation of weights at the start.
        distilled: Whether it is a DistilBERT, whose parts have names of their own.
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
    """Return the shape of an encoder, by its name or its folder; a tiny one for no name.

    Raises SpaceError.
    """
    if not config:
        return TINY
    settings = _read(config, "AutoConfig")
    _check_model_type(config, settings)
    distilled = settings.model_type == "distilbert"
    activation = settings.activation if distilled else settings.hidden_act
    _check_settings(config, settings, activation)
    first = settings.pad_token_id + 1 if settings.model_type in ROBERTA else 0
    return Shape(
        width=settings.hidden_size,
        embedding=getattr(settings, "embedding_size", settings.hidden_size),
        heads=settings.num_attention_heads,
        inner=settings.hidden_dim if distilled else settings.intermediate_size,
        layers=settings.num_hidden_layers,
        places=settings.max_position_embeddings - first,
        first=first,
        activation=activation,
        epsilon=1e-12 if distilled else settings.layer_norm_eps,
        spread=settings.initializer_range,
        distilled=distilled,
    )


def _check_model_type(config: str, settings: Any) -> None:
    """Raise SpaceError for a kind of model whose settings and weights are not known here."""
    if settings.model_type not in KNOWN:
        raise SpaceError(
            f"huggingface: {config} is a {settings.model_type}; known: {', '.join(sorted(KNOWN))}"
        )


def _check_settings(
    config: str,
    settings: Any,
    activation: str,
) -> None:
    """Raise SpaceError for a model that the modules of the backbone cannot be."""
    positions = getattr(settings, "position_embedding_type", "absolute")
    is_decoder = getattr(settings, "is_decoder", False)
    if activation not in ACTIVATIONS or positions != "absolute" or is_decoder:
        raise SpaceError(
            f"huggingface: {config} is no encoder with absolute places and one of"
            f" {', '.join(ACTIVATIONS)}"
        )


def embedding_weights(config: str, ids: list[int]) -> dict[str, Tensor]:
    """Return the pretrained weights of a `PlacedWords` for tokens of these ids.

    Row 0 stands for no token. The embedding of the first kind of segment is a part of those of the
    places. Raises SpaceError for an id that the model does not know.
    """
    pretrained = _weights(config)
    shape = shape_of(config)
    words = pretrained["embeddings.word_embeddings.weight"]
    if max(ids, default=0) >= len(words):
        raise SpaceError(
            f"huggingface: the data has the token id {max(ids)};"
            f" {config} knows those below {len(words)}"
        )
    weights = {}
    for name, source in EMBEDDING.items():
        if source in pretrained:
            weights[name] = pretrained[source].clone()
    no_token = torch.zeros(1, shape.embedding)
    segments = pretrained.get("embeddings.token_type_embeddings.weight", no_token)
    weights["places.weight"] = weights["places.weight"][shape.first :] + segments[0]
    weights["embedding.weight"] = torch.cat([no_token, words[ids]])
    return weights


def layer_weights(config: str, number: int) -> dict[str, Tensor]:
    """Return the pretrained weights of one `EncoderLayer`.

    It has no biases of keys, which change nothing, nor of values, which are a part of the output's.
    """
    pretrained = _weights(config)
    if shape_of(config).distilled:
        names: Mapping[str, str] = DISTILBERT
        prefix = f"transformer.layer.{number}"
    else:
        names = LAYER
        prefix = f"encoder.layer.{number}"
    weights = {}
    for name, source in names.items():
        for kind in ("weight", "bias"):
            weights[f"{name}.{kind}"] = pretrained[f"{prefix}.{source}.{kind}"]

    del weights["attention.key.bias"]
    value_bias = weights.pop("attention.value.bias")
    constant_output = weights["attention.out.weight"] @ value_bias
    weights["attention.out.bias"] = weights["attention.out.bias"] + constant_output
    key = weights.pop("attention.key.weight")
    value = weights.pop("attention.value.weight")
    weights["attention.key_value.weight"] = torch.cat([key, value])
    return weights


@cache
def _weights(config: str) -> dict[str, Tensor]:
    """Return copies of a model's weights.

    The library maps the file into memory: if it were overwritten, this process would crash.
    """
    model = _read(config, "AutoModel")
    weights: dict[str, Tensor] = model.float().state_dict()
    return {name: tensor.clone() for name, tensor in weights.items()}


def _read(config: str, kind: str) -> Any:
    """Return what a class of the library reads of a model. Raises SpaceError."""
    library = _transformers()
    folder = Path(config)
    if folder.is_dir() and not folder.is_absolute():
        raise SpaceError(
            f'huggingface: config: "{config}" is a folder here;'
            f" write its whole path, {folder.resolve()}"
        )
    try:
        with torch.device("cpu"):  # whatever is the default
            return getattr(library, kind).from_pretrained(config)
    except Exception as error:
        # The library raises errors of many kinds for a name that is unknown, a file that is broken
        # and a machine that is not reached.
        words = " ".join(str(error).split())[:200]
        raise SpaceError(f'huggingface: config: "{config}" cannot be read: {words}') from error


def _transformers() -> ModuleType:
    try:
        import transformers
    except ImportError as error:
        raise SpaceError(
            "huggingface: an encoder by its name needs more packages:"
            " pip install 'mtlsearch[huggingface]'"
        ) from error
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    library: ModuleType = transformers
    return library
