"""Weights from the Gramian of the tasks' gradients, most by TorchJD (arXiv:2406.16232).

A Gramian is scaled to a mean squared norm of 1 before it is solved, and weights that TorchJD lets
sum to 1 are scaled by T after. So tasks whose gradients are orthogonal and equally long weigh 1
with every method, as with equal weights, and so do all tasks where no gradient reaches what is
shared. Losses are expected to have like scales, unless a method says that their scale cancels out.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

Solver = Callable[..., Tensor]
"""Weights [T] from a scaled float64 gramian[T, T] and tensors [T] of a candidate's state."""


def solve_each(solver: Solver, losses: Tensor, gramian: Tensor | None, *states: Tensor) -> Tensor:
    """Return weights [K, T] by `solver(gramian[T, T], *states[T])`, candidate by candidate.

    They are NaN where a Gramian is not finite.

    `losses[K, T]` gives the type and device of the weights; `gramian` is [K, T, T], each of
    `states` [K, T].
    """
    assert gramian is not None
    on_cpu = [tensor.cpu() for tensor in (gramian.double(), *states)]
    candidates = zip(*on_cpu, strict=True)
    weights = [_solve(solver, *tensors) for tensors in candidates]
    return torch.stack(weights).to(losses)


def _solve(solver: Solver, gramian: Tensor, *states: Tensor) -> Tensor:
    if not gramian.isfinite().all():
        return torch.full_like(gramian[0], torch.nan)
    squared_norms = gramian.trace()
    if not squared_norms > 0:
        return torch.ones_like(gramian[0])
    scale = len(gramian) / squared_norms
    return solver(gramian * scale, *states)


@lru_cache(maxsize=256)
def torchjd_solver(name: str, **settings: Any) -> Callable[[Tensor], Tensor]:
    """Return TorchJD's weighting of this name.

    The library is imported when it is first used, so that a program that does not train starts
    fast.
    """
    import torchjd.aggregation

    kind = getattr(torchjd.aggregation, f"{name}Weighting")
    solver: Callable[[Tensor], Tensor] = kind(**settings)
    return solver


def scaled_torchjd_solver(name: str, **settings: Any) -> Callable[[Tensor], Tensor]:
    """Return T times TorchJD's weighting of this name, for one whose weights sum to 1."""
    solver = torchjd_solver(name, **settings)

    def scaled(gramian: Tensor) -> Tensor:
        tasks = len(gramian)
        return tasks * solver(gramian)

    return scaled
