"""Confirmation: choose each arm's best on validation, train it with fresh seeds, score the test rows once."""

from collections.abc import Sequence
from dataclasses import dataclass

from mtlsearch.data import Dataset
from mtlsearch.errors import NoCandidateError
from mtlsearch.evidence.candidate_summary import CandidateSummary, pool
from mtlsearch.evidence.selection import Pick, pick, reference_scores
from mtlsearch.evidence.verdict import Comparison, Verdict, compare, decide
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.search.arms import ARMS
from mtlsearch.search.study import Study, trained


@dataclass(frozen=True)
class Confirmed:
    """A pick and the outcomes of its fresh trainings, one per seed; failed ones are left out."""

    pick: Pick
    outcomes: dict[int, TrainingResult]


def evaluated_arms(study: Study, dataset: Dataset) -> dict[str, list[CandidateSummary]]:
    """The pooled candidates of every arm."""
    return {
        arm: pool(trainings, study.request.replicates, dataset.tasks)
        for arm, trainings in trained_arms(study).items()
    }


def trained_arms(study: Study) -> dict[str, list[Trial]]:
    """The finished trainings of every arm."""
    return {arm: trained(arm, study.trials(arm)) for arm in study.request.arms}


def choose(study: Study, dataset: Dataset) -> list[Pick]:
    """The picks of all arms, on validation scores only. Raises NoCandidateError when no training succeeded."""
    arms = evaluated_arms(study, dataset)
    everything = [each for evaluated in arms.values() for each in evaluated]
    if not everything:
        reasons = {
            t.result.failure
            for trainings in trained_arms(study).values()
            for t in trainings
            if t.result.failure
        }
        raise NoCandidateError(
            f"{study.folder}: no training succeeded; reasons: {'; '.join(sorted(map(str, reasons))[:3])}"
        )
    reference = reference_scores(arms.get("single_task", []), everything, dataset.tasks)
    picks = [
        pick(arm, evaluated, dataset.tasks, reference, ARMS[arm].must_share, ARMS[arm].per_task)
        for arm, evaluated in arms.items()
    ]
    return [each for each in picks if each is not None]


def confirmed(study: Study) -> list[Confirmed]:
    """The picks with what their fresh trainings came to so far."""
    trials, seeds = study.trials(study.confirmation), study.request.seeds
    found: list[Confirmed] = []
    for index, each in enumerate(study.picks()):
        own = [
            trial
            for trial in trials[index * seeds : (index + 1) * seeds]
            if "outcome" in trial.user_attrs
        ]
        outcomes = {
            trial.number % seeds: TrainingResult(**trial.user_attrs["outcome"]) for trial in own
        }
        found.append(
            Confirmed(each, {seed: o for seed, o in outcomes.items() if o.failure is None})
        )
    return [each for each in found if each.outcomes]


def compare_confirmed(found: Sequence[Confirmed], dataset: Dataset) -> dict[str, Comparison]:
    """Every other arm against single-task, over the seeds that succeeded in both."""
    by_arm = {each.pick.arm: each for each in found}
    baseline = by_arm.pop("single_task", None)
    comparisons = {}
    for arm, each in by_arm.items():
        seeds = sorted(set(each.outcomes) & set(baseline.outcomes)) if baseline else []
        if baseline and seeds:
            ours = [each.outcomes[seed] for seed in seeds]
            comparisons[arm] = compare(
                arm, ours, [baseline.outcomes[seed] for seed in seeds], dataset.tasks
            )
    return comparisons


def verdict(found: Sequence[Confirmed], dataset: Dataset) -> Verdict | None:
    """The verdict on a confirmed study."""
    names = [task.name for task in dataset.tasks]
    groups = {
        each.pick.arm: [[names[task] for task in part.tasks] for part in each.pick.composition]
        for each in found
    }
    gains, comparisons = (
        {each.pick.arm: each.pick.validation_gain for each in found},
        compare_confirmed(found, dataset),
    )
    sharing = {
        arm: comparisons[arm] for arm, each in ARMS.items() if each.shares and arm in comparisons
    }
    started = [
        e.pick.arm
        for e in found
        if any(part.candidate.initialization.pretraining for part in e.pick.composition)
    ]
    return decide(sharing, gains, groups, started)
