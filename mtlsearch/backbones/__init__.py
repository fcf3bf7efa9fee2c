"""The table of backbones. To add one: one file, one line here."""

from mtlsearch.backbones.contract import Backbone
from mtlsearch.backbones.conv import Conv
from mtlsearch.backbones.mlp import Mlp
from mtlsearch.backbones.residual import Residual

BACKBONES: dict[str, type[Backbone]] = {
    "mlp": Mlp,
    "residual": Residual,
    "conv": Conv,
}

__all__ = ["BACKBONES", "Backbone", "Conv", "Mlp", "Residual"]
