"""The table of soft-sharing mechanisms. To add one: one file, one line here."""

from mtlsearch.sharing.contract import Sharing, State
from mtlsearch.sharing.cross_stitch import CrossStitch
from mtlsearch.sharing.gate import Gate
from mtlsearch.sharing.none import NoSharing
from mtlsearch.sharing.pull import Pull

SHARINGS: dict[str, type[Sharing]] = {
    "none": NoSharing,
    "pull": Pull,
    "cross_stitch": CrossStitch,
    "gate": Gate,
}

__all__ = ["SHARINGS", "CrossStitch", "Gate", "NoSharing", "Pull", "Sharing", "State"]
