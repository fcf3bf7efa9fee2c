"""The projection onto the dual cone of the tasks' gradients, where no task is harmed."""

import numpy as np
import torch
from torch import Tensor

RIDGE = 1e-4
"""The number added to the diagonal of a Gramian of trace 1, as TorchJD does."""


def project(directions: Tensor, gramian: Tensor) -> Tensor:
    """Return for each u of directions[..., T] the v >= u with the least v' G v for gramian G[T, T].

    This is TorchJD's projector. Its own needs quadprog, which is under the GPL. As non-negative
    least squares, scipy solves the problem to the same digits: with G = R' R and v = u + s it is
    min |R s + R u| over s >= 0.
    """
    from scipy.optimize import nnls

    tasks = len(gramian)
    regularized = gramian / gramian.trace() + RIDGE * torch.eye(tasks)
    root = torch.linalg.cholesky(regularized).mT.numpy()

    def shift(direction: np.ndarray) -> np.ndarray:
        solution, _ = nnls(root, -root @ direction)
        return np.asarray(solution)

    shifts = np.apply_along_axis(shift, -1, directions.numpy())
    return directions + torch.from_numpy(shifts)
