"""The order in which training reads rows: batches of every source, the same for every candidate."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from mtlsearch.candidate import BatchSize, TrainingSettings
from mtlsearch.seeding import derive_seed
from mtlsearch.training.sampling import RowWeights, draw_rows
from mtlsearch.training.training_data import FoldData

BatchRows = dict[str, Tensor]  # row numbers [B] per source

MULTIPLE = 32  # of rows in a padded batch: a whole number of vector instructions on any CPU

# From so many training rows on, so many rows per step: what TabM's author gathers from the choices
# of its paper (Gorishniy et al. 2025), as pytabkit has it.
AUTOMATIC = {
    108_000: 1024,
    32_000: 512,
    6_400: 256,
    4_500: 128,
    2_800: 64,
    0: 32,
}


def rows_per_step(batch_size: BatchSize, rows: int) -> int:
    """The rows per step at most, where the longest source has so many training rows."""
    if batch_size != "auto":
        return batch_size
    reached = [least for least in AUTOMATIC if rows >= least]
    return AUTOMATIC[max(reached)]


def steps_per_epoch(fold: FoldData, schedule: TrainingSettings) -> int:
    """Steps of one epoch: as many as the longest source needs."""
    rows = rows_per_step(schedule.batch_size, fold.longest)
    return math.ceil(fold.longest / rows)


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
    """The steps of an epoch, and the padded lengths of a fold's batches and validation rows.

    Networks whose data differ in these are not trained in one stack: they step together, and the
    last bits of a result depend on the padded length.
    """
    steps = steps_per_epoch(fold, schedule)
    widths = [steps]
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
