"""What a trained model predicts in the tasks' own units, how it scores, and what it costs."""

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from mtlsearch.data import resample, restore
from mtlsearch.seeding import derive_seed
from mtlsearch.tasks.batched_metrics import batched_score
from mtlsearch.tasks.metrics import score
from mtlsearch.tasks.task import Task
from mtlsearch.training.history import TrainingFailedError
from mtlsearch.training.plain.network import Model, Network
from mtlsearch.training.training_data import TrainingData

RECURRENT = (
    torch.ops.aten.mkldnn_rnn_layer,
    torch.ops.aten._cudnn_rnn,
)  # LSTM and GRU, of which torch has no formula
RESAMPLES = 100  # of the test rows: the standard error of a score is then known to 7%


@torch.no_grad()
def predict(
    model: Model, data: TrainingData, replicate: int, task: Task, rows: Tensor
) -> np.ndarray:
    """Predictions for a task on rows of its source, in the task's own units: [N], or [N, C] probabilities."""
    index = data.dataset.tasks.index(task)
    position = next(i for i, component in enumerate(model.composition) if index in component.tasks)
    return _predict(cast("Network", model.networks[position]), data, replicate, task, rows)


def score_network(
    network: Network, data: TrainingData, replicate: int, rows: Mapping[str, Tensor]
) -> dict[str, float]:
    """The metric of each of the network's tasks on `rows[source]`. Raises TrainingFailedError when one is not finite."""
    scores = {}
    for task in (data.dataset.tasks[index] for index in network.component.tasks):
        own = rows[task.source]
        prediction = _predict(network, data, replicate, task, own)
        value = score(task, data.dataset.targets[task.name][own.cpu().numpy()], prediction)
        scores[task.name] = demand_finite(value, task, len(own))
    return scores


def score_resamples(
    network: Network, data: TrainingData, replicate: int, seed: int
) -> dict[str, list[float]]:
    """The metric of each of the network's tasks on RESAMPLES samples of the test rows, the same for every network.

    NaN where a sample has too few labels or classes.
    """
    found = {}
    for task in (data.dataset.tasks[index] for index in network.component.tasks):
        rows, target = data.test_rows(task), torch.from_numpy(data.dataset.targets[task.name])
        prediction = np.full(
            (len(target), *_predict(network, data, replicate, task, rows[:1]).shape[1:]), np.nan
        )
        prediction[rows.cpu().numpy()] = _predict(network, data, replicate, task, rows)
        source, known = data.dataset.sources[task.source], torch.from_numpy(prediction)
        samples = [
            torch.from_numpy(resample(source, derive_seed(seed, "resample", number)))
            for number in range(RESAMPLES)
        ]
        values = [
            float(batched_score(task.metric, known[None, own], target[None, own]))
            for own in samples
        ]
        found[task.name] = [round(value, 8) for value in values]
    return found


def demand_finite(value: float, task: Task, rows: int) -> float:
    """The value. Raises TrainingFailedError when it is no finite number."""
    if not math.isfinite(value):
        raise TrainingFailedError(f"{task.metric} of {task.name} is {value} on {rows} rows")
    return value


@torch.no_grad()
def _predict(
    network: Network, data: TrainingData, replicate: int, task: Task, rows: Tensor
) -> np.ndarray:
    fold = data.fold(replicate)
    inputs = {
        source: (x[rows] if source == task.source else x[:1]) for source, x in fold.inputs.items()
    }
    output = network(inputs)[network.component.tasks.index(data.dataset.tasks.index(task))]
    return restore(task, output.cpu().numpy(), fold.prepared)


def count_parameters(model: nn.Module) -> int:
    """Number of trained weights."""
    return sum(parameter.numel() for parameter in model.parameters())


class _Flops(TorchDispatchMode):
    """Adds up floating point operations by torch's own formulas. `FlopCounterMode` would import torch's compiler: a second."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total: int = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = op(*args, **(kwargs or {}))
        if op.overloadpacket in flop_registry:
            self.total += int(
                flop_registry[op.overloadpacket](*args, **(kwargs or {}), out_val=out)
            )
        elif op.overloadpacket in RECURRENT:
            weights = args[1] if isinstance(args[1], list | tuple) else args[1:5]
            self.total += (
                2
                * args[0][..., 0].numel()
                * sum(weight.numel() for weight in weights if weight.dim() == 2)
            )
        return out


def count_macs(model: nn.Module, inputs: Mapping[str, Tensor]) -> int:
    """Multiply-accumulates of one forward pass over one row of every source."""
    with torch.no_grad(), _Flops() as counter:
        model(inputs)
    return int(counter.total) // 2
