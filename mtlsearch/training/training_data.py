"""The dataset on the device, as tensors: what is alike in all folds once, and the rest by fold."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.backbones.numbers import TrainingNumbers
from mtlsearch.data import Dataset, Fold, Prepared, fold, prepare
from mtlsearch.data.encoded_sources import LARGEST_ENCODED
from mtlsearch.data.search_rows import thinned
from mtlsearch.inputs import TableSchema
from mtlsearch.inputs.contract import column_arrays
from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.inputs.packed_rows import PackedRows, can_pack, pack
from mtlsearch.inputs.packed_table import FittedNumbers, PackedTable
from mtlsearch.records import Replicate
from mtlsearch.seeding import derive_seed
from mtlsearch.tasks import Task
from mtlsearch.training.signature import Signature

FOLDS_KEPT = 8  # prepared folds that stay on the device

SourceInputs = NetworkInput | PackedTable
"""The inputs of all rows of a source."""


@dataclass(frozen=True, eq=False)
class FoldData:
    """One fold on the device.

    Attributes:
        prepared: What it was made of.
        inputs: The inputs of the N rows of each source, of which batches are taken.
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
    inputs: dict[str, SourceInputs]
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
        search_rows: int | None = None,
        largest_encoded: int = LARGEST_ENCODED,
    ) -> None:
        """Put a dataset on a device.

        Args:
            dataset: The dataset.
            seed: The seed of the study, from which folds follow.
            device: Where it is trained on.
            search_rows: The training rows of a source that the search reads at most; None: all.
            largest_encoded: The bytes of the encoded rows of a source that are kept for each fold;
                of a table that takes more they are encoded batch by batch.
        """
        self.dataset = dataset
        self.seed = seed
        self.device = device
        self._search_rows = search_rows
        self._largest_encoded = largest_encoded
        self._packed: dict[str, PackedRows] = {}
        self.fold = lru_cache(maxsize=FOLDS_KEPT)(self._fold)

    def _fold(self, replicate: Replicate) -> FoldData:
        split = self._split(replicate, replicate.number)
        first_split = self._split(replicate, 0)
        longest = max(len(rows) for rows in first_split.train.values())
        prepared = prepare(self.dataset, split, self._largest_encoded)
        inputs = {}
        numbers = {}
        for source in self.dataset.sources:
            rows = self._rows(prepared, source)
            inputs[source] = rows
            schema = prepared.schemas[source]
            if isinstance(schema, TableSchema) and schema.numbers:
                train = prepared.fold.train[source]
                numbers[source] = TrainingNumbers(
                    partial(rows.numbers, train, schema.numbers),
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

    def _split(self, replicate: Replicate, number: int) -> Fold:
        """The rows of the fold of a number, as a replicate reads them: in the search a part."""
        split = fold(self.dataset, number, self.seed)
        if self._search_rows is None or replicate.confirms:
            return split
        return thinned(self.dataset, split, self._search_rows, derive_seed(self.seed, number))

    def _rows(self, prepared: Prepared, source: str) -> SourceInputs:
        """The inputs of all rows of a source: encoded, or packed where they are large."""
        encoder = prepared.encoders[source]
        if not prepared.inputs.is_large(source) or not can_pack(encoder):
            return NetworkInput.of(prepared.inputs[source], self.device)
        if source not in self._packed:
            cells = column_arrays(self.dataset.sources[source].inputs)
            self._packed[source] = pack(encoder.encodings, cells).to(self.device)
        fitted = FittedNumbers.of(encoder.encodings, self.device)
        return PackedTable(self._packed[source], fitted)

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
