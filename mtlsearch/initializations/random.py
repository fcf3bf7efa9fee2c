"""No start but chance: training from scratch."""

from dataclasses import dataclass

from mtlsearch.initializations.contract import Initialization


@dataclass(frozen=True)
class Random(Initialization):
    """Weights as the modules of the backbone draw them."""
