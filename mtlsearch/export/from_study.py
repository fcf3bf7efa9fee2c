"""The export of a study's model, with the weights of its confirmation if it was confirmed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from mtlsearch.arrays import Array
from mtlsearch.data import Dataset
from mtlsearch.errors import UsageError, unknown
from mtlsearch.evidence.ensemble import Ensemble, mean_prediction
from mtlsearch.evidence.interval import standard_error
from mtlsearch.evidence.scoring import TestScorer
from mtlsearch.export.deviation import deviation
from mtlsearch.export.folder import export_model, write_predictor
from mtlsearch.export.readme import ModelCard
from mtlsearch.export.reference_models import HandOver, hand_over
from mtlsearch.export.refitting import refit, refit_note
from mtlsearch.export.select_model import BEST, SelectedModel, recommended_arm, select_model
from mtlsearch.export.trained_model import TrainedModel, predict_mean
from mtlsearch.export.verification import Runner, run_alone
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.runtime.predictor import Predictor
from mtlsearch.scratch import scratch_folder
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.arms import BASELINE
from mtlsearch.search.confirmed_models import ConfirmedTraining
from mtlsearch.search.study import Study
from mtlsearch.search.tested_models import tested_models
from mtlsearch.search.worker_context import resolve_device
from mtlsearch.space import SearchSpace
from mtlsearch.training.engine import Engine
from mtlsearch.training.plain.network import CompositionNetwork
from mtlsearch.training.trainers import FALLBACK
from mtlsearch.training.training_data import TrainingData
from mtlsearch.training.weights import load_model as load_network

Train = Callable[[TrainingJob], CompositionNetwork]
"""Trains the model of a job. Raises TrainingFailedError."""


@dataclass(frozen=True)
class Order:
    """What is exported of a study.

    Attributes:
        choice: The model, see `select_model`.
        seeds: The number of its trainings, of which each gives a network; None: all that the
            confirmation kept, or one of a model that was not confirmed.
        formats: Names of formats, see `export_model`; but for the code they hold networks alone.
        best_per_task: Whether ready-made models predict the tasks on which they are better.
        tasks: The names of the tasks that are to be predicted; empty: all.
        refit: Whether it is trained anew on all rows, those to validate and to test on as well.
    """

    choice: str = BEST
    seeds: int | None = None
    formats: Sequence[str] = ("code",)
    best_per_task: bool = False
    tasks: Sequence[str] = ()
    refit: bool = False


@dataclass(frozen=True)
class Exported:
    """What an export came to.

    Attributes:
        networks: The number of networks in the folder.
        size: The bytes of its files.
        deviation: The largest deviation of its predictions from those of the models in memory.
        notes: What else is to be known of it, in sentences.
        compared: Which rows that is on.
    """

    networks: int
    size: int
    deviation: float
    notes: Sequence[str]
    compared: str = "test rows"

    @property
    def summary(self) -> str:
        """The export in a line."""
        what = "one network"
        if self.networks > 1:
            what = f"an ensemble of {self.networks} networks (--seeds 1: the first of them alone)"
        return (
            f"{what}, {self.size / 1e6:.2g} MB, checked in a clean interpreter, "
            f"largest deviation on {self.compared} {self.deviation:.1e}"
        )


@dataclass(frozen=True)
class Chosen:
    """What an order comes to, before it is written.

    Attributes:
        models: The networks with what they were trained on.
        card: What the README says beyond them.
        notes: What else is to be known, in sentences.
        compared: Which rows an export is compared on.
    """

    models: Sequence[TrainedModel]
    card: ModelCard
    notes: list[str]
    compared: str


def export_from_study(
    study: Study,
    dataset: Dataset,
    space: SearchSpace,
    order: Order,
    to: Path,
    run: Runner = run_alone,
) -> Exported:
    """Export a model of a study into the folder `to`, which does not exist or is empty.

    A confirmed model has the weights of its trainings with fresh seeds: of all as an ensemble, or
    of the first ones. Another one is trained as these would have been.

    Raises:
        UsageError: There is no such model, it has not as many trainings, or see `export_model` and
            `hand_over`.
        StudyError: The study has not come so far that it could tell.
        ExportError: A model does not predict what the study keeps of it.
    """
    with _one_thread():
        chosen = _choose(study, dataset, space, order)
        schedule = space.training.for_verdict()
        largest = export_model(
            chosen.models,
            to,
            chosen.card,
            order.formats,
            run,
            schedule,
        )
    networks = len(chosen.models)
    return Exported(networks, _size(to), largest, chosen.notes, chosen.compared)


def load_model(
    study: Study,
    dataset: Dataset,
    space: SearchSpace,
    order: Order | None = None,
) -> Predictor:
    """Return a model of a study as a module that predicts DataFrames.

    It is the class that an exported folder holds, with the same weights and the same predictions.
    `order` says which model, as for an export; None: the recommended one. Its formats are not
    looked at. Raises what `export_from_study` raises, but compares nothing.
    """
    with _one_thread(), scratch_folder() as draft:
        chosen = _choose(study, dataset, space, order or Order())
        models = [model.on_cpu() for model in chosen.models]
        write_predictor(draft, models, space.training.for_verdict())
        return Predictor.of_folder(draft)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute as in the confirmation: more threads sum in another order, and crowd busy cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _choose(
    study: Study,
    dataset: Dataset,
    space: SearchSpace,
    order: Order,
) -> Chosen:
    """The networks that an order is for, trained if they are not yet."""
    _check_tasks(order.tasks, dataset)
    analysis = Analysis(study, dataset)
    _check_ready_made(order, analysis)
    selected = select_model(analysis, order.choice)
    handed_over = analysis.handed_over
    data = TrainingData(
        handed_over.dataset,
        handed_over.study.request.seed,
        resolve_device("cpu"),
    )
    trainer = study.engine.trainer if study.engine else FALLBACK
    engine = Engine(data, space.training.for_verdict(), trainer)
    models = _models(selected, engine, order)
    notes = _slice_notes(models[0])
    if order.refit:
        notes.append(refit_note(selected, engine.schedule))
    else:
        kept = "The test predictions that the networks were scored by were kept"
        if handed_over is not analysis:
            kept = "What the networks predict for all rows was kept"
        notes += _notes(selected, selected.trainings(order.seeds), models, kept)
    if order.best_per_task:
        replicates = [model.replicate for model in models]
        handed = hand_over(analysis, data, replicates)
        models = _with_references(models, handed)
        notes += handed.sentences
    if handed_over is analysis:
        card = _card(selected, order, data, notes)
    else:
        card = _card_of_all_rows(selected, analysis, notes)
    if selected.confirmed is None:
        notes.append("It was trained now, as its confirmation would have; --seeds trains several.")
    if order.choice == BEST:
        notes.insert(0, _which_is_best(analysis))
    is_tested = handed_over is analysis and not order.refit
    return Chosen(models, card, notes, "test rows" if is_tested else "all rows")


def _check_ready_made(order: Order, analysis: Analysis) -> None:
    """Raise UsageError where ready-made models are wanted beside what they were not fitted for."""
    if not order.best_per_task:
        return
    if order.choice != BEST:
        raise UsageError(
            f"--best-per-task: found --candidate {order.choice}; ready-made models are compared "
            f"with the recommended model, so leave it out, or say {BEST}"
        )
    if order.refit:
        raise UsageError(
            "--best-per-task: found --refit, which trains networks on all rows and no ready-made "
            "models; leave one of them out"
        )
    if analysis.handed_over is not analysis:
        raise UsageError(
            "--best-per-task: the model of a study with outer folds is searched and fitted on all "
            "rows, and no ready-made model was; leave it out"
        )


def _which_is_best(analysis: Analysis) -> str:
    """Say which model is recommended, and how to get the one that stands on the other side."""
    recommended = recommended_arm(analysis)
    verdict = analysis.verdict
    assert verdict is not None
    other = verdict.arm if recommended == BASELINE else BASELINE
    what = "shares" if other != BASELINE else "shares nothing"
    return (
        f"{BEST} is the model of {recommended}, which the verdict recommends; "
        f"--candidate {other}: the one that {what}"
    )


def _models(selected: SelectedModel, engine: Engine, order: Order) -> list[TrainedModel]:
    """The networks of a model, refitted or as they were confirmed, for the tasks of an order."""

    def train(job: TrainingJob) -> CompositionNetwork:
        network, _ = engine.fit_model(job)
        return network

    if order.refit:
        models = refit(selected, engine, order.seeds)
    else:
        models = trained_models(selected, engine.data, train, order.seeds)
    return [replace(model, only=order.tasks) for model in models]


def _check_tasks(names: Sequence[str], dataset: Dataset) -> None:
    """Raise UsageError for a name of no task."""
    known = [task.name for task in dataset.tasks]
    for name in names:
        if name not in known:
            raise UsageError(unknown("--tasks", name, known))


def _slice_notes(model: TrainedModel) -> list[str]:
    """Say which tasks are left out, if any are."""
    kept = [task.name for task in model.tasks]
    left_out = [task.name for task in model.data.dataset.tasks if task.name not in kept]
    if not left_out:
        return []
    return [
        f"It was trained with {', '.join(left_out)} as well: what only these need is left out, "
        "and the predictions of the others are those of the whole model."
    ]


def trained_models(
    selected: SelectedModel,
    data: TrainingData,
    train: Train,
    seeds: int | None,
) -> list[TrainedModel]:
    """Return a model with the weights that its confirmation kept, training by training.

    Only where there are none train it, with so many seeds. Raises UsageError if there are not as
    many trainings.
    """
    models = []
    for training in selected.trainings(seeds):
        job = _job(selected, data, training.seed_index)
        network = load_network(job, data, training.weights())
        models.append(TrainedModel(network.eval(), data, job.replicate))
    if selected.confirmed is None:
        for index in range(seeds or 1):
            job = _job(selected, data, index)
            models.append(TrainedModel(train(job).eval(), data, job.replicate))
    return models


def _with_references(models: Sequence[TrainedModel], handed: HandOver) -> list[TrainedModel]:
    """The models, each with the ready-made models that are fitted on its replicate."""
    together = []
    for model, references in zip(models, handed.references, strict=True):
        names = {task.name for task in model.tasks}
        kept = {name: reference for name, reference in references.items() if name in names}
        together.append(replace(model, references=kept))
    return together


def _job(selected: SelectedModel, data: TrainingData, seed_index: int) -> TrainingJob:
    replicate = Replicate("confirmation", seed_index)
    return TrainingJob(0, selected.composition, replicate, data.seed)


def _size(folder: Path) -> int:
    files = folder.expanduser().rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def _notes(
    selected: SelectedModel,
    trainings: Sequence[ConfirmedTraining],
    models: Sequence[TrainedModel],
    beginning: str,
) -> list[str]:
    """What is to be known of the model beyond its scores, in sentences.

    `beginning` says which predictions were kept.
    """
    confirmed = selected.confirmed
    if confirmed is None:
        return ["This model was not confirmed on test rows."]
    if len(trainings) == 1:
        return []
    notes = []
    for seed_index, reason in confirmed.left_out.items():
        notes.append(f"Seed {seed_index} is left out of the ensemble: {reason}.")
    kept = mean_prediction([training.predictions for training in trainings])
    notes.append(
        f"{beginning}: the mean of these and that of their weights deviate by "
        f"{_deviation_from(kept, models):.1e} at most."
    )
    return notes


def _deviation_from(kept: Mapping[str, Array], models: Sequence[TrainedModel]) -> float:
    """The largest deviation from predictions of the test rows that were kept, over the tasks."""
    data = models[0].data
    decoders = data.fold(models[0].replicate).prepared.decoders
    deviations = []
    for task in models[0].tasks:
        predicted = predict_mean(models, task, data.test_rows(task))
        deviations.append(deviation(predicted, kept[task.name], decoders[task.name].scale))
    return float(np.max(deviations))


def _card(
    selected: SelectedModel,
    order: Order,
    data: TrainingData,
    notes: Sequence[str],
) -> ModelCard:
    """The model's test scores with fresh seeds, if it was confirmed."""
    dataset = data.dataset
    notes = list(notes)
    confirmed = selected.confirmed
    if confirmed is None:
        return ModelCard(dataset.name, notes=notes)
    trainings = selected.trainings(order.seeds)
    metrics = {}
    for task in dataset.tasks:
        metrics[task.name] = f"{task.metric.name} {_mean_score(confirmed.scores(task.name))}"
    if len(trainings) == 1:
        weights = ["The weights are those of the first of these trainings."]
        return ModelCard(dataset.name, metrics, [*([] if order.refit else weights), *notes])
    predictions = mean_prediction([training.predictions for training in trainings])
    ensemble = TestScorer(dataset, data.seed).score(predictions)
    for task in dataset.tasks:
        score = f"{task.metric.name} {ensemble.scores[task.name]:.4g} on test rows"
        metrics[task.name] = f"{score}; a network alone: {metrics[task.name]}"
    weights = [f"The weights are those of the first {len(trainings)} of these trainings."]
    if len(trainings) == len(confirmed.trainings):
        weights = ["The weights are those of all of these trainings."]
    return ModelCard(dataset.name, metrics, [*([] if order.refit else weights), *notes])


def _card_of_all_rows(
    selected: SelectedModel,
    analysis: Analysis,
    notes: Sequence[str],
) -> ModelCard:
    """The card of a model that has seen all rows: the scores of its arm over the outer folds."""
    notes = list(notes)
    name = f"{analysis.dataset.name}, all rows"
    count = len(analysis.outer_folds)
    seen = "It was searched and fitted on all rows, so it has no test scores of its own"
    if selected.confirmed is None:
        return ModelCard(name, notes=notes)
    arm = selected.confirmed.arm
    for tested in tested_models(analysis):
        if tested.confirmed.arm != arm:
            continue
        metrics = {}
        for task in analysis.dataset.tasks:
            single = _mean_score(tested.confirmed.scores(task.name))
            metrics[task.name] = f"{task.metric.name} {single}"
            if isinstance(tested.ensemble, Ensemble):
                score = tested.ensemble.test.scores[task.name]
                together = f"{task.metric.name} {score:.4g} on test rows"
                metrics[task.name] = f"{together}; a network alone: {metrics[task.name]}"
        return ModelCard(name, metrics, [f"{seen}: these are of {count} outer folds.", *notes])
    return ModelCard(name, notes=[f"{seen}; not all {count} outer folds confirmed {arm}.", *notes])


def _mean_score(scores: Sequence[float]) -> str:
    """The mean of a task's test scores over the trainings, as text."""
    mean = sum(scores) / len(scores)
    error = standard_error(scores)
    spread = "" if error is None else f" (standard error {error:.2g})"
    return f"{mean:.4g}{spread} on test rows, mean over {len(scores)} trainings"
