"""The greedy ensemble of a study: chosen among the confirmed models, on validation rows alone.

Nothing is trained for it. The confirmed models are run once more on the validation rows of their
own folds; which of them are taken, and how often, is kept in the study.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from mtlsearch.candidate import Composition
from mtlsearch.data import Dataset
from mtlsearch.errors import StudyError
from mtlsearch.evidence.ensemble import Predictions
from mtlsearch.evidence.greedy import ValidationFold, select_greedily
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.search.confirmed_files import read_weights
from mtlsearch.search.greedy_choice import GreedyChoice
from mtlsearch.search.ledger import confirmed_seed, files_of, is_recorded, result_of
from mtlsearch.search.study import Study
from mtlsearch.training.prediction import predict
from mtlsearch.training.training_data import TrainingData
from mtlsearch.training.weights import load_model
from mtlsearch.wording import first_of_many

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConfirmedModel:
    """The confirmed model of an arm: what was trained, and its weights by the index of the seed."""

    arm: str
    composition: Composition
    weights: Mapping[int, bytes]


def add_greedy_ensemble(study: Study, dataset: Dataset, reference: str) -> None:
    """Choose the greedy ensemble of a study and keep it there, unless that was done before.

    Where no confirmed model succeeded there is none to choose, and the log says so.

    Args:
        study: The study.
        dataset: Its data.
        reference: The arm that gains on validation rows are relative to.

    Raises:
        StudyError: Not all picks are confirmed yet, or a file of their weights cannot be read.
    """
    if study.greedy_choice is not None:
        return
    models = _confirmed_models(study)
    if not models:
        logger.warning("%s: no greedy ensemble, as no model was confirmed", study.folder)
        return
    study.set_greedy_choice(choose_greedily(models, dataset, study.request.seed, reference))


def _confirmed_models(study: Study) -> list[ConfirmedModel]:
    """The models of the trainings that succeeded, whatever they score on test rows."""
    recorded = [trial for trial in study.stored_trials(study.confirmation) if is_recorded(trial)]
    picks = study.picks()
    if not picks or len(recorded) < len(picks) * study.seeds:
        raise StudyError(
            f"{study.folder}: not all models are confirmed yet, so there is nothing to choose an "
            "ensemble from; finish it with resume"
        )
    weights: dict[str, dict[int, bytes]] = {}
    for trial in recorded:
        if result_of(trial).complete:
            arm, seed = confirmed_seed(trial)
            weights.setdefault(arm, {})[seed] = read_weights(study.folder, files_of(trial))
    models = []
    for pick in picks:
        if pick.arm in weights:
            models.append(ConfirmedModel(pick.arm, pick.composition, weights[pick.arm]))
    return models


def choose_greedily(
    models: Sequence[ConfirmedModel],
    dataset: Dataset,
    seed: int,
    reference: str,
) -> GreedyChoice:
    """Choose among confirmed models on the validation rows of the folds that they were trained on.

    A model is left out where it lacks a seed that another has, and where it is the same as another.

    Args:
        models: The confirmed models in the order of the arms, at least one.
        dataset: The data, of which no test row is looked at.
        seed: The seed of the study.
        reference: The arm that gains are relative to; the first arm where it is none of them.
    """
    started = time.monotonic()
    seeds = max((tuple(sorted(model.weights)) for model in models), key=len)
    pool, left_out = _pool(models, seeds)
    # As in the confirmation: more threads sum in another order, and crowd busy cores.
    torch.set_num_threads(1)
    data = TrainingData(dataset, seed, torch.device("cpu"))
    folds = [_validation_fold(pool, data, index) for index in seeds]
    names = [model.arm for model in pool]
    if reference not in names:
        reference = names[0]
    scales = SkillScales.on_search_rows(dataset)
    selection = select_greedily(folds, scales, reference)
    choice = GreedyChoice(
        counts=selection.counts,
        seeds=seeds,
        validation_gain=selection.gain,
        reference=reference,
        left_out=left_out,
        seconds=round(time.monotonic() - started, 2),
    )
    logger.info("greedy ensemble: %s, chosen in %s s", choice, choice.seconds)
    return choice


def _pool(
    models: Sequence[ConfirmedModel],
    seeds: Sequence[int],
) -> tuple[list[ConfirmedModel], dict[str, str]]:
    """The models to choose from, and by arm why another is not among them."""
    pool: list[ConfirmedModel] = []
    left_out = {}
    for model in models:
        missing = [str(seed) for seed in seeds if seed not in model.weights]
        same = [other.arm for other in pool if other.composition == model.composition]
        if missing:
            left_out[model.arm] = f"it has no model of seed {first_of_many(missing)}"
        elif same:
            left_out[model.arm] = f"it is the model of {same[0]}"
        else:
            pool.append(model)
    return pool, left_out


def _validation_fold(
    models: Sequence[ConfirmedModel],
    data: TrainingData,
    index: int,
) -> ValidationFold:
    """What the models of the seed of this index say of the validation rows of its fold."""
    replicate = Replicate("confirmation", index)
    rows = data.fold(replicate).validation
    labels = {}
    for task in data.dataset.tasks:
        targets = data.dataset.targets[task.name]
        labels[task.name] = targets[rows[task.source].numpy()]
    predictions: dict[str, Predictions] = {}
    for model in models:
        job = TrainingJob(0, model.composition, replicate, data.seed)
        network = load_model(job, data, model.weights[index])
        by_task = {}
        for task in data.dataset.tasks:
            by_task[task.name] = predict(network, data, replicate, task, rows[task.source])
        predictions[model.arm] = by_task
    return ValidationFold(labels, predictions)
