"""What Optuna optimizes: the tasks' validation metrics, then the cost where there is one.

Auxiliary tasks are no objectives.
"""

from typing import Literal

from mtlsearch.data import Dataset
from mtlsearch.evidence.front import cost_of
from mtlsearch.records import TrainingResult
from mtlsearch.tasks import scored

Direction = Literal["minimize", "maximize"]


def directions(dataset: Dataset, cost: str) -> list[Direction]:
    """Optuna's direction for each objective; `cost` is what the space names as the cost."""
    found: list[Direction] = []
    for task in scored(dataset.tasks):
        if task.metric.higher_is_better:
            found.append("maximize")
        else:
            found.append("minimize")
    if cost != "none":
        found.append("minimize")
    return found


def objective_names(dataset: Dataset, cost: str) -> list[str]:
    """What Optuna's tools call the objectives, in the order of `directions`: `TASK (METRIC)`."""
    names = [f"{task.name} ({task.metric.name})" for task in scored(dataset.tasks)]
    if cost != "none":
        names.append(cost)
    return names


def objective_values(result: TrainingResult, dataset: Dataset, cost: str) -> list[float]:
    """The values of a result that are told to Optuna, in the order of `directions`."""
    scores = []
    if result.complete:
        for task in scored(dataset.tasks):
            scores.append(result.scores[task.name])
    return scores + cost_of(result.parameters, result.macs_per_example, cost)
