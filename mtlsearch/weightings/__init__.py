"""The table of loss weightings. To add one: one file, one line here."""

from mtlsearch.weightings.aligned_mtl import AlignedMTL
from mtlsearch.weightings.cagrad import CAGrad
from mtlsearch.weightings.contract import Weighting, WeightingState
from mtlsearch.weightings.dualproj import DualProj
from mtlsearch.weightings.dwa import DynamicAverage
from mtlsearch.weightings.fairgrad import FairGrad
from mtlsearch.weightings.famo import FAMO
from mtlsearch.weightings.fixed import Fixed
from mtlsearch.weightings.imtl_g import IMTLG
from mtlsearch.weightings.mgda import MGDA
from mtlsearch.weightings.nash_mtl import NashMTL
from mtlsearch.weightings.pcgrad import PCGrad
from mtlsearch.weightings.random import RandomWeights
from mtlsearch.weightings.scale_invariant import ScaleInvariant
from mtlsearch.weightings.uncertainty import Uncertainty
from mtlsearch.weightings.upgrad import UPGrad

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

__all__ = ["WEIGHTINGS", "Fixed", "Uncertainty", "Weighting", "WeightingState"]
