"""The table of initializations. To add one: one file, one line here."""

from mtlsearch.initializations.contract import Initialization
from mtlsearch.initializations.pretrained import Pretrained
from mtlsearch.initializations.random import Random
from mtlsearch.initializations.reptile import Reptile

INITIALIZATIONS: dict[str, type[Initialization]] = {
    "random": Random,
    "pretrained": Pretrained,
    "reptile": Reptile,
}

__all__ = ["INITIALIZATIONS", "Initialization", "Pretrained", "Random", "Reptile"]
