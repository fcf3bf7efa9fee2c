"""Ready-made models against networks: which is better, over all tasks and on each, and how surely.

As the models of the arms they are compared with the baseline. Of the references of a task that one
is set against the recommended model which has the best score on validation rows. Test rows say only
whether it is better: they choose nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.evidence.comparison import (
    RESULTS,
    Comparison,
    Result,
    compare,
    compare_ensembles,
)
from mtlsearch.evidence.ensemble import JackknifedScores
from mtlsearch.evidence.interval import Claim, Interval, claims_together
from mtlsearch.evidence.scoring import TestScores
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.tasks import Task
from mtlsearch.wording import first_of_many

BySeed = Mapping[int, TestScores]  # the index of a seed -> the test scores of its model


@dataclass(frozen=True)
class ReferenceScores:
    """What a reference reached.

    Attributes:
        name: The name of the reference.
        validation: Per task name its score on the validation rows, one for each seed.
        test: By the index of a seed its test scores; of the tasks that it has a model of.
    """

    name: str
    validation: Mapping[str, Sequence[float]]
    test: BySeed

    def seeds(self, task: str) -> list[int]:
        """The indexes of the seeds with a model of a task."""
        return [seed for seed, entry in self.test.items() if task in entry.scores]


@dataclass(frozen=True)
class ReferenceComparison:
    """A reference beside the recommended model, over the same seeds and the same test rows.

    Attributes:
        name: The name of the reference.
        gains: Per task name its gain of skill over the recommended model, in points.
        gain: Its gain of mean skill in points; None where there is not a model of every task.
    """

    name: str
    gains: Mapping[str, Interval]
    gain: Interval | None


@dataclass(frozen=True)
class ReferenceChoice:
    """The reference of a task that is best on validation rows, against the recommended model.

    Attributes:
        task: The name of the task.
        reference: The name of the reference.
        validation: Its mean score on the validation rows.
        gain: Its gain of skill on the test rows over the recommended model, in points.
        result: Whether it wins, ties or loses for all tasks together with 95% confidence (Holm
            1979). No claim is made of an auxiliary task: its own interval tells.
    """

    task: str
    reference: str
    validation: float
    gain: Interval
    result: Result


def compare_fits(
    scores: ReferenceScores,
    networks: BySeed,
    scales: SkillScales,
    rarest: Mapping[str, int],
) -> Comparison | None:
    """Compare a reference with the single networks of an arm, seed by seed.

    It is over the tasks that every fit has a model of.

    Args:
        scores: What the reference reached.
        networks: What the networks of the arm reached.
        scales: The scales of the skill of all tasks on the test rows.
        rarest: By the name of a task whose score rests on few test rows of a class, how many these
            are.

    Returns:
        The comparison; None where they have no seed in common, or no task that counts.
    """
    fits = [entry.scores.keys() for entry in scores.test.values()]
    if not fits:
        return None
    common = scales.among(set.intersection(*map(set, fits)))
    if not common.counted:
        return None
    return _on_common_seeds(scores, networks, common, rarest)


def compare_fit_ensembles(
    name: str,
    ours: JackknifedScores,
    networks: JackknifedScores,
    scales: SkillScales,
    rarest: Mapping[str, int],
) -> Comparison | None:
    """Compare the ensemble of a reference's fits with that of an arm's networks.

    It is over the tasks that the reference has a model of.

    Args:
        name: The name of the reference.
        ours: The test scores of its ensemble.
        networks: Those of the ensemble of networks of the same seeds, of all tasks.
        scales: The scales of the skill of all tasks on the test rows.
        rarest: See `compare_fits`.

    Returns:
        The comparison; None where there is no task that counts.
    """
    common = scales.among(set(ours.test.scores))
    if not common.counted:
        return None
    return _of_ensembles(name, ours, networks, common, rarest)


def compare_reference(
    scores: ReferenceScores,
    recommended: BySeed,
    scales: SkillScales,
    rarest: Mapping[str, int],
) -> ReferenceComparison:
    """Compare a reference with a recommended single model, seed by seed.

    Args:
        scores: What the reference reached.
        recommended: What the recommended model reached.
        scales: The scales of the skill of all tasks on the test rows.
        rarest: By the name of a task whose score rests on few test rows of a class, how many these
            are.
    """
    return _comparison(
        scores.name,
        scales,
        lambda compared: _gain(scores, recommended, compared, rarest),
    )


def compare_reference_ensembles(
    name: str,
    ours: JackknifedScores,
    recommended: JackknifedScores,
    scales: SkillScales,
    rarest: Mapping[str, int],
) -> ReferenceComparison:
    """Compare the ensemble of a reference's fits with that of the recommended model's networks.

    Args:
        name: The name of the reference.
        ours: The test scores of its ensemble, of the tasks that it has a model of.
        recommended: Those of the recommended ensemble of the same seeds, of all tasks.
        scales: The scales of the skill of all tasks on the test rows.
        rarest: By the name of a task whose score rests on few test rows of a class, how many these
            are.
    """

    def gain(compared: SkillScales) -> Interval | None:
        names = {task.name for task in compared.tasks}
        if not names <= ours.test.scores.keys():
            return None
        return _of_ensembles(name, ours, recommended, compared, rarest).gain

    return _comparison(name, scales, gain)


def _of_ensembles(
    name: str,
    ours: JackknifedScores,
    networks: JackknifedScores,
    scales: SkillScales,
    rarest: Mapping[str, int],
) -> Comparison:
    """The comparison on some tasks, which both have."""
    names = {task.name for task in scales.tasks}
    pair = (_only_of(ours, names), _only_of(networks, names))
    rare = {task: count for task, count in rarest.items() if task in names}
    return compare_ensembles(name, *pair, scales, rare)


def _comparison(
    name: str,
    scales: SkillScales,
    gain: Callable[[SkillScales], Interval | None],
) -> ReferenceComparison:
    """The gains on each task by itself and on all, as far as there are any."""
    gains = {}
    for task in scales.tasks:
        gain_of_task = gain(scales.alone(task.name))
        if gain_of_task is not None:
            gains[task.name] = gain_of_task
    return ReferenceComparison(name, gains, gain(scales))


def _only_of(jackknifed: JackknifedScores, names: set[str]) -> JackknifedScores:
    """The scores of some tasks."""
    without = []
    for scores in jackknifed.without:
        without.append({name: score for name, score in scores.items() if name in names})
    return JackknifedScores(_only(jackknifed.test, names), without)


def _gain(
    scores: ReferenceScores,
    recommended: BySeed,
    scales: SkillScales,
    rarest: Mapping[str, int],
) -> Interval | None:
    """The mean gain on tasks over the seeds that both have of all of them; None without such."""
    comparison = _on_common_seeds(scores, recommended, scales, rarest)
    return None if comparison is None else comparison.gain


def _on_common_seeds(
    scores: ReferenceScores,
    networks: BySeed,
    scales: SkillScales,
    rarest: Mapping[str, int],
) -> Comparison | None:
    """The comparison on tasks over the seeds that both have of all of them; None without such."""
    names = {task.name for task in scales.tasks}
    seeds = set(networks)
    for name in names:
        seeds &= set(scores.seeds(name))
    if not seeds:
        return None
    ours = [_only(scores.test[seed], names) for seed in sorted(seeds)]
    baseline = [_only(networks[seed], names) for seed in sorted(seeds)]
    rare = {name: count for name, count in rarest.items() if name in names}
    return compare(scores.name, ours, baseline, scales, rare)


def _only(scores: TestScores, names: set[str]) -> TestScores:
    """The scores of some tasks."""
    return TestScores(
        {name: score for name, score in scores.scores.items() if name in names},
        {name: values for name, values in scores.resampled.items() if name in names},
    )


def best_on_validation(
    references: Sequence[ReferenceScores],
    task: Task,
    seeds: int,
) -> ReferenceScores | None:
    """The reference with the best mean score on validation rows; the first of equals.

    Those with a model of the task for all `seeds` come first; None where none has a model of it.
    """

    def promise(scores: ReferenceScores) -> tuple[bool, float]:
        values = scores.validation[task.name]
        return len(values) >= seeds, task.metric.sign * float(np.mean(values))

    candidates = [entry for entry in references if entry.validation.get(task.name)]
    return max(candidates, key=promise, default=None)


def choose_references(
    references: Sequence[ReferenceScores],
    comparisons: Mapping[str, ReferenceComparison],
    tasks: Sequence[Task],
    seeds: int,
) -> dict[str, ReferenceChoice]:
    """Choose a reference for each task on validation rows, and say whether it is better.

    Args:
        references: What each reference reached.
        comparisons: By the name of a reference its comparison with the recommended model.
        tasks: All tasks.
        seeds: The number of seeds of the confirmation.

    Returns:
        By the name of a task its choice; tasks without a reference are left out.
    """
    chosen = {}
    gains = {}
    for task in tasks:
        best = best_on_validation(references, task, seeds)
        if best is not None and task.name in comparisons[best.name].gains:
            chosen[task.name] = best
            gains[task.name] = comparisons[best.name].gains[task.name]
    claimed = [task.name for task in tasks if not task.options.auxiliary]
    claims = claims_together({name: gain for name, gain in gains.items() if name in claimed})
    choices = {}
    for name, best in chosen.items():
        claim = claims.get(name, Claim(gains[name].sign, gains[name]))
        choices[name] = ReferenceChoice(
            task=name,
            reference=best.name,
            validation=float(np.mean(best.validation[name])),
            gain=claim.interval,
            result=RESULTS[claim.sign],
        )
    return choices


def reference_sentence(choices: Sequence[ReferenceChoice]) -> str:
    """Say on which tasks a reference is better than the recommended model; empty without any."""
    if not choices:
        return ""
    better = [choice for choice in choices if choice.result == "win"]
    if not better:
        tasks = "the only task" if len(choices) == 1 else f"any of {len(choices)} tasks"
        return f"No ready-made model is surely better than the recommended model on {tasks}."
    claims = []
    for choice in better:
        claims.append(f"on {choice.task} {choice.reference} by {_points(choice.gain)}")
    return (
        f"Ready-made models are better than the recommended model: {first_of_many(claims, '; ')}."
    )


def _points(gain: Interval) -> str:
    return f"{gain.mean:.2f} points of skill, 95% interval {gain.low:.2f} to {gain.high:.2f}"
