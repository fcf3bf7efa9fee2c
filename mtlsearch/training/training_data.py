"""The dataset where the work is: prepared for each fold once, as tensors on the device."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from mtlsearch.data import TEST, Dataset, Prepared, fold, prepare
from mtlsearch.tasks.task import Task
from mtlsearch.training.plain.network import Signature


@dataclass(frozen=True, eq=False)
class FoldData:
    """One fold on the device: `inputs[source]` [N, *F], `targets[task]` [N]; rows per source.

    `longest` is the number of training rows of the longest source, counted in fold 0 so that all folds take as many steps.
    """

    prepared: Prepared
    inputs: dict[str, Tensor]
    targets: dict[str, Tensor]
    train: dict[str, Tensor]
    validation: dict[str, Tensor]
    longest: int


class TrainingData:
    """A dataset on a device. Folds are prepared when first asked for and kept while a handful are in use."""

    def __init__(self, dataset: Dataset, seed: int, device: torch.device) -> None:
        self.dataset, self.seed, self.device = dataset, seed, device
        self.fold = lru_cache(maxsize=8)(self._fold)

    def _fold(self, replicate: int) -> FoldData:
        prepared = prepare(self.dataset, fold(self.dataset, replicate, self.seed))
        return FoldData(
            prepared=prepared,
            inputs={
                name: torch.from_numpy(x).to(self.device) for name, x in prepared.inputs.items()
            },
            targets={
                name: torch.from_numpy(y).to(self.device) for name, y in prepared.targets.items()
            },
            train={
                name: torch.from_numpy(rows).to(self.device)
                for name, rows in prepared.fold.train.items()
            },
            validation={
                name: torch.from_numpy(rows).to(self.device)
                for name, rows in prepared.fold.validation.items()
            },
            longest=max(map(len, fold(self.dataset, 0, self.seed).train.values())),
        )

    def test_rows(self, task: Task) -> Tensor:
        """The test rows of a task's source. Only confirmation asks for them."""
        role = self.dataset.sources[task.source].splits.role
        return torch.from_numpy((role == TEST).nonzero()[0]).to(self.device)

    def signature(self, replicate: int) -> Signature:
        """What networks must know of this dataset; the same for every fold."""
        return Signature.of(self.dataset, self.fold(replicate).prepared.features)
