"""Which model is exported: the verdict's, an arm's, or one candidate's, trained once more from its confirmation seed."""

from pathlib import Path

import torch

from mtlsearch.candidate import Composition
from mtlsearch.data import Dataset
from mtlsearch.errors import StudyError, UsageError, unknown
from mtlsearch.evidence.interval import standard_error
from mtlsearch.export.folder import ModelCard, export_model
from mtlsearch.records import TrainingJob
from mtlsearch.search.confirmation import confirmed, verdict
from mtlsearch.search.study import Study, candidate_of
from mtlsearch.search.work_queue import CONFIRMATION_REPLICATE
from mtlsearch.search.worker_context import resolve_device
from mtlsearch.space import SearchSpace
from mtlsearch.training import Engine, TrainingData


def export_chosen(
    study: Study,
    dataset: Dataset,
    space: SearchSpace,
    choice: str,
    to: Path,
    formats: tuple[str, ...] = ("code",),
) -> float:
    """Train the chosen model as its first confirmation did and export it; returns the largest deviation of the export.

    `choice` is `best`, an arm, `ARM:NUMBER` or a number of the searched arm. Raises UsageError or StudyError.
    """
    composition = chosen(study, dataset, choice)
    torch.set_num_threads(
        1
    )  # as in the confirmation: more threads sum in another order, and crowd busy cores
    data = TrainingData(dataset, study.request.seed, resolve_device("cpu"))
    training = TrainingJob(0, composition, CONFIRMATION_REPLICATE, study.request.seed)
    trainer = study.engine.trainer if study.engine else "serial"
    model, _ = Engine(data, space.training.for_verdict(), trainer).fit_model(training)
    return export_model(
        model, data, training.replicate, to, _card(study, dataset, composition), formats
    )


def _card(study: Study, dataset: Dataset, composition: Composition) -> ModelCard:
    """The model's confirmed test scores, where it was confirmed."""
    found = [each for each in confirmed(study) if each.pick.composition == composition]
    if not found:
        return ModelCard(dataset.name, {}, ["This model was not confirmed on test rows."])
    metrics = {}
    for task in dataset.tasks:
        scores = [outcome.test_scores[task.name] for outcome in found[0].outcomes.values()]
        spread = (
            f" (standard error {error:.2g})"
            if (error := standard_error(scores)) is not None
            else ""
        )
        metrics[task.name] = (
            f"{task.metric} {sum(scores) / len(scores):.4g}{spread} on test rows, mean over {len(scores)} trainings"
        )
    return ModelCard(
        dataset.name, metrics, ["The weights are those of the first of these trainings."]
    )


def chosen(study: Study, dataset: Dataset, choice: str) -> Composition:
    """The composition that `choice` names."""
    if choice == "best":
        answer = verdict(confirmed(study), dataset)
        if answer is None:
            raise StudyError(
                f"{study.folder}: not confirmed yet, so there is no best; finish it with resume, or name a candidate"
            )
        choice = answer.recommended
    arm, _, number = (
        choice.rpartition(":") if ":" in choice or choice.isdigit() else (choice, "", "")
    )
    arm = arm or "searched"
    if arm not in study.request.arms:
        raise UsageError(unknown("--candidate", arm, study.request.arms))
    if not number:
        return _picked(study, arm)
    trials = study.trials(arm)
    if not number.isdigit() or int(number) >= len(trials):
        raise UsageError(
            f"--candidate: found {number}; {arm} has the candidates 0..{len(trials) - 1}"
        )
    return candidate_of(trials[int(number)]).composition()


def _picked(study: Study, arm: str) -> Composition:
    picks = {pick.arm: pick.composition for pick in study.picks()}
    if arm not in picks:
        raise StudyError(
            f"{study.folder}: nothing was picked from {arm} yet; finish the study with resume"
        )
    return picks[arm]
