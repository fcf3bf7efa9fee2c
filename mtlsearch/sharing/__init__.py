"""The table of soft-sharing mechanisms. To add one: one file, one line here."""

from mtlsearch.sharing.attention import Attention
from mtlsearch.sharing.contract import Sharing, SharingState
from mtlsearch.sharing.cross_stitch import CrossStitch
from mtlsearch.sharing.gate import Gate
from mtlsearch.sharing.l2_sharing import L2Sharing
from mtlsearch.sharing.none import NoSharing
from mtlsearch.sharing.sluice import Sluice

SHARINGS: dict[str, type[Sharing]] = {
    "none": NoSharing,
    "l2_sharing": L2Sharing,
    "cross_stitch": CrossStitch,
    "sluice": Sluice,
    "gate": Gate,
    "attention": Attention,
}

ALIASES = {"pull": "l2_sharing"}
"""Former names, which spaces and stored candidates may use."""

__all__ = [
    "ALIASES",
    "SHARINGS",
    "Attention",
    "CrossStitch",
    "Gate",
    "L2Sharing",
    "NoSharing",
    "Sharing",
    "SharingState",
    "Sluice",
]
