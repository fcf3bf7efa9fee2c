"""The table of loss weightings. To add one: one file, one line here."""

from mtlsearch.weightings.contract import State, Weighting
from mtlsearch.weightings.dwa import DynamicAverage
from mtlsearch.weightings.famo import FAMO
from mtlsearch.weightings.fixed import Fixed
from mtlsearch.weightings.gradient_based import (
    IMTLG,
    MGDA,
    AlignedMTL,
    CAGrad,
    DualProj,
    FairGrad,
    NashMTL,
    PCGrad,
    UPGrad,
)
from mtlsearch.weightings.random import RandomWeights
from mtlsearch.weightings.scale_invariant import ScaleInvariant
from mtlsearch.weightings.uncertainty import Uncertainty

WEIGHTINGS: dict[str, type[Weighting]] = {
    "fixed": Fixed,
    "uncertainty": Uncertainty,
    "dwa": DynamicAverage,
    "famo": FAMO,
    "random": RandomWeights,
    "scale_invariant": ScaleInvariant,
    "upgrad": UPGrad,
    "dualproj": DualProj,
    "pcgrad": PCGrad,
    "mgda": MGDA,
    "imtl_g": IMTLG,
    "cagrad": CAGrad,
    "aligned_mtl": AlignedMTL,
    "fairgrad": FairGrad,
    "nash_mtl": NashMTL,
}

__all__ = ["WEIGHTINGS", "Fixed", "State", "Uncertainty", "Weighting"]
