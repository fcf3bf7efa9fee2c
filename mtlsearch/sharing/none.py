"""No soft sharing: branches are independent."""

from dataclasses import dataclass

from mtlsearch.sharing.contract import Sharing


@dataclass(frozen=True)
class NoSharing(Sharing):
    """Branches are independent after they part."""

    strength = 0.0
