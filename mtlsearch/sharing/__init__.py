"""The table of soft-sharing mechanisms. To add one: one file, one line here."""

from mtlsearch.sharing.attention import Attention
from mtlsearch.sharing.contract import Sharing, State
from mtlsearch.sharing.cross_stitch import CrossStitch
from mtlsearch.sharing.gate import Gate
from mtlsearch.sharing.l2_sharing import L2Sharing
from mtlsearch.sharing.none import NoSharing
from mtlsearch.sharing.sluice import Sluice

SHARINGS: dict[str, type[Sharing]] = {
    "none": NoSharing,
    "pull": L2Sharing,
    "cross_stitch": CrossStitch,
    "sluice": Sluice,
    "gate": Gate,
    "attention": Attention,
}

__all__ = [
    "SHARINGS",
    "Attention",
    "CrossStitch",
    "Gate",
    "NoSharing",
    "Pull",
    "Sharing",
    "Sluice",
    "State",
]
