"""Numbers as they are, once they are scaled."""

from dataclasses import dataclass

from torch import nn

from mtlsearch.backbones.numbers.contract import Numbers
from mtlsearch.backbones.numbers.scaling import Scaling


@dataclass(frozen=True)
class Plain(Numbers):
    """Each number is a feature."""

    scaling: Scaling = "standard"

    @property
    def size(self) -> int:
        """One feature."""
        return 1

    def vectors(self, numbers: int) -> nn.Module:
        """Return a module that changes nothing."""
        return nn.Identity()
