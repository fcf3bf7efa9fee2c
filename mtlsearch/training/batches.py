"""The order in which training reads rows: batches of every source, the same for every candidate."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from mtlsearch.candidate import TrainingSettings
from mtlsearch.seeding import derive_seed
from mtlsearch.training.sampling import RowWeights, draw_rows
from mtlsearch.training.training_data import FoldData

BatchRows = dict[str, Tensor]  # row numbers [B] per source

MULTIPLE = 32  # of rows in a padded batch: a whole number of vector instructions on any CPU


def steps_per_epoch(fold: FoldData, schedule: TrainingSettings) -> int:
    """Steps of one epoch: as many as the longest source needs."""
    return math.ceil(fold.longest / schedule.batch_size)


def batches(
    fold: FoldData,
    schedule: TrainingSettings,
    seed: int,
    epoch: int,
    weights: RowWeights | None = None,
) -> Iterator[BatchRows]:
    """One pass over every source, in the same number of steps.

    A small source thus has smaller batches. Where `weights` holds those of a source's rows, as many
    rows are drawn by them as it has. The order depends on the replicate's seed, the source, the
    epoch and the weights: on nothing else of the candidate.
    """
    weights = weights or {}
    steps = steps_per_epoch(fold, schedule)
    chunks = {}
    for source, rows in fold.train.items():
        source_seed = derive_seed(seed, "batches", source, epoch)
        generator = torch.Generator().manual_seed(source_seed)
        if source in weights:
            order = draw_rows(weights[source], generator)
        else:
            order = torch.randperm(len(rows), generator=generator)
        shuffled = rows[order.to(rows.device)]
        chunks[source] = torch.tensor_split(shuffled, steps)
    for step in range(steps):
        yield {source: chunks[source][step] for source in chunks}


def padded_widths(
    fold: FoldData,
    schedule: TrainingSettings,
) -> tuple[int, ...]:
    """The padded lengths of a fold's batches and of its validation rows, source by source.

    Networks whose data differ in these are not trained in one stack: the last bits of a result
    depend on the padded length.
    """
    steps = steps_per_epoch(fold, schedule)
    widths = []
    for source in fold.inputs:
        train_rows = len(fold.train[source])
        validation_rows = len(fold.validation[source])
        longest_batch = math.ceil(train_rows / steps)
        widths.append(padded(longest_batch))
        widths.append(padded(validation_rows))
    return tuple(widths)


def padded(rows: int) -> int:
    """The number of rows, rounded up to a multiple of MULTIPLE."""
    return math.ceil(rows / MULTIPLE) * MULTIPLE
