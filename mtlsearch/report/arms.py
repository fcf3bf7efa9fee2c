"""The arms of a study: what each spent, what came of it, and which have a part of their own."""

from collections.abc import Collection, Sequence

from mtlsearch.candidate import TrainingSettings
from mtlsearch.records import Trial
from mtlsearch.report.model import ReportedArm, ReportedFailure
from mtlsearch.search.arms import ARMS
from mtlsearch.search.request import Request


def main_arm(arms: Collection[str]) -> str | None:
    """The arm that the others are controls of: the first of the table that tries many trees."""
    for name, arm in ARMS.items():
        if arm.tries_trees and name in arms:
            return name
    return None


def report_arm(
    name: str,
    trials: Sequence[Trial],
    gains: Sequence[float],
    request: Request,
    training: TrainingSettings,
) -> ReportedArm:
    """Report an arm.

    Args:
        name: The name of the arm.
        trials: Its finished trainings.
        gains: The validation gains of its candidates, in percent.
        request: What was asked for, with the budget of every arm.
        training: How the candidates train.
    """
    failures = [
        ReportedFailure(trial.number, trial.result.failure)
        for trial in trials
        if trial.result.failure is not None
    ]
    train_seconds = sum(trial.result.train_seconds for trial in trials)
    return ReportedArm(
        name=name,
        is_main=name == main_arm(request.arms),
        is_baseline=ARMS[name].is_baseline,
        trainings=request.budget(name),
        epochs=training.epochs,
        complete=len(trials) - len(failures),
        failed=len(failures),
        candidates=len({trial.candidate.key for trial in trials}),
        components_saved=components_saved(trials, request.cohort),
        epochs_run=sum(max(trial.result.epochs, default=0) for trial in trials),
        train_seconds=round(train_seconds, 2),
        best_gain=max(gains, default=None),
        failures=tuple(failures),
    )


def components_saved(trials: Sequence[Trial], cohort: int) -> int:
    """Count the components that were not trained because their cohort had them already.

    A component is trained once for all candidates of a cohort that have it on the same replicate.
    `cohort` is the number of trainings of one.
    """
    wanted = 0
    trained = set()
    for trial in trials:
        cohort_number = trial.number // cohort
        for component in trial.candidate.composition():
            wanted += 1
            trained.add((cohort_number, trial.replicate, component))
    return wanted - len(trained)
