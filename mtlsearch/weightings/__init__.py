"""The table of loss weightings. To add one: one file, one line here."""

from mtlsearch.weightings.contract import State, Weighting
from mtlsearch.weightings.fixed import Fixed
from mtlsearch.weightings.uncertainty import Uncertainty

WEIGHTINGS: dict[str, type[Weighting]] = {
    "fixed": Fixed,
    "uncertainty": Uncertainty,
}

__all__ = ["WEIGHTINGS", "Fixed", "State", "Uncertainty", "Weighting"]
