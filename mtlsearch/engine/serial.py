"""The serial engine: one component after another, each as a plain module. The reference that faster engines must equal."""

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from mtlsearch.candidate import Candidate, Component, Schedule
from mtlsearch.data import Task, restore, score
from mtlsearch.engine.loop import Fit, TrainingFailedError, fit, transplant
from mtlsearch.engine.model import Model, Network
from mtlsearch.engine.outcome import Outcome, Training
from mtlsearch.engine.seeds import derive, own_randomness
from mtlsearch.engine.training_data import TrainingData
from mtlsearch.tree import SharingTree


class SerialEngine:
    """Trains a cohort one training at a time."""

    def __init__(self, data: TrainingData, schedule: Schedule) -> None:
        self.data, self.schedule = data, schedule

    def train(self, cohort: Sequence[Training]) -> Iterator[Outcome]:
        """Yield one outcome per training, in order. A training that fails says why and leaves the others alone."""
        for training in cohort:
            started = time.perf_counter()
            try:
                model, fits = self.fit_model(training)
                outcome = self._outcome(training, model, fits)
            except TrainingFailedError as error:
                outcome = Outcome.failed(training.number, str(error))
            yield dataclasses.replace(outcome, train_seconds=round(time.perf_counter() - started, 4))

    def fit_model(self, training: Training) -> tuple[Model, list[Fit]]:
        """Train every component of the composition. Raises TrainingFailedError."""
        with own_randomness(self.data.device):
            fits = [self._fit(component, training) for component in training.composition]
        return Model(training.composition, [result.network for result in fits]), fits

    def _fit(self, component: Component, training: Training) -> Fit:
        """Train one component: from scratch, or after pretraining on the tasks that are not its own."""
        start = component.candidate.initialization
        before = round(self.schedule.epochs * start.pretraining)
        others = tuple(task for task in range(len(self.data.dataset.tasks)) if task not in component.tasks)
        network = self._network(component, training)
        if before and others:
            donor = self._network(_all_shared(component.candidate, others), training)
            self._run(donor, training, before)
            transplant(donor, network)
        epochs = max(1, self.schedule.epochs - before)
        return self._run(network, training, epochs, frozen_epochs=round(epochs * start.frozen))

    def _network(self, component: Component, training: Training) -> Network:
        return Network(component, self.data.signature(training.replicate), _seed(training)).to(self.data.device)

    def _run(self, network: Network, training: Training, epochs: int, frozen_epochs: int = 0) -> Fit:
        schedule = dataclasses.replace(self.schedule, epochs=epochs)
        tasks = [self.data.dataset.tasks[task] for task in network.component.tasks]
        return fit(network, tasks, self.data.fold(training.replicate), schedule, frozen_epochs)

    def _outcome(self, training: Training, model: Model, fits: Sequence[Fit]) -> Outcome:
        data = self.data.fold(training.replicate)
        tasks = self.data.dataset.tasks
        validation = {task.name: self._score(model, training, task, data.validation[task.source]) for task in tasks}
        test = {t.name: self._score(model, training, t, self.data.test_rows(t)) for t in tasks} if training.test else {}
        return Outcome(
            number=training.number,
            scores=validation,
            test_scores=test,
            parameters=count_parameters(model),
            macs_per_example=count_macs(model, {source: x[:1] for source, x in data.inputs.items()}),
            epochs=[len(result.history) for result in fits],
            history=[[round(loss, 6) for loss in result.history] for result in fits],
            train_seconds=0.0,
        )

    def _score(self, model: Model, training: Training, task: Task, rows: torch.Tensor) -> float:
        prediction = predict(model, self.data, training.replicate, task, rows)
        value = score(task, self.data.dataset.targets[task.name][rows.cpu().numpy()], prediction)
        if not math.isfinite(value):
            raise TrainingFailedError(f"{task.metric} of {task.name} is {value} on {len(rows)} rows")
        return value


@torch.no_grad()
def predict(model: Model, data: TrainingData, replicate: int, task: Task, rows: torch.Tensor) -> np.ndarray:
    """Predictions for a task on rows of its source, in the task's own units: [N], or [N, C] probabilities."""
    fold = data.fold(replicate)
    index = data.dataset.tasks.index(task)
    position = next(i for i, component in enumerate(model.composition) if index in component.tasks)
    network = model.networks[position]
    inputs = {source: (x[rows] if source == task.source else x[:1]) for source, x in fold.inputs.items()}
    output = network(inputs)[model.composition[position].tasks.index(index)]
    return restore(task, output.cpu().numpy(), fold.prepared)


def count_parameters(model: Model) -> int:
    """Number of trained weights."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_macs(model: Model, inputs: dict[str, torch.Tensor]) -> int:
    """Multiply-accumulates of one forward pass over one row of every source."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(inputs)
    return int(counter.get_total_flops()) // 2


def _all_shared(candidate: Candidate, tasks: Sequence[int]) -> Component:
    """The given tasks on one trunk, with the candidate's own backbone and optimizer."""
    tree = SharingTree.shared(len(tasks), candidate.tree.depth)
    weighting = type(candidate.weighting)()
    return Component(tuple(tasks), dataclasses.replace(candidate, tree=tree, weighting=weighting))


def _seed(training: Training) -> int:
    return derive(training.seed, "replicate", training.replicate)
