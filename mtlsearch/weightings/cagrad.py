"""CAGrad, conflict-averse gradient descent (Liu et al. 2021, arXiv:2110.14048)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.weightings.contract import Weighting, WeightingState
from mtlsearch.weightings.gramian import solve_each

TINY = 1e-8
"""The number added to a squared length that is divided by, as the authors do."""


@dataclass(frozen=True)
class CAGrad(Weighting):
    """The step that helps the worst-off task most, within a ball around the mean gradient.

    The radius of the ball is c times the length of the mean gradient.

    The weights are scaled by 1 / (1 + c).
    """

    c: Annotated[float, Field(ge=0.0)] = 0.4

    needs_gramian = True

    def initial_state(self, seeds: Sequence[int]) -> WeightingState:
        """Return `c[T]`."""
        tasks = len(seeds)
        return {"c": torch.full((tasks,), self.c)}

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return positive weights [K, T]."""
        return solve_each(_solve, losses, gramian, state["c"])


def _solve(gramian: Tensor, c: Tensor) -> Tensor:
    """Return the weights [T] of the paper's equation 4.

    TorchJD's own way needs cvxpy and its solvers.

    With g_0 the mean gradient and g_p the combination of gradients with shares p that minimises g_p
    . g_0 + r |g_p|, where r = c |g_0|, the step is g_0 + r g_p / |g_p|.
    """
    tasks = len(gramian)
    products = gramian.numpy()
    radius_factor = float(c[0])
    mean_products = products.mean(1)
    radius = radius_factor * np.sqrt(mean_products.mean())

    shares = _worst_shares(products, mean_products, radius)
    length = np.sqrt(shares @ products @ shares + TINY)
    weights = 1 + tasks * radius / length * shares
    return torch.from_numpy(weights / (1 + radius_factor))


def _worst_shares(products: Array, mean_products: Array, radius: float) -> Array:
    """Return the shares p[T] under which the combined gradient helps least.

    They are at least 0, sum to 1 and minimise p . mean_products + radius * sqrt(p' G p), with G the
    products[T, T].

    `mean_products[T]` are the products of each gradient with the mean one. The method is sequential
    quadratic programming.
    """
    from scipy.optimize import minimize

    def cost_and_slope(shares: Array) -> tuple[Array, Array]:
        product = products @ shares
        length = np.sqrt(shares @ product + TINY)
        cost = mean_products @ shares + radius * length
        slope = mean_products + radius * product / length
        return cost, slope

    tasks = len(products)
    sum_is_one = {"type": "eq", "fun": lambda shares: shares.sum() - 1, "jac": np.ones_like}
    result = minimize(
        cost_and_slope,
        np.full(tasks, 1 / tasks),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * tasks,
        constraints=sum_is_one,
        options={"ftol": 1e-12, "maxiter": 200},
    )
    return np.asarray(result.x)
