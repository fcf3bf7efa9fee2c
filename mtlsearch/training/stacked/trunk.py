"""The trunks of a forest: the rows that tasks share, and the branches of its members."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from mtlsearch.structure.wiring import Wiring
from mtlsearch.training.batched_weighting import BatchedWeighting
from mtlsearch.training.parameter_averaging import Branches
from mtlsearch.training.shared_gradients import (
    STEM_LEVEL,
    SharedGradients,
    SharedRows,
    is_shared,
)
from mtlsearch.training.stacked.forest import Forest
from mtlsearch.training.stacked.module_stack import ModuleStack


def shared_gradients_in(
    forest: Forest, weightings: Sequence[BatchedWeighting]
) -> SharedGradients | None:
    """The gradients that weightings of a forest's members need.

    None where no weighting needs a Gramian or none of its members shares anything.
    """
    groups = [group for group in weightings if group.weighting.needs_gramian]
    if not groups:
        return None
    wirings = {}
    for group in groups:
        for member in group.members:
            wirings[member] = forest.networks[member].wiring
    stacks = [(STEM_LEVEL, stem) for stem in forest.stems.values()]
    stacks += list(enumerate(forest.stages))
    shared = []
    for level, stack in stacks:
        rows = _shared_rows(stack, level, wirings)
        if rows is not None:
            shared.append(rows)
    if not shared:
        return None
    return SharedGradients(groups, shared, members=len(forest.networks))


def _shared_rows(
    stack: ModuleStack, level: int, wirings: Mapping[int, Wiring]
) -> SharedRows | None:
    """The rows of a stack that tasks of one of these members share; None where there are none."""
    rows, members = [], []
    for row, (member, index) in enumerate(stack.places):
        if member in wirings and is_shared(
            wirings[member],
            level,
            index,
        ):
            rows.append(row)
            members.append(member)
    if not rows:
        return None
    device = stack.weights.device
    return SharedRows(
        parameter=stack.weights,
        count=len(stack.places),
        rows=torch.tensor(rows, device=device),
        members=torch.tensor(members, device=device),
    )


def branches_in(forest: Forest, member: int) -> Branches:
    """The branches of a member of a forest; valid until members are left out of it."""
    pieces = []
    for stack in [*forest.stems.values(), *forest.stages]:
        rows = stack.rows_of([member]).tolist()
        if rows:
            first = rows[0]
            last = rows[-1]
            pieces.append((stack, slice(first, last + 1)))

    def branches() -> Iterator[Sequence[Tensor]]:
        for stack, rows in pieces:
            yield stack.weights.detach()[rows].unbind()

    return branches
