"""A trained model together with what it was trained on.

Several, of one composition and one dataset but of different replicates, are an ensemble. Each
prepares its inputs and decodes its outputs as its own fold says.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.candidate import Composition
from mtlsearch.export.reference_models import HandedReference
from mtlsearch.records import Replicate
from mtlsearch.tasks import Task
from mtlsearch.training.plain.network import CompositionNetwork
from mtlsearch.training.prediction import predict
from mtlsearch.training.training_data import TrainingData


@dataclass(frozen=True)
class TrainedModel:
    """A model, trained on a replicate of data.

    Attributes:
        network: The network of the model.
        data: The data that it was trained on.
        replicate: The replicate, whose fold decides how inputs are prepared.
        references: Ready-made models by the name of the task that they predict instead.
        only: The names of the tasks that it is exported for; empty for all.
    """

    network: CompositionNetwork
    data: TrainingData
    replicate: Replicate
    references: Mapping[str, HandedReference] = field(default_factory=dict)
    only: Sequence[str] = ()

    @property
    def tasks(self) -> list[Task]:
        """The tasks that it is exported for, in the order of the dataset."""
        tasks = self.data.dataset.tasks
        return [task for task in tasks if not self.only or task.name in self.only]

    @property
    def composition(self) -> Composition:
        """The components that hold these tasks."""
        numbers = {self.data.dataset.tasks.index(task) for task in self.tasks}
        components = self.network.composition.components
        kept = [component for component in components if numbers.intersection(component.tasks)]
        return Composition(tuple(kept))

    def on_cpu(self) -> "TrainedModel":
        """Return a copy on the CPU, where an exported folder predicts.

        Numbers of type float32 differ a little between devices, so what the folder is compared with
        must be computed there as well.
        """
        cpu = torch.device("cpu")
        network = copy.deepcopy(self.network).to(cpu).eval()
        data = self.data
        if data.device != cpu:
            data = TrainingData(data.dataset, data.seed, cpu)
        return replace(self, network=network, data=data)


def predict_mean(
    models: Sequence[TrainedModel],
    task: Task,
    rows: Tensor,
) -> Array:
    """Return the mean prediction of networks for a task on N rows of its source: [N], or [N, C].

    It is of probabilities, or of values in the task's own unit. One network predicts alone.
    """
    predictions = []
    for model in models:
        predictions.append(predict(model.network, model.data, model.replicate, task, rows))
    if len(predictions) == 1:
        return predictions[0]
    return np.asarray(np.mean(predictions, axis=0))
