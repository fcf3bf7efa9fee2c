"""How often an epoch reads each training row, where a candidate has some read more often."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtlsearch.candidate import OptimizerSettings
from mtlsearch.tasks import Task, has_label
from mtlsearch.training.training_data import FoldData

RowWeights = dict[str, Tensor]  # float64 [n] on the CPU per source, for its n training rows


def row_weights(fold: FoldData, tasks: Sequence[Task], optimizer: OptimizerSettings) -> RowWeights:
    """The weights by which an epoch draws training rows for tasks that train together.

    A source whose rows weigh alike is left out: each of its rows is read once, as without sampling.
    """
    weights: RowWeights = {}
    if not optimizer.samples:
        return weights
    for source, rows in fold.train.items():
        source_weights = torch.ones(len(rows), dtype=torch.float64)
        source_tasks = [task for task in tasks if task.source == source]
        if optimizer.sampling == "balanced":
            source_weights *= _class_weights(fold, source_tasks, rows)
        source_weights *= _scarcity(fold, source_tasks, rows, optimizer.sampling_temperature)
        if source_weights.min() < source_weights.max():
            weights[source] = source_weights
    return weights


def _class_weights(fold: FoldData, tasks: Sequence[Task], rows: Tensor) -> Tensor:
    """The mean weight of each row's classes, [n], with which the classes of a task count alike.

    It is taken over the classification tasks that the row has a label of, each label of a set on
    its own. Without any the row weighs 1, which is the mean of the others.
    """
    total = torch.zeros(len(rows), dtype=torch.float64)
    labels = torch.zeros(len(rows), dtype=torch.float64)
    for task in tasks:
        if not task.kind.is_classification:
            continue
        target = fold.targets[task.name][rows].cpu().reshape(len(rows), -1)
        class_weights = fold.class_weights[task.name].cpu().double()
        weights_of_columns = class_weights.reshape(target.shape[1], -1)
        for column, weights in zip(target.T, weights_of_columns, strict=True):
            is_labelled = ~column.isnan()
            classes = column[is_labelled].long()
            total[is_labelled] += weights[classes]
            labels += is_labelled
    return torch.where(labels > 0, total / labels.clamp(min=1), 1.0)


def _scarcity(fold: FoldData, tasks: Sequence[Task], rows: Tensor, temperature: float) -> Tensor:
    """The weight of each row's scarcest task, [n]; 1 for a row that has no label.

    A task of n labels weighs (n / N)^(1 / temperature - 1), where N are those of the task that has
    most. For tasks that have no rows in common this draws a task in proportion to n^(1 /
    temperature), and one of its rows (Arivazhagan et al. 2019, arXiv:1907.05019).
    """
    weights = torch.ones(len(rows), dtype=torch.float64)
    labelled = []
    for task in tasks:
        target = fold.targets[task.name][rows].cpu()
        labelled.append(torch.from_numpy(has_label(target.numpy())))
    counts = [int(is_labelled.sum()) for is_labelled in labelled]
    for is_labelled, count in zip(labelled, counts, strict=True):
        share = count / max(counts)
        weight = share ** (1 / temperature - 1)
        weights[is_labelled] = weights[is_labelled].clamp(min=weight)
    return weights


def draw_rows(weights: Tensor, generator: torch.Generator) -> Tensor:
    """As many numbers of rows as there are weights [n], in random order.

    A row of weight w is drawn n w / sum(w) times on average, rounded up or down: systematic
    sampling of rows in random order (Hartley & Rao 1962, Annals of Mathematical Statistics 33).
    Independent draws would leave out a third of the rows even where all weigh nearly alike.
    """
    count = len(weights)
    order = torch.randperm(count, generator=generator)
    ends = weights[order].cumsum(0)
    offset = torch.rand(1, dtype=torch.float64, generator=generator)
    ticks = (torch.arange(count) + offset) * (ends[-1] / count)
    drawn = torch.searchsorted(ends, ticks, right=True).clamp(max=count - 1)
    shuffled = torch.randperm(count, generator=generator)
    return order[drawn][shuffled]
