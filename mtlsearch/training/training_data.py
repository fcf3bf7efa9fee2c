"""The dataset on the device: prepared for each fold once, as tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.backbones.numbers import TrainingNumbers
from mtlsearch.data import Dataset, Prepared, fold, prepare
from mtlsearch.inputs import TableSchema
from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.records import Replicate
from mtlsearch.tasks import Task
from mtlsearch.training.signature import Signature

FOLDS_KEPT = 8  # prepared folds that stay on the device


@dataclass(frozen=True, eq=False)
class FoldData:
    """One fold on the device.

    Attributes:
        prepared: What it was made of.
        inputs: The encoded inputs of the N rows of each source.
        targets: The scaled targets of each task, [N], or [N, C] of a set of labels.
        labels: The same in the task's own units.
        class_weights: The weights [C] of each classification task that make its classes count
            alike, [C, 2] of a set of labels.
        train: The training rows of each source.
        validation: The validation rows of each source.
        longest: The number of training rows of the longest source, counted in fold 0 so that all
            folds take as many steps.
        numbers: The numbers of the training rows of each source that has any.
    """

    prepared: Prepared
    inputs: dict[str, NetworkInput]
    targets: dict[str, Tensor]
    labels: Mapping[str, Array]
    class_weights: dict[str, Tensor]
    train: dict[str, Tensor]
    validation: dict[str, Tensor]
    longest: int
    numbers: dict[str, TrainingNumbers]


class TrainingData:
    """A dataset on a device.

    Folds are prepared when first asked for and kept while a handful are in use.
    """

    def __init__(
        self,
        dataset: Dataset,
        seed: int,
        device: torch.device,
    ) -> None:
        self.dataset = dataset
        self.seed = seed
        self.device = device
        self.fold = lru_cache(maxsize=FOLDS_KEPT)(self._fold)

    def _fold(self, replicate: Replicate) -> FoldData:
        split = fold(self.dataset, replicate.number, self.seed)
        first_split = fold(self.dataset, 0, self.seed)
        longest = max(len(rows) for rows in first_split.train.values())
        prepared = prepare(self.dataset, split)
        inputs = {}
        numbers = {}
        for source, encoded in prepared.inputs.items():
            inputs[source] = NetworkInput.of(encoded, self.device)
            schema = prepared.schemas[source]
            if isinstance(schema, TableSchema) and schema.numbers:
                assert encoded.values is not None
                numbers[source] = TrainingNumbers(
                    encoded.values,
                    prepared.fold.train[source],
                    schema.numbers,
                )
        return FoldData(
            prepared=prepared,
            inputs=inputs,
            targets=self._tensors(prepared.targets),
            labels=self.dataset.targets,
            class_weights=self._tensors(prepared.class_weights),
            train=self._tensors(prepared.fold.train),
            validation=self._tensors(prepared.fold.validation),
            longest=longest,
            numbers=numbers,
        )

    def _tensors(self, arrays: Mapping[str, Array]) -> dict[str, Tensor]:
        """The arrays as tensors on the device, by their names."""
        tensors = {}
        for name, array in arrays.items():
            tensors[name] = torch.from_numpy(array).to(self.device)
        return tensors

    def test_rows(self, task: Task) -> Tensor:
        """The test rows of a task's source, ascending, or all rows where there are none.

        Only confirmation asks for them.
        """
        rows = self.dataset.sources[task.source].splits.predicted
        return torch.from_numpy(rows).to(self.device)

    def signature(self, replicate: Replicate) -> Signature:
        """What networks must know of this dataset: shapes, and what is fitted to the fold."""
        fold = self.fold(replicate)
        return Signature.of(
            self.dataset,
            fold.prepared.schemas,
            fold.numbers,
        )
