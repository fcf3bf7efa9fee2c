"""The export of a study's model, with the weights of its confirmation if it was confirmed."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from mtlsearch.data import Dataset
from mtlsearch.evidence.interval import standard_error
from mtlsearch.export.folder import export_model
from mtlsearch.export.readme import ModelCard
from mtlsearch.export.select_model import SelectedModel, select_model
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.records import TrainingJob
from mtlsearch.search.analysis import Analysis, Confirmed
from mtlsearch.search.study import Study
from mtlsearch.search.worker_context import resolve_device
from mtlsearch.space import SearchSpace
from mtlsearch.training.engine import Engine
from mtlsearch.training.plain.network import CompositionNetwork
from mtlsearch.training.trainers import FALLBACK
from mtlsearch.training.training_data import TrainingData
from mtlsearch.training.weights import load_model

Train = Callable[[TrainingJob], CompositionNetwork]
"""Trains the model of a job. Raises TrainingFailedError."""


def export_from_study(
    study: Study,
    dataset: Dataset,
    space: SearchSpace,
    choice: str,
    to: Path,
    formats: Sequence[str] = ("code",),
) -> float:
    """Export the model that `choice` names; return the largest deviation of the export.

    A confirmed model has the weights of its first training with a fresh seed. Another one is
    trained as that would have been.

    Args:
        study: The study.
        dataset: Its data.
        space: Its search space.
        choice: What to export, see `select_model`.
        to: The folder, which does not exist or is empty.
        formats: Names of formats, see `export_model`.

    Raises:
        UsageError: There is no such model, or see `export_model`.
        StudyError: The study has not come so far that it could tell.
    """
    analysis = Analysis(study, dataset)
    selected = select_model(analysis, choice)
    model = model_of(selected, study, dataset, space)
    return export_model(model, to, card_of(selected, dataset), formats)


def model_of(
    selected: SelectedModel,
    study: Study,
    dataset: Dataset,
    space: SearchSpace,
) -> TrainedModel:
    """Return a model of a study with its weights."""
    # As in the confirmation: more threads sum in another order, and crowd busy cores.
    torch.set_num_threads(1)
    data = TrainingData(dataset, study.request.seed, resolve_device("cpu"))
    trainer = study.engine.trainer if study.engine else FALLBACK
    engine = Engine(data, space.training.for_verdict(), trainer)

    def train(job: TrainingJob) -> CompositionNetwork:
        network, _ = engine.fit_model(job)
        return network

    return trained_model(selected, data, train)


def trained_model(
    selected: SelectedModel,
    data: TrainingData,
    train: Train,
) -> TrainedModel:
    """Return a model with the weights that its confirmation kept; only without such, train it."""
    job = TrainingJob(0, selected.composition, selected.replicate, data.seed)
    training = selected.kept_training
    if training is None:
        network = train(job)
    else:
        network = load_model(job, data, training.weights())
    return TrainedModel(network, data, selected.replicate)


def card_of(selected: SelectedModel, dataset: Dataset) -> ModelCard:
    """The model's test scores with fresh seeds, if it was confirmed."""
    confirmed = selected.confirmed
    if confirmed is None:
        return ModelCard(dataset.name, notes=["This model was not confirmed on test rows."])
    metrics = {}
    for task in dataset.tasks:
        metrics[task.name] = f"{task.metric.name} {_mean_score(confirmed, task.name)}"
    note = "The weights are those of the first of these trainings."
    return ModelCard(dataset.name, metrics, [note])


def _mean_score(confirmed: Confirmed, task: str) -> str:
    """The mean of a task's test scores over the trainings, as text."""
    scores = confirmed.scores(task)
    mean = sum(scores) / len(scores)
    error = standard_error(scores)
    spread = "" if error is None else f" (standard error {error:.2g})"
    return f"{mean:.4g}{spread} on test rows, mean over {len(scores)} trainings"
