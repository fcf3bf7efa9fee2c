"""A trained model together with what it was trained on."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from mtlsearch.export.reference_models import HandedReference
from mtlsearch.records import Replicate
from mtlsearch.training.plain.network import CompositionNetwork
from mtlsearch.training.training_data import TrainingData


@dataclass(frozen=True)
class TrainedModel:
    """A model, trained on a replicate of data.

    Attributes:
        network: The network of the model.
        data: The data that it was trained on.
        replicate: The replicate, whose fold decides how inputs are prepared.
        references: Ready-made models by the name of the task that they predict instead.
    """

    network: CompositionNetwork
    data: TrainingData
    replicate: Replicate
    references: Mapping[str, HandedReference] = field(default_factory=dict)

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
        return TrainedModel(network, data, self.replicate, self.references)
