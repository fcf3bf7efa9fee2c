"""Rows picked from a tensor, some of them several times: what a level takes from the one above."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class RowIndex:
    """`rows` [S] to pick. Where each row there is is picked, `firsts` says where first and `rest` is what is left."""

    rows: Tensor
    firsts: Tensor | None
    rest: Tensor | None

    @classmethod
    def of(cls, rows: Sequence[int], among: int, device: torch.device) -> "RowIndex | None":
        """None where it would change nothing."""
        if list(rows) == list(range(among)):
            return None
        first: dict[int, int] = {}
        rest = [
            position
            for position, row in enumerate(rows)
            if first.setdefault(row, position) != position
        ]
        index = torch.tensor(rows, device=device)
        if len(first) < among:
            return cls(index, None, None)
        firsts = torch.tensor([first[row] for row in range(among)], device=device)
        return cls(index, firsts, torch.tensor(rest, device=device, dtype=torch.long))


def pick(h: Tensor, gather: RowIndex | None) -> Tensor:
    """h[gather.rows]."""
    if gather is None:
        return h
    if gather.firsts is None:
        return h.index_select(0, gather.rows)
    picked: Tensor = _Pick.apply(h, gather.rows, gather.firsts, gather.rest)  # type: ignore[no-untyped-call]
    return picked


class _Pick(torch.autograd.Function):
    """Its backward begins with a copy of the first gradients where torch's own begins with zeros and adds all of them."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, rows: Tensor, firsts: Tensor, rest: Tensor) -> Tensor:
        ctx.save_for_backward(rows, firsts, rest)
        return h.index_select(0, rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        rows, firsts, rest = ctx.saved_tensors
        summed = gradient.index_select(0, firsts)
        if len(rest):
            summed.index_add_(0, rows[rest], gradient.index_select(0, rest))
        return summed, None, None, None
