"""Rows taken from a tensor, some of them several times: what a level takes from the one above."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class RowIndex:
    """The numbers of rows to take from a tensor of N rows.

    Attributes:
        rows: The row to take for each of S places, [S].
        firsts: For each row of the tensor the first place that takes it, [N]; None where a row is
            taken by none.
        others: The places that take a row again, ascending; None where `firsts` is.
    """

    rows: Tensor
    firsts: Tensor | None
    others: Tensor | None

    @classmethod
    def of(
        cls,
        rows: Sequence[int],
        count: int,
        device: torch.device,
    ) -> "RowIndex | None":
        """The index of rows of a tensor that has `count`; None where it would change nothing."""
        if list(rows) == list(range(count)):
            return None
        first_places: dict[int, int] = {}
        other_places = []
        for place, row in enumerate(rows):
            if row in first_places:
                other_places.append(place)
            else:
                first_places[row] = place
        index = torch.tensor(rows, device=device)
        if len(first_places) < count:
            return cls(index, firsts=None, others=None)
        firsts = [first_places[row] for row in range(count)]
        return cls(
            index,
            firsts=torch.tensor(firsts, device=device),
            others=torch.tensor(
                other_places,
                device=device,
                dtype=torch.long,
            ),
        )


def take_rows(h: Tensor, index: RowIndex | None) -> Tensor:
    """The rows of h that an index says; all of them where there is none."""
    if index is None:
        return h
    if index.firsts is None:
        return h.index_select(0, index.rows)
    taken: Tensor = _TakeRows.apply(
        h,
        index.rows,
        index.firsts,
        index.others,
    )  # type: ignore[no-untyped-call]
    return taken


def take_mask(mask: Tensor | None, index: RowIndex | None) -> Tensor | None:
    """The rows of a mask that an index says, which need no gradient."""
    if mask is None or index is None:
        return mask
    return mask.index_select(0, index.rows)


class _TakeRows(torch.autograd.Function):
    """Takes rows, every one at least once.

    The backward pass begins with a copy of the first gradients, where torch's own begins with zeros
    and adds all of them.
    """

    @staticmethod
    def forward(
        ctx: Any,
        h: Tensor,
        rows: Tensor,
        firsts: Tensor,
        others: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(rows, firsts, others)
        return h.index_select(0, rows)

    @staticmethod
    def backward(
        ctx: Any,
        gradient: Tensor,
    ) -> tuple[Tensor, None, None, None]:
        rows, firsts, others = ctx.saved_tensors
        total = gradient.index_select(0, firsts)
        if len(others):
            total.index_add_(
                0,
                rows[others],
                gradient.index_select(0, others),
            )
        return total, None, None, None
