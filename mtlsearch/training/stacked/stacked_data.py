"""The folds of several replicates as one, and their batches.

Inputs and targets of the folds stay on the device, one fold after another; batches are row numbers.
Batches are padded with rows that have no label: replicates may differ in their number of rows, and
torch computes the last few elements of a tensor by other instructions, so that an unpadded result
would depend on who is computed beside it. For the same reason those whose padded batches differ in
length are not put together (`padded_widths`).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from mtlsearch.candidate import TrainingSettings
from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.inputs.packed_table import PackedTable
from mtlsearch.tasks import Task
from mtlsearch.training.batches import MULTIPLE, BatchRows, batches, padded, steps_per_epoch
from mtlsearch.training.sampling import RowWeights
from mtlsearch.training.stacked.plan import HeadShape
from mtlsearch.training.trainer import SourceRows
from mtlsearch.training.training_data import FoldData, SourceInputs

PIECE = 512  # rows of a forward pass that needs no gradient
AHEAD = 64  # steps of which row numbers are laid out at once


class StackedBatch(NamedTuple):
    """Inputs, tensors [R, B, *F], per source, and targets [R, tasks, B] per shape of head.

    Targets of sets of labels are [R, tasks, B, C].
    """

    inputs: dict[str, NetworkInput]
    targets: dict[HeadShape, Tensor]


@dataclass(frozen=True)
class PaddedRows:
    """Row numbers [R, B] of one source, and which of them are there at all, [R, B]."""

    numbers: Tensor
    present: Tensor

    def replicates(self, first: int, last: int) -> "PaddedRows":
        """Those of some replicates."""
        numbers = self.numbers[first:last]
        present = self.present[first:last]
        return PaddedRows(numbers, present)

    def piece(self, first: int) -> "PaddedRows":
        """The columns from `first` on, PIECE at most.

        Beyond the end they are the first ones again, as rows that are not there.
        """
        last = first + PIECE
        if self.numbers.shape[1] > first:
            numbers = self.numbers[:, first:last]
            present = self.present[:, first:last]
            return PaddedRows(numbers, present)
        numbers = self.numbers[:, :MULTIPLE]
        absent = torch.zeros_like(self.present[:, :MULTIPLE])
        return PaddedRows(numbers, absent)


class StackedData:
    """The data of R replicates, of which several may read one fold, each in an order of its own.

    `column[t]` says which of its head's tasks the dataset's task t is. `class_weights` [R, tasks,
    C] make the classes of each task of a shape of head count alike.
    """

    def __init__(
        self,
        folds: Sequence[FoldData],
        tasks: Sequence[Task],
        weights: Sequence[RowWeights] | None = None,
    ) -> None:
        """Put folds side by side; `weights` says by which rows of each are drawn, if they are."""
        self.folds = list(folds)
        self.weights = list(weights or [{} for _ in folds])
        self.stored = list(dict.fromkeys(folds))
        self.inputs: dict[str, StackedInputs] = {}
        for source in folds[0].inputs:
            self.inputs[source] = self._stack_inputs(source)
        device = next(iter(folds[0].inputs.values())).device
        places = [self.stored.index(fold) for fold in folds]
        self.places = torch.tensor(places, device=device)
        self.shapes: dict[HeadShape, list[Task]] = {}
        self.column = []
        for task in tasks:
            tasks_of_shape = self.shapes.setdefault(HeadShape.of(task), [])
            self.column.append(len(tasks_of_shape))
            tasks_of_shape.append(task)
        self.targets: dict[HeadShape, Tensor] = {}
        self.class_weights: dict[HeadShape, Tensor] = {}
        for shape, tasks_of_shape in self.shapes.items():
            rows = [self._targets_of(task) for task in tasks_of_shape]
            self.targets[shape] = torch.stack(rows)
            if shape.kind.is_classification:
                self.class_weights[shape] = self._class_weights_of(tasks_of_shape)

    def _stack_inputs(self, source: str) -> "StackedInputs":
        """The inputs of a source, of which each replicate reads those of its fold."""
        encoded = []
        for fold in self.stored:
            inputs = fold.inputs[source]
            if isinstance(inputs, PackedTable):
                return PackedInputs([fold.inputs[source] for fold in self.folds])
            encoded.append(inputs)
        return EncodedInputs(NetworkInput.concatenate(encoded))

    def _targets_of(self, task: Task) -> Tensor:
        """The targets of a task, of one stored fold after the other, [F * N] or [F * N, C]."""
        targets = [fold.targets[task.name] for fold in self.stored]
        return torch.cat(targets)

    def _class_weights_of(self, tasks: Sequence[Task]) -> Tensor:
        """The weights that make the classes of tasks of one shape count alike, [R, tasks, C]."""
        by_fold = []
        for fold in self.folds:
            weights = [fold.class_weights[task.name] for task in tasks]
            by_fold.append(torch.stack(weights))
        return torch.stack(by_fold)

    def epoch(
        self, seeds: Sequence[int], epoch: int, schedule: TrainingSettings
    ) -> Iterator[StackedBatch]:
        """The batches of one epoch; replicate r takes those of `seeds[r]`."""
        orders = []
        for fold, seed, weights in zip(self.folds, seeds, self.weights, strict=True):
            orders.append(batches(fold, schedule, seed, epoch, weights))
        widths = {source: self._longest_batch(source, schedule) for source in self.inputs}
        steps = zip(*orders, strict=True)
        while steps_ahead := list(islice(steps, AHEAD)):
            yield from self._batches(steps_ahead, widths)

    def _longest_batch(self, source: str, schedule: TrainingSettings) -> int:
        """The rows of the longest batch of a source."""
        steps = steps_per_epoch(self.folds[0], schedule)
        most_rows = max(len(fold.train[source]) for fold in self.folds)
        return math.ceil(most_rows / steps)

    def _batches(
        self, steps: Sequence[Sequence[BatchRows]], widths: Mapping[str, int]
    ) -> Iterator[StackedBatch]:
        """The batches of steps, each with the row numbers of every replicate."""
        rows = {}
        for source, width in widths.items():
            parts = [replicate[source] for step in steps for replicate in step]
            rows[source] = _pad_rows(parts, width)
        replicates = len(self.folds)
        for number in range(len(steps)):
            first = number * replicates
            last = first + replicates
            step_rows = {}
            for source, padded_rows in rows.items():
                step_rows[source] = padded_rows.replicates(first, last)
            yield self.take(step_rows)

    def take(self, rows: Mapping[str, PaddedRows]) -> StackedBatch:
        """Inputs and targets of rows; targets of rows that are not there are missing."""
        stacked_rows = {}
        inputs = {}
        for source, source_rows in rows.items():
            numbers = source_rows.numbers + self._first_rows(source)
            stacked_rows[source] = numbers
            inputs[source] = self.inputs[source].take(source_rows.numbers, numbers)
        targets = {}
        for shape, y in self.targets.items():
            numbers = stacked_rows[shape.source]
            present = rows[shape.source].present
            labels = y.shape[2:]  # of a set of labels their number
            taken = y[:, numbers.flatten()].reshape(len(y), *numbers.shape, *labels)
            present = present.reshape(*present.shape, *[1] * len(labels))
            labelled = torch.where(present, taken, torch.nan)
            targets[shape] = labelled.transpose(0, 1)
        return StackedBatch(inputs, targets)

    def _first_rows(self, source: str) -> Tensor:
        """The first row of each replicate's fold among those of all stored folds, [R, 1]."""
        rows = self.folds[0].inputs[source].rows
        return self.places[:, None] * rows

    def pieces(self, replicates: Sequence[SourceRows]) -> Iterator[dict[str, PaddedRows]]:
        """The rows of each replicate, piece by piece.

        A source that has come to its end repeats its first rows, unlabelled.
        """
        whole = {}
        for source in self.inputs:
            parts = [replicate[source] for replicate in replicates]
            longest = max(len(part) for part in parts)
            whole[source] = _pad_rows(parts, longest)
        width = max(rows.numbers.shape[1] for rows in whole.values())
        for first in range(0, width, PIECE):
            piece = {}
            for source, rows in whole.items():
                piece[source] = rows.piece(first)
            yield piece


@dataclass(frozen=True)
class EncodedInputs:
    """The encoded rows of all stored folds, one fold after another."""

    rows: NetworkInput

    def take(self, numbers: Tensor, stored_numbers: Tensor) -> NetworkInput:
        """The rows [R, B] of all replicates.

        Args:
            numbers: Their numbers in the fold of each replicate.
            stored_numbers: Their numbers among the rows of all stored folds.
        """
        return self.rows.map(partial(_take_stacked, stored_numbers))


@dataclass(frozen=True)
class PackedInputs:
    """Packed rows, which are the same in all folds, as the fold of each replicate reads them."""

    folds: Sequence[SourceInputs]

    def take(self, numbers: Tensor, stored_numbers: Tensor) -> NetworkInput:
        """The rows [R, B] of all replicates, as `EncodedInputs.take`."""
        by_replicate = []
        for fold, rows in zip(self.folds, numbers, strict=True):
            by_replicate.append(fold.take(rows))
        return NetworkInput.stack(by_replicate)


StackedInputs = EncodedInputs | PackedInputs


def _take_stacked(numbers: Tensor, x: Tensor) -> Tensor:
    """The rows [R, B] of x[N, *F], as [R, B, *F]."""
    taken = x[numbers.flatten()]
    return taken.reshape(*numbers.shape, *x.shape[1:])


def _pad_rows(
    parts: Sequence[Tensor],
    width: int,
) -> PaddedRows:
    """Row numbers of different lengths side by side, [len(parts), padded(width)]."""
    device = parts[0].device
    lengths = [len(part) for part in parts]
    numbers = pad_sequence(list(parts), batch_first=True)
    missing = padded(width) - numbers.shape[1]
    numbers = functional.pad(numbers, (0, missing))
    places = torch.arange(numbers.shape[1], device=device)
    present = places < torch.tensor(lengths, device=device)[:, None]
    return PaddedRows(numbers, present)
