"""Caveats: doubts about what an answer rests on.

Each lowers the decision to "cannot tell" or stands beside it as a warning. A gain over networks
that were not trained to their end is no evidence for sharing. What the intervals allow for already,
such as few seeds and few rows of a class, is a warning.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mtlsearch.data import ScarceClass
from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.evidence.interval import Interval, Sign
from mtlsearch.evidence.selection import best_per_task
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.evidence.spelling import signed
from mtlsearch.records import TrainingResult
from mtlsearch.wording import first_of_many

USUAL_SEEDS = 5
LAST_PART = 3  # a third of the candidates are the last ones
FEWEST_CANDIDATES = 8  # with fewer, what is the best of them changes much with further ones
LARGE_IMPROVEMENT = 1.0  # points of mean skill, from the last candidates of an arm
MOST = 0.5  # of the trainings

Side = Literal["baseline", "sharing"]


@dataclass(frozen=True)
class Caveat:
    """A doubt about what the answer rests on.

    Attributes:
        sentence: The doubt with its figures, and what would remove it.
        lowers: Whether nothing is claimed because of it; else it is a warning beside the decision.
    """

    sentence: str
    lowers: bool


@dataclass(frozen=True)
class BaselineCaveat(Caveat):
    """A doubt about the baseline: while there is one, it is not called tuned."""


@dataclass(frozen=True)
class Rival:
    """A model in which the tasks share nothing, beside the baseline and the model that shares.

    Attributes:
        phrase: What a sentence calls it.
        over_baseline: Its mean gain over the baseline.
        over_sharing: Its mean gain over the model that stands for sharing.
        explanation: What it would mean if it gained as much as sharing does.
    """

    phrase: str
    over_baseline: Interval
    over_sharing: Interval
    explanation: str

    @property
    def reaches_sharing(self) -> bool:
        """Whether it gains as much as sharing, for all that the test rows tell.

        Its gain is the larger one, or it is surely better than the baseline and not surely worse
        than sharing.
        """
        if self.over_sharing.mean >= 0:
            return True
        surely_gains = self.over_baseline.sign == "above"
        return surely_gains and self.over_sharing.sign != "below"


@dataclass(frozen=True)
class Trained:
    """The confirmed model of an arm, and how its trainings ended.

    Attributes:
        arm: The name of the arm.
        side: Which side of the comparison it is on.
        results: Its trainings with fresh seeds.
    """

    arm: str
    side: Side
    results: Sequence[TrainingResult]

    def cut_off(self, epochs: int) -> int:
        """How many of its components' trainings ended at the limit of epochs."""
        return sum(run >= epochs for result in self.results for run in result.epochs)

    @property
    def trainings(self) -> int:
        """The number of trainings of its components."""
        return sum(len(result.epochs) for result in self.results)


def reached_by(rivals: Iterable[Rival], sharing: Interval) -> list[Caveat]:
    """Say that models in which the tasks share nothing gain as much as sharing.

    Args:
        rivals: What may reach it; not looked at where there is nothing to reach.
        sharing: The mean gain over the baseline of the model that stands for sharing. Where it is
            not surely above zero, there is nothing to reach.
    """
    if sharing.sign != "above":
        return []
    reaching = [rival for rival in rivals if rival.reaches_sharing]
    if not reaching:
        return []
    best = max(reaching, key=lambda rival: rival.over_baseline.mean)
    return [
        BaselineCaveat(
            f"With {best.phrase} the gain over the same single-task models is "
            f"{_gain(best.over_baseline.mean)}, as much as with sharing ({_gain(sharing.mean)}): "
            f"{best.explanation}.",
            lowers=True,
        )
    ]


def marked_space(name: str, for_conclusions: bool) -> list[Caveat]:
    """Say that the space is marked as one that nothing is to be concluded from."""
    if for_conclusions:
        return []
    return [
        BaselineCaveat(
            f"The space {name} is marked `for_conclusions: false`: search in another one.",
            lowers=True,
        )
    ]


def cut_off(models: Sequence[Trained], epochs: int, gain: Sign) -> list[Caveat]:
    """Say of which models most trainings ended at the limit of epochs.

    They would be better with more of them, which only strengthens a claim that is in their favor.

    Args:
        models: The models that are compared.
        epochs: The limit.
        gain: Where the gain of the model that shares over the baseline lies.
    """
    caveats: list[Caveat] = []
    for model in models:
        count = model.cut_off(epochs)
        if count <= MOST * model.trainings:
            continue
        sentence = (
            f"Most trainings of the model of {model.arm} ({count} of {model.trainings}) ended at "
            f"the limit of {epochs} epochs, before they stopped improving: "
            f"search with --epochs {2 * epochs}."
        )
        if model.side == "baseline":
            caveats.append(BaselineCaveat(sentence, lowers=gain != "below"))
        else:
            caveats.append(Caveat(sentence, lowers=gain != "above"))
    return caveats


def late_improvement(candidates: Sequence[CandidateSummary], scales: SkillScales) -> float:
    """The points of mean skill that the last third of an arm's candidates added to its best.

    Args:
        candidates: The candidates of an arm whose tasks may each take their own.
        scales: The scales of the skill of all tasks on the rows of the search.

    Returns:
        The gain of the best estimates of all over those of the first two thirds; 0 where these are
        none.
    """
    ordered = sorted(candidates, key=lambda candidate: candidate.number)
    last = len(ordered) // LAST_PART
    earlier = ordered[: len(ordered) - last]
    if not earlier:
        return 0.0
    return scales.gain(_best_estimates(ordered, scales), _best_estimates(earlier, scales))


def _best_estimates(
    candidates: Sequence[CandidateSummary], scales: SkillScales
) -> dict[str, float]:
    best = best_per_task(candidates, scales.tasks)
    return {name: candidate.estimates[name] for name, candidate in best.items()}


def still_improving(arm: str, improvement: float, gain: Sign) -> list[Caveat]:
    """Say that the baseline was still improving when its budget ended.

    Args:
        arm: The name of the baseline.
        improvement: See `late_improvement`.
        gain: Where the gain of the model that shares over the baseline lies.
    """
    if improvement < LARGE_IMPROVEMENT:
        return []
    return [
        BaselineCaveat(
            f"The arm {arm} was still improving when its budget ended (by {_gain(improvement)} in "
            "the last third of it): resume with --more-baseline, which doubles it.",
            lowers=gain != "below",
        )
    ]


def few_candidates(arm: str, candidates: Sequence[CandidateSummary]) -> list[Caveat]:
    """Say that the baseline is the best of few; the comparison is fair where all arms have as few.

    Args:
        arm: The name of the baseline.
        candidates: Its candidates.
    """
    count = len(candidates)
    if count >= FEWEST_CANDIDATES:
        return []
    return [
        BaselineCaveat(
            f"The model of {arm} is the best of few candidates ({count}): more --trainings would "
            "make it better, and those of the other arms.",
            lowers=False,
        )
    ]


def few_seeds(seeds: int) -> list[Caveat]:
    """Say that fewer seeds were compared than usual; the interval allows for it."""
    if seeds >= USUAL_SEEDS:
        return []
    count = "one seed was" if seeds == 1 else f"{seeds} seeds were"
    return [
        Caveat(
            f"Only {count} compared: --seeds {USUAL_SEEDS} would tell more.",
            lowers=False,
        )
    ]


def few_rows(scarce: Sequence[ScarceClass]) -> list[Caveat]:
    """Say which scores rest on few test rows of a class; the interval allows for it."""
    if not scarce:
        return []
    counts = first_of_many([str(entry) for entry in scarce], "; ")
    return [
        Caveat(
            f"This rests on few rows ({counts}): "
            "more labelled rows of that class would tell, more seeds would not.",
            lowers=False,
        )
    ]


def is_tuned(caveats: Sequence[Caveat]) -> bool:
    """Whether nothing speaks against calling the baseline tuned."""
    return not any(isinstance(caveat, BaselineCaveat) for caveat in caveats)


def _gain(value: float) -> str:
    return f"{signed(value, 2)} points"
