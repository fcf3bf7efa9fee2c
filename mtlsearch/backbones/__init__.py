"""The table of backbones. To add one: one file, one line here."""

from mtlsearch.backbones.contract import Backbone
from mtlsearch.backbones.conv import Conv
from mtlsearch.backbones.embedding_bag import EmbeddingBag
from mtlsearch.backbones.hugging_face import HuggingFace
from mtlsearch.backbones.mlp import Mlp
from mtlsearch.backbones.recurrent import Recurrent
from mtlsearch.backbones.residual import Residual
from mtlsearch.backbones.resnet import ResNet18
from mtlsearch.backbones.tabm import TabM
from mtlsearch.backbones.transformer import Transformer

BACKBONES: dict[str, type[Backbone]] = {
    "mlp": Mlp,
    "residual": Residual,
    "tabm": TabM,
    "conv": Conv,
    "resnet18": ResNet18,
    "embedding_bag": EmbeddingBag,
    "recurrent": Recurrent,
    "transformer": Transformer,
    "huggingface": HuggingFace,
}

__all__ = [
    "BACKBONES",
    "Backbone",
    "Conv",
    "EmbeddingBag",
    "HuggingFace",
    "Mlp",
    "Recurrent",
    "ResNet18",
    "Residual",
    "TabM",
    "Transformer",
]
