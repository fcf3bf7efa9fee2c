"""Weightings that look at the tasks' gradients, most by TorchJD (arXiv:2406.16232): what it makes of a Gramian, K times.

A Gramian is scaled to a mean squared norm of 1 before, and weights that TorchJD lets sum to 1 are scaled by T after: tasks
whose gradients are orthogonal and equally long weigh 1 with every method, as with `fixed`, and so do all where no gradient
reaches what is shared. Losses are expected to have like scales, unless a method says that their scale cancels out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.weightings.contract import State, Weighting
from mtlsearch.weightings.draws import advanced, seeded

TINY = 1e-8  # added to a squared length that is divided by, as the authors of CAGrad do
RIDGE = 1e-4  # added to the diagonal of a Gramian of trace 1, as TorchJD does


@dataclass(frozen=True)
class UPGrad(Weighting):
    """The mean of the gradients, each projected to where it harms no task (Quinton & Rey 2024, arXiv:2406.16232)."""

    needs_gramian = True

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """At least 1."""
        return _each(_mean("UPGrad", projector=_project), losses, gramian)


@dataclass(frozen=True)
class DualProj(Weighting):
    """The mean gradient, projected to where it harms no task (Lopez-Paz & Ranzato 2017, arXiv:1706.08840)."""

    needs_gramian = True

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """At least 1."""
        return _each(_mean("DualProj", projector=_project), losses, gramian)


@dataclass(frozen=True)
class PCGrad(Weighting):
    """The sum of the gradients, each freed from what conflicts with others in turn (Yu et al. 2020, arXiv:2001.06782)."""

    needs_gramian = True

    def state(self, seeds: Sequence[int]) -> State:
        """`bits[T]`: generators, by which the tasks take turns."""
        return {"bits": seeded(seeds)}

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """At least 1."""
        return _each(_in_random_order, losses, gramian, state["bits"])

    def after_step(self, losses: Tensor, after: Tensor | None, state: State) -> State:
        """The next order."""
        return {"bits": advanced(state["bits"])}


@dataclass(frozen=True)
class MGDA(Weighting):
    """The shortest convex combination of the gradients (Sener & Koltun 2018, arXiv:1810.04650): small ones weigh most."""

    needs_gramian = True

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """At least 0, mean 1."""
        return _each(_mean("MGDA"), losses, gramian)


@dataclass(frozen=True)
class IMTLG(Weighting):
    """The direction that goes equally far along each gradient (Liu et al. 2021, ICLR). The losses' scales cancel out."""

    needs_gramian = True

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """Of either sign, mean 1."""
        return _each(_mean("IMTLG"), losses, gramian)


@dataclass(frozen=True)
class CAGrad(Weighting):
    """The step that helps the worst off most, no further from the mean gradient than c times its length (Liu et al. 2021,
    arXiv:2110.14048). Scaled by 1 / (1 + c).
    """

    c: Annotated[float, Field(ge=0.0)] = 0.4

    needs_gramian = True

    def state(self, seeds: Sequence[int]) -> State:
        """`c[T]`."""
        return {"c": torch.full((len(seeds),), self.c)}

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """Positive."""
        return _each(_conflict_averse, losses, gramian, state["c"])


@dataclass(frozen=True)
class AlignedMTL(Weighting):
    """The mean gradient after all principal components are brought to the length of the least (Senushkin et al. 2023, CVPR)."""

    needs_gramian = True

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """Of either sign; smaller, the more the gradients agree."""
        return _each(_mean("AlignedMTL"), losses, gramian)


@dataclass(frozen=True)
class FairGrad(Weighting):
    """Alpha-fair progress: G w = w ** (-1 / alpha) (Ban & Ji 2024, arXiv:2402.15638)."""

    alpha: Annotated[float, Field(gt=0.0)] = 2.0

    needs_gramian = True

    def state(self, seeds: Sequence[int]) -> State:
        """`alpha[T]`."""
        return {"alpha": torch.full((len(seeds),), self.alpha)}

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """Positive."""
        return _each(_fair, losses, gramian, state["alpha"])


@dataclass(frozen=True)
class NashMTL(Weighting):
    """The bargaining solution G w = 1 / w (Navon et al. 2022, arXiv:2202.01017). The losses' scales cancel out.

    It is FairGrad's with alpha 1 and solved as such: TorchJD's own way needs cvxpy and its solvers.
    """

    needs_gramian = True

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """Positive."""
        return _each(_torchjd("FairGrad", alpha=1.0), losses, gramian)


def _each(
    solve: Callable[..., Tensor], losses: Tensor, gramian: Tensor | None, *states: Tensor
) -> Tensor:
    """Weights [K, T] by `solve(gramian[T, T], *states[T])`; NaN where a Gramian is not finite."""
    assert gramian is not None
    members = zip(*(each.cpu() for each in (gramian.double(), *states)), strict=True)
    return torch.stack([_scaled(solve, *own) for own in members]).to(losses)


def _scaled(solve: Callable[..., Tensor], gramian: Tensor, *own: Tensor) -> Tensor:
    size = gramian.trace()
    if not gramian.isfinite().all():
        return torch.full_like(gramian[0], torch.nan)
    return solve(gramian * (len(gramian) / size), *own) if size > 0 else torch.ones_like(gramian[0])


@lru_cache(maxsize=256)
def _torchjd(name: str, **settings: Any) -> Callable[[Tensor], Tensor]:
    """TorchJD's weighting of this name. Imported when first used, so that what does not train starts fast."""
    import torchjd.aggregation

    solve: Callable[[Tensor], Tensor] = getattr(torchjd.aggregation, f"{name}Weighting")(**settings)
    return solve


def _mean(name: str, **settings: Any) -> Callable[[Tensor], Tensor]:
    return lambda gramian: len(gramian) * _torchjd(name, **settings)(gramian)


def _fair(gramian: Tensor, alpha: Tensor) -> Tensor:
    return _torchjd("FairGrad", alpha=float(alpha[0]))(gramian)


def _conflict_averse(gramian: Tensor, settings: Tensor) -> Tensor:
    """Equation 4 of the paper by sequential quadratic programming; TorchJD's own way needs cvxpy and its solvers."""
    import numpy as np
    from scipy.optimize import minimize

    tasks, numbers, c = len(gramian), gramian.numpy(), float(settings[0])
    mean = numbers.mean(1)  # products of each gradient with the mean one
    radius = c * np.sqrt(mean.mean())

    def cost(shares: Any) -> tuple[Any, Any]:
        slope = numbers @ shares
        length = np.sqrt(shares @ slope + TINY)
        return mean @ shares + radius * length, mean + radius * slope / length

    simplex = {"type": "eq", "fun": lambda shares: shares.sum() - 1, "jac": np.ones_like}
    start, bounds, options = (
        np.full(tasks, 1 / tasks),
        [(0, 1)] * tasks,
        {"ftol": 1e-12, "maxiter": 200},
    )
    shares = minimize(
        cost, start, jac=True, method="SLSQP", bounds=bounds, constraints=simplex, options=options
    ).x
    return torch.from_numpy(
        (1 + tasks * radius / np.sqrt(shares @ numbers @ shares + TINY) * shares) / (1 + c)
    )


def _in_random_order(gramian: Tensor, bits: Tensor) -> Tensor:
    """TorchJD draws from torch's generator, so that is set the same each time, and the tasks are shuffled by their own bits."""
    order = bits.argsort()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        weights = _torchjd("PCGrad")(gramian[order][:, order])
    return weights[order.argsort()]


def _project(directions: Tensor, gramian: Tensor) -> Tensor:
    """For each u of directions[..., T] the v >= u with the least v' G v, TorchJD's projection onto the dual cone.

    Its own needs quadprog, which is under the GPL; as non-negative least squares scipy solves it to the same digits.
    """
    import numpy as np
    from scipy.optimize import nnls

    root = torch.linalg.cholesky(
        gramian / gramian.trace() + RIDGE * torch.eye(len(gramian))
    ).mT.numpy()
    shifts = np.apply_along_axis(lambda u: nnls(root, -root @ u)[0], -1, directions.numpy())
    return directions + torch.from_numpy(shifts)
