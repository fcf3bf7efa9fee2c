"""What the columns of a table are worth to a confirmed model, on test rows, for looking only.

The cost is bounded: the rows, columns and networks that are looked at follow from the size of the
model, and what was left out is said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch

from mtlsearch.arrays import Array
from mtlsearch.data import Dataset, Source
from mtlsearch.errors import StudyError
from mtlsearch.evidence.diagnostics.importance import ColumnImportance, importances
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.inputs.contract import FittedInput, column_arrays
from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.runtime.encoding import columns_of
from mtlsearch.search.confirmed_models import Confirmed, ConfirmedTraining
from mtlsearch.seeding import derive_seed
from mtlsearch.tasks import Task
from mtlsearch.training.plain.network import CompositionNetwork
from mtlsearch.training.training_data import FoldData, TrainingData
from mtlsearch.training.weights import load_model

MOST_ROWS = 1_000  # test rows of a source that are looked at
FEWEST_ROWS = 50  # with fewer the model is too large to look at
MOST_COLUMNS = 60
MOST_NETWORKS = 3  # seeds of the model
MOST_PASSES = 2_000  # of a component's network; more of them mean fewer seeds
MOST_MACS = 1e11  # multiply-accumulates of all passes: some seconds of a CPU

UNSCORED = "its score is not defined on the rows that were looked at"

ScoresByTask = Mapping[str, float]


@dataclass(frozen=True)
class ModelImportances:
    """What the columns are worth to a model.

    Attributes:
        by_task: By the name of a task its columns, the most important first; empty where they were
            not looked at.
        notes: By the name of a task what was looked at, or why nothing was.
    """

    by_task: Mapping[str, Sequence[ColumnImportance]] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


class Slot(NamedTuple):
    """The part of an encoded array, along its second axis, that is made of a column."""

    array: str
    start: int
    stop: int


@dataclass(frozen=True)
class _Look:
    """What is looked at of a source."""

    source: Source
    tasks: Sequence[Task]
    columns: Sequence[str]
    rows: Array
    trainings: Sequence[ConfirmedTraining]

    @property
    def note(self) -> str:
        """What was looked at, in words."""
        columns = f"{len(self.columns)} of {len(self.source.forms)} columns"
        networks = f"{len(self.trainings)} network{'s' if len(self.trainings) > 1 else ''}"
        return f"{columns}, {len(self.rows)} test rows, {networks}"


def column_importance(
    model: Confirmed,
    dataset: Dataset,
    scales: SkillScales,
    seed: int,
) -> ModelImportances:
    """Return what shuffling each column of the test rows costs a model.

    Args:
        model: A confirmed model.
        dataset: The data whose test rows it was scored on.
        scales: The scales of skill on these rows.
        seed: The seed of the study.
    """
    data = TrainingData(dataset, seed, torch.device("cpu"))
    by_task: dict[str, Sequence[ColumnImportance]] = {}
    notes: dict[str, str] = {}
    for source in dataset.sources.values():
        tasks = [task for task in dataset.tasks if task.source == source.name]
        names = [task.name for task in tasks]
        look = _plan(model, source, tasks, seed)
        if isinstance(look, str):
            notes |= dict.fromkeys(names, look)
            continue
        try:
            networks = [_load(model, training, data) for training in look.trainings]
        except StudyError as error:
            notes |= dict.fromkeys(names, str(error))
            continue
        of_source = _look_at(look, networks, data, scales)
        for name in names:
            notes[name] = look.note if name in of_source else UNSCORED
        by_task |= of_source
    return ModelImportances(by_task, notes)


def _plan(
    model: Confirmed,
    source: Source,
    tasks: Sequence[Task],
    seed: int,
) -> _Look | str:
    """What to look at of a source, or why nothing is."""
    columns = list(source.forms)[:MOST_COLUMNS]
    if len(columns) < 2:
        return "there are no columns of a table to compare"
    components = len(model.pick.composition.components)
    networks = MOST_PASSES // (len(columns) * components)
    trainings = model.trainings[: min(max(networks, 1), MOST_NETWORKS)]
    passes = len(trainings) * (len(columns) + 1)
    macs = max(trainings[0].result.macs_per_example, 1)
    affordable = int(MOST_MACS / (passes * macs))
    if affordable < FEWEST_ROWS:
        return "the model is too large to be run so often while a report is made"
    rows = source.splits.predicted
    most = min(affordable, MOST_ROWS)
    if len(rows) > most:
        draw = np.random.default_rng(derive_seed(seed, "looked at", source.name))
        rows = np.sort(draw.choice(rows, most, replace=False))
    return _Look(source, tasks, columns, rows, trainings)


def _load(
    model: Confirmed,
    training: ConfirmedTraining,
    data: TrainingData,
) -> tuple[CompositionNetwork, FoldData]:
    """A network of the model and its fold. Raises StudyError where its weights are not there."""
    replicate = Replicate("confirmation", training.seed_index)
    job = TrainingJob(0, model.pick.composition, replicate, data.seed)
    weights = training.weights()
    network = load_model(job, data, weights)
    return network.eval(), data.fold(replicate)


def _look_at(
    look: _Look,
    networks: Sequence[tuple[CompositionNetwork, FoldData]],
    data: TrainingData,
    scales: SkillScales,
) -> dict[str, Sequence[ColumnImportance]]:
    whole: list[ScoresByTask] = []
    shuffled: list[dict[str, ScoresByTask]] = []
    for number, (network, fold) in enumerate(networks):
        slots = column_slots(fold.prepared.encoders[look.source.name], look.source)
        rows = torch.from_numpy(look.rows)
        inputs = fold.inputs[look.source.name].take(rows)
        whole.append(_scores(look, network, fold, inputs))
        scores = {}
        for column in look.columns:
            order = _order(len(rows), (data.seed, number, column))
            dealt = with_other_cells(inputs, slots[column], order)
            scores[column] = _scores(look, network, fold, dealt)
        shuffled.append(scores)
    by_task: dict[str, Sequence[ColumnImportance]] = {}
    for scale in scales.of_task:
        name = scale.task.name
        if name not in whole[0]:
            continue
        of_task = []
        for by_column in shuffled:
            of_task.append({column: scores[name] for column, scores in by_column.items()})
        ranked = importances(scale, [scores[name] for scores in whole], of_task)
        if np.isfinite([entry.loss for entry in ranked]).all():
            by_task[name] = ranked
    return by_task


def column_slots(encoder: FittedInput, source: Source) -> dict[str, list[Slot]]:
    """Where each column is in what a network reads, as one row shows."""
    cells = column_arrays(source.inputs.iloc[:1])
    slots: dict[str, list[Slot]] = {}
    ends: dict[str, int] = {}
    for encoding in encoder.encodings:
        encoded = encoding.encode(cells)
        for array in encoded.names:
            start = ends.get(array, 0)
            ends[array] = start + getattr(encoded, array).shape[1]
            for column in columns_of([encoding]):
                slots.setdefault(column, []).append(Slot(array, start, ends[array]))
    return slots


def _order(count: int, purpose: tuple[object, ...]) -> torch.Tensor:
    draw = np.random.default_rng(derive_seed("shuffled column", *purpose))
    return torch.from_numpy(draw.permutation(count))


def with_other_cells(
    inputs: NetworkInput, slots: Sequence[Slot], order: torch.Tensor
) -> NetworkInput:
    """The inputs with what is made of one column in another order of rows."""
    changed: dict[str, torch.Tensor] = {}
    for slot in slots:
        tensor = changed.get(slot.array, getattr(inputs, slot.array)).clone()
        tensor[:, slot.start : slot.stop] = tensor[order, slot.start : slot.stop]
        changed[slot.array] = tensor
    return inputs._replace(**changed)


def _scores(
    look: _Look,
    network: CompositionNetwork,
    fold: FoldData,
    inputs: NetworkInput,
) -> ScoresByTask:
    """The scores of the tasks of a source on some of its rows, of which the inputs are given."""
    scores = {}
    for task, prediction in _predictions(look, network, fold, inputs):
        labels = fold.labels[task.name][look.rows]
        scores[task.name] = task.metric.score(labels, prediction)
    return scores


@torch.no_grad()
def _predictions(
    look: _Look,
    network: CompositionNetwork,
    fold: FoldData,
    inputs: NetworkInput,
) -> Iterator[tuple[Task, Array]]:
    """The predictions for the tasks of a source. Of the other sources one row is run."""
    all_inputs = {name: other.take(slice(1)) for name, other in fold.inputs.items()}
    all_inputs[look.source.name] = inputs
    names = list(fold.labels)
    for component, part in zip(network.composition, network.networks, strict=True):
        in_component = [names[number] for number in component.tasks]
        wanted = {task.name: task for task in look.tasks if task.name in in_component}
        if not wanted:
            continue
        outputs = part(all_inputs)
        for name, output in zip(in_component, outputs, strict=True):
            if name in wanted:
                decoder = fold.prepared.decoders[name]
                yield wanted[name], decoder.rows_to_predictions(output.numpy())
