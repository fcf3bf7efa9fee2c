"""What a network must know of a dataset."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.backbones.numbers import TrainingNumbers
from mtlsearch.data import Dataset
from mtlsearch.inputs import InputSchema
from mtlsearch.inputs.network_input import NetworkInput


@dataclass(frozen=True)
class Signature:
    """The shapes of a dataset's inputs and outputs.

    Attributes:
        schemas: The input schema of each source.
        sources: The source of each task.
        outputs: The number of head outputs of each task.
        numbers: The numbers of the training rows of each source that has any.
    """

    schemas: Mapping[str, InputSchema]
    sources: tuple[str, ...]
    outputs: tuple[int, ...]
    numbers: Mapping[str, TrainingNumbers]

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        schemas: Mapping[str, InputSchema],
        numbers: Mapping[str, TrainingNumbers],
    ) -> "Signature":
        """The signature of a dataset whose prepared inputs have these schemas and numbers."""
        sources = tuple(task.source for task in dataset.tasks)
        outputs = tuple(task.outputs for task in dataset.tasks)
        return cls(schemas, sources, outputs, numbers)

    def example(self, source: str) -> NetworkInput:
        """Two rows of a source as they may be, in the type of numbers that weights have."""
        rows = self.schemas[source].example(2)
        inputs = NetworkInput.of(rows, torch.device("cpu"))
        return inputs.map(_in_default_type)


def _in_default_type(x: Tensor) -> Tensor:
    return x.to(torch.get_default_dtype()) if x.is_floating_point() else x
