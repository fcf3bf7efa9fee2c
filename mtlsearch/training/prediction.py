"""What a trained network predicts in the tasks' own units, and how it scores."""

import math
from collections.abc import Mapping, Sequence

from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.records import Replicate
from mtlsearch.tasks import Task
from mtlsearch.training.history import TrainingFailedError
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.plain.outputs import outputs_of
from mtlsearch.training.training_data import FoldData, TrainingData


def predict(
    model: CompositionNetwork,
    data: TrainingData,
    replicate: Replicate,
    task: Task,
    rows: Tensor,
) -> Array:
    """Predictions for a task on N rows of its source: [N], or [N, C] probabilities.

    They are in the task's own units.
    """
    number = data.dataset.tasks.index(task)
    network = model.network_of(number)
    return _predict(network, data, replicate, number, rows)


def score_network(
    network: Network,
    data: TrainingData,
    replicate: Replicate,
    rows: Mapping[str, Tensor],
) -> dict[str, float]:
    """The metric of each of the network's tasks on `rows[source]`.

    Raises TrainingFailedError when one is not finite.
    """
    scores = {}
    for number in network.component.tasks:
        task = data.dataset.tasks[number]
        task_rows = rows[task.source]
        predictions = _predict(network, data, replicate, number, task_rows)
        targets = data.dataset.targets[task.name]
        labels = targets[task_rows.cpu().numpy()]
        score = task.metric.score(labels, predictions)
        scores[task.name] = require_finite(
            score,
            task,
            len(task_rows),
        )
    return scores


def score_outputs(
    outputs: Sequence[Tensor],
    tasks: Sequence[Task],
    fold: FoldData,
    rows: Mapping[str, Tensor],
) -> dict[str, float]:
    """The metrics of tasks for the outputs of a network on `rows[source]`; NaN where undefined."""
    scores = {}
    for task, output in zip(tasks, outputs, strict=True):
        decoder = fold.prepared.decoders[task.name]
        predictions = decoder.rows_to_predictions(output.cpu().numpy())
        labels = fold.labels[task.name][rows[task.source].cpu().numpy()]
        scores[task.name] = task.metric.score(labels, predictions)
    return scores


def predict_network(
    network: Network,
    data: TrainingData,
    replicate: Replicate,
    rows: Mapping[str, Tensor],
) -> dict[str, Array]:
    """The predictions of a network on `rows[source]` for each of its tasks, in their own units."""
    predictions = {}
    for number in network.component.tasks:
        task = data.dataset.tasks[number]
        task_rows = rows[task.source]
        predictions[task.name] = _predict(
            network,
            data,
            replicate,
            number,
            task_rows,
        )
    return predictions


def require_finite(
    score: float,
    task: Task,
    rows: int,
) -> float:
    """The score. Raises TrainingFailedError when it is no finite number."""
    if not math.isfinite(score):
        raise TrainingFailedError(f"{task.metric.name} of {task.name} is {score} on {rows} rows")
    return score


def _predict(
    network: Network,
    data: TrainingData,
    replicate: Replicate,
    number: int,
    rows: Tensor,
) -> Array:
    """The predictions for the dataset's task of a number. Of the other sources one row is run."""
    task = data.dataset.tasks[number]
    fold = data.fold(replicate)
    first_row = rows.new_zeros(1)
    read = {}
    for source in fold.inputs:
        read[source] = rows if source == task.source else first_row
    outputs = outputs_of(network, fold, read)
    position = network.component.tasks.index(number)
    output = outputs[position].cpu().numpy()
    return fold.prepared.decoders[task.name].rows_to_predictions(output)
