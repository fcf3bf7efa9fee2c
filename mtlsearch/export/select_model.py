"""The model of a study that is exported: the verdict's, an arm's, or that of one candidate."""

from collections.abc import Sequence
from dataclasses import dataclass

from mtlsearch.candidate import Composition
from mtlsearch.errors import StudyError, UsageError, unknown
from mtlsearch.records import Trial
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.arms import SEARCH
from mtlsearch.search.confirmed_models import Confirmed, ConfirmedTraining
from mtlsearch.search.fold_evidence import FoldEvidence

BEST = "best"
"""The choice of the model that the verdict recommends."""

ALL = "all"
"""The choice of all seeds whose weights were kept."""


@dataclass(frozen=True)
class SelectedModel:
    """A model of a study.

    Attributes:
        composition: The model.
        confirmed: Its trainings with fresh seeds; None if there are none that succeeded.
    """

    composition: Composition
    confirmed: Confirmed | None

    def trainings(self, seeds: int | None) -> Sequence[ConfirmedTraining]:
        """Return the first trainings with fresh seeds; None: all of them.

        There are none of a model that was not confirmed. Raises UsageError if there are not as
        many.
        """
        kept = self.confirmed.trainings if self.confirmed else []
        most = len(kept)
        if seeds is not None and (seeds < 1 or 0 < most < seeds):
            allowed = f"{ALL} or 1 to {most}, of which weights were kept" if most else "1 or more"
            raise UsageError(f"--seeds: found {seeds}; allowed: {allowed}")
        return kept[:seeds]


def read_seeds(text: str) -> int | None:
    """Return the number that `--seeds` says; None for all. Raises UsageError."""
    if text == ALL:
        return None
    if text.isdecimal():
        return int(text)
    raise UsageError(f'--seeds: found "{text}"; allowed: {ALL}, or a number from 1 on')


def select_model(analysis: Analysis, choice: str) -> SelectedModel:
    """Return the model that `choice` names.

    In a study with outer folds it is searched on all rows.

    Args:
        analysis: The study.
        choice: `best`, the name of an arm, `ARM:NUMBER`, or a number of the search's own arm.

    Raises:
        UsageError: There is no such arm or candidate.
        StudyError: The study has not come so far that it could tell.
    """
    fold = analysis.handed_over
    if choice == BEST:
        choice = recommended_arm(analysis)
    composition = _select_composition(fold, choice)
    for confirmed in fold.confirmed:
        if confirmed.pick.composition == composition:
            return SelectedModel(composition, confirmed)
    return SelectedModel(composition, None)


def _select_composition(fold: FoldEvidence, choice: str) -> Composition:
    if choice.isdigit():
        choice = f"{SEARCH}:{choice}"
    if ":" not in choice:
        return _pick_of(fold, choice)
    arm, _, number = choice.rpartition(":")
    return _candidate(fold, arm, number)


def recommended_arm(analysis: Analysis) -> str:
    """Return the arm that the verdict recommends. Raises StudyError before there is a verdict."""
    verdict = analysis.verdict
    if verdict is None:
        raise StudyError(
            f"{analysis.study.folder}: not confirmed yet, so there is no best;"
            " finish it with resume, or name a candidate"
        )
    return verdict.recommended


def _check_arm(fold: FoldEvidence, arm: str) -> None:
    arms = fold.study.request.arms
    if arm not in arms:
        raise UsageError(unknown("--candidate", arm, arms))


def _pick_of(fold: FoldEvidence, arm: str) -> Composition:
    """The model that was picked from an arm."""
    _check_arm(fold, arm)
    for pick in fold.picks:
        if pick.arm == arm:
            return pick.composition
    raise StudyError(
        f"{fold.study.folder}: nothing was picked from {arm} yet; finish the study with resume"
    )


def _candidate(
    fold: FoldEvidence,
    arm: str,
    number: str,
) -> Composition:
    """The candidate of an arm whose training has this number."""
    _check_arm(fold, arm)
    trials = fold.trials[arm]
    for trial in trials:
        if str(trial.number) == number:
            return trial.candidate.composition()
    numbers = ", ".join(_first_numbers(trials)) or "none"
    raise UsageError(f"--candidate: found {number}; {arm} has the candidates {numbers}")


def _first_numbers(trials: Sequence[Trial]) -> list[str]:
    """The numbers of an arm's candidates: each has that of its first training."""
    numbers: dict[str, str] = {}
    for trial in trials:
        numbers.setdefault(trial.candidate.key, str(trial.number))
    return list(numbers.values())
