"""Fits the regression of a task by the way that suits its size, and remembers what took steps."""

import hashlib

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.evidence.affinity.design import Design
from mtlsearch.evidence.affinity.large_regression import CellSystem, RowSystem
from mtlsearch.evidence.affinity.regression import (
    Evidence,
    Fitted,
    FullSystem,
    largest_evidence,
    nothing_known,
)

MOST_COLUMNS = 384  # up to so many the covariances of all are worked out
MOST_FITTED_ANEW = 200  # columns: what has so few is fitted in no time
METHOD = "1"  # to be changed with what the precisions are found by

FittedSystem = FullSystem | CellSystem | RowSystem


class Memory:
    """Keeps the precisions of regressions, which take many steps to find.

    As it is, it keeps none. What is kept is found by all that a regression rests on, so it is never
    that of other trainings.
    """

    def find(self, key: str) -> Evidence | None:
        """The precisions that are kept under a key."""
        return None

    def keep(self, key: str, evidence: Evidence) -> None:
        """Keep precisions under a key."""


NO_MEMORY = Memory()


def fit_design(design: Design, losses: Array, memory: Memory = NO_MEMORY) -> Fitted:
    """Fit the regression of losses on the rows of a design.

    Args:
        design: The rows.
        losses: Their losses, centred, [N].
        memory: Where the precisions are kept that were found before.
    """
    scale = float(losses.std())
    if design.rows < 2 or scale == 0.0:
        nothing = nothing_known(design.all_columns)
        return nothing.split(design.width)
    system = _system(design, losses / scale)
    if design.all_columns <= MOST_FITTED_ANEW:
        return system.fitted(largest_evidence(system), scale)
    key = _key(design, losses)
    evidence = memory.find(key)
    if evidence is None:
        evidence = largest_evidence(system)
        memory.keep(key, evidence)
    return system.fitted(evidence, scale)


def _system(design: Design, y: Array) -> FittedSystem:
    """The regression, solved by the way that suits its size."""
    if design.all_columns <= MOST_COLUMNS:
        return FullSystem(design.matrix(), y, design.groups, design.width)
    if design.rows < design.number_columns:
        return RowSystem(design, y)
    return CellSystem(design, y)


def _key(design: Design, losses: Array) -> str:
    """A digest of all that the precisions rest on."""
    digest = hashlib.sha256(METHOD.encode())
    for part in (
        design.numbers,
        design.number_groups,
        design.cells,
        design.replicates,
        losses,
    ):
        digest.update(str(part.shape).encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
