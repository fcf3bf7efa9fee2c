"""The folds of several replicates as one: inputs [R, N, *F] and targets [R, tasks, N] on the device, batches as row numbers.

Batches are padded with rows that have no label: replicates may differ in their number of rows, and torch computes the last
few elements of a tensor by other instructions, so that an unpadded result would depend on who is computed beside it. For
the same reason those whose padded batches differ in length are not put together (`widths`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from mtlsearch.candidate import TrainingSettings
from mtlsearch.tasks.task import Task
from mtlsearch.training.plain.step import batches
from mtlsearch.training.stacked.plan import HeadShape
from mtlsearch.training.training_data import FoldData

MULTIPLE = 32  # of rows in a batch: a whole number of vector instructions on any CPU
PIECE = 512  # rows of a forward pass that needs no gradient
AHEAD = 64  # steps of which row numbers are laid out at once
Batch = tuple[
    dict[str, Tensor], dict[HeadShape, Tensor]
]  # inputs [R, B, *F] per source, targets [R, tasks, B] per head


@dataclass(frozen=True)
class Rows:
    """Row numbers [R, B] of one source into all replicates' rows, and which of them are there at all."""

    numbers: Tensor
    present: Tensor


def widths(fold: FoldData, schedule: TrainingSettings) -> tuple[int, ...]:
    """The padded lengths of a fold's batches and validation rows, source by source."""
    steps = -(-fold.longest // schedule.batch_size)
    return tuple(
        _padded(rows)
        for source in fold.inputs
        for rows in (-(-len(fold.train[source]) // steps), len(fold.validation[source]))
    )


def _padded(rows: int) -> int:
    return -(-rows // MULTIPLE) * MULTIPLE


class StackedData:
    """The data of R replicates. `column[t]` says which of its head's tasks the dataset's task t is."""

    def __init__(self, folds: Sequence[FoldData], tasks: Sequence[Task]) -> None:
        self.folds = list(folds)
        self.inputs = {
            source: torch.cat([fold.inputs[source] for fold in folds]) for source in folds[0].inputs
        }
        self.shapes: dict[HeadShape, list[Task]] = {}
        for task in tasks:
            self.shapes.setdefault(HeadShape.of(task), []).append(task)
        self.column = [self.shapes[HeadShape.of(task)].index(task) for task in tasks]
        self.targets = {
            shape: torch.stack(
                [torch.cat([fold.targets[task.name] for fold in folds]) for task in own]
            )
            for shape, own in self.shapes.items()
        }

    def epoch(
        self, seeds: Sequence[int], epoch: int, schedule: TrainingSettings
    ) -> Iterator[Batch]:
        """The batches of one epoch; replicate r takes those of `seeds[r]`."""
        orders = [
            batches(fold, schedule, seed, epoch)
            for fold, seed in zip(self.folds, seeds, strict=True)
        ]
        width = {
            source: max(-(-len(fold.train[source]) // self.steps(schedule)) for fold in self.folds)
            for source in self.inputs
        }
        steps = zip(*orders, strict=True)
        while ahead := list(islice(steps, AHEAD)):
            rows = {
                source: self._lay([r[source] for step in ahead for r in step], width[source])
                for source in self.inputs
            }
            for number in range(len(ahead)):
                own = slice(number * len(self.folds), (number + 1) * len(self.folds))
                yield self.take(
                    {
                        source: Rows(each.numbers[own], each.present[own])
                        for source, each in rows.items()
                    }
                )

    def steps(self, schedule: TrainingSettings) -> int:
        """Steps per epoch."""
        return -(-self.folds[0].longest // schedule.batch_size)

    def _lay(self, parts: Sequence[Tensor], width: int) -> Rows:
        """Rows of each replicate in turn, again and again, as [len(parts), width]."""
        lengths = torch.tensor([len(part) for part in parts], device=parts[0].device)
        numbers = torch.nn.utils.rnn.pad_sequence(list(parts), batch_first=True)
        numbers = torch.nn.functional.pad(numbers, (0, _padded(width) - numbers.shape[1]))
        present = torch.arange(numbers.shape[1], device=numbers.device) < lengths[:, None]
        return Rows(numbers, present)

    def take(self, rows: dict[str, Rows]) -> Batch:
        """Inputs and targets of rows; targets of rows that are not there are missing."""
        offset = {source: self._offset(source) for source in rows}
        inputs = {
            s: self.inputs[s][(own.numbers + offset[s]).flatten()].reshape(
                *own.numbers.shape, *self.inputs[s].shape[1:]
            )
            for s, own in rows.items()
        }
        targets = {}
        for shape, each in self.targets.items():
            own = rows[shape.source]
            found = each[:, (own.numbers + offset[shape.source]).flatten()].reshape(
                len(each), *own.numbers.shape
            )
            targets[shape] = torch.where(own.present, found, torch.nan).transpose(0, 1)
        return inputs, targets

    def _offset(self, source: str) -> Tensor:
        rows = len(self.folds[0].inputs[source])
        return torch.arange(0, rows * len(self.folds), rows, device=self.inputs[source].device)[
            :, None
        ]

    def pieces(self, rows: Iterable[dict[str, Tensor]]) -> Iterator[dict[str, Rows]]:
        """The rows of each replicate, piece by piece; a source that has come to its end repeats its first rows, unlabelled."""
        parts = list(rows)
        wholes = {
            s: self._lay([part[s] for part in parts], max(len(part[s]) for part in parts))
            for s in self.inputs
        }
        for first in range(0, max(whole.numbers.shape[1] for whole in wholes.values()), PIECE):
            yield {source: _piece(whole, first) for source, whole in wholes.items()}


def _piece(whole: Rows, first: int) -> Rows:
    own = slice(first, first + PIECE)
    if whole.numbers.shape[1] > first:
        return Rows(whole.numbers[:, own], whole.present[:, own])
    return Rows(whole.numbers[:, :MULTIPLE], torch.zeros_like(whole.present[:, :MULTIPLE]))
