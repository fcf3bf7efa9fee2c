"""The table of soft-sharing mechanisms. To add one: one file, one line here."""

from mtlsearch.sharing.contract import Sharing, State
from mtlsearch.sharing.none import NoSharing
from mtlsearch.sharing.pull import Pull

SHARINGS: dict[str, type[Sharing]] = {
    "none": NoSharing,
    "pull": Pull,
}

__all__ = ["SHARINGS", "NoSharing", "Pull", "Sharing", "State"]
