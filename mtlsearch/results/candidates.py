"""The candidates as the report shows them: a point each, and those of the front with what is known of their gain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mtlsearch.candidate import Composition, spell_tree
from mtlsearch.data import Task
from mtlsearch.evidence.evaluated import Evaluated, recombined
from mtlsearch.evidence.front import front
from mtlsearch.evidence.gain import gain_deviation, mean_gain
from mtlsearch.evidence.interval import Interval, normal
from mtlsearch.evidence.pick import Pick


@dataclass(frozen=True)
class Field:
    """All candidates with their gains over `reference`, and the front of them.

    The picks that are composed of several candidates stand among them as estimated.
    """

    tasks: Sequence[Task]
    gains: dict[int, Interval]
    everyone: Sequence[Evaluated]
    best: Sequence[int]

    @classmethod
    def of(
        cls,
        arms: dict[str, list[Evaluated]],
        picks: Sequence[Pick],
        tasks: Sequence[Task],
        reference: dict[str, float],
        cost: str,
    ) -> "Field":
        """`arms` holds the pooled candidates of each."""
        composed = [recombined(pick.composition, arms[pick.arm], tasks) for pick in picks if pick.candidate is None]
        everyone = [each for evaluated in arms.values() for each in evaluated] + [each for each in composed if each]
        best = front(everyone, tasks, cost)
        gains = {number: _gain(each, tasks, reference) for number, each in enumerate(everyone)}
        return cls(tasks, gains, everyone, [number for number, each in enumerate(everyone) if any(each is own for own in best)])

    def of_arm(self, arm: str) -> list[float]:
        """The gains of an arm's own candidates."""
        return [self.gains[n].mean for n, each in enumerate(self.everyone) if each.arm == arm and each.number is not None]

    def points(self) -> list[dict[str, Any]]:
        """One row per candidate."""
        return [self._point(number) for number in range(len(self.everyone))]

    def front(self) -> list[dict[str, Any]]:
        """One row per candidate of the front; a tie overlaps with the one of the largest gain."""
        top = max((self.gains[number] for number in self.best), key=lambda gain: gain.mean, default=Interval(0.0, None, None))
        least = top.mean if top.low is None else top.low
        return [self._front_row(number, least) for number in self.best]

    def _front_row(self, number: int, least: float) -> dict[str, Any]:
        each, gain, point = self.everyone[number], self.gains[number], self._point(number)
        kept = {key: value for key, value in point.items() if key not in ("shares", "front", "scores", "estimates")}
        scores = {
            task.name: {
                "mean": each.scores.get(task.name),
                "standard_error": each.standard_errors.get(task.name),
                "estimate": each.estimates[task.name],
            }
            for task in self.tasks
        }
        return {
            **kept,
            "scores": scores,
            "replicates": each.replicates,
            "gain_interval": gain.to_json(),
            "tie": (gain.mean if gain.high is None else gain.high) >= least,
            "composition": plain(each.composition, [task.name for task in self.tasks]),
        }

    def _point(self, number: int) -> dict[str, Any]:
        each = self.everyone[number]
        return {
            "arm": each.arm,
            "candidate": each.number,
            "scores": dict(each.scores),
            "estimates": dict(each.estimates),
            "parameters": each.parameters,
            "macs_per_example": each.macs_per_example,
            "gain": self.gains[number].mean,
            "shares": each.shares,
            "front": number in self.best,
            "tree": spell_tree(each.composition, [task.name for task in self.tasks]),
        }


def _gain(each: Evaluated, tasks: Sequence[Task], reference: dict[str, float]) -> Interval:
    deviation = gain_deviation(tasks, each.deviations, reference) if each.deviations else None
    return normal(mean_gain(tasks, each.estimates, reference), deviation)


def plain(composition: Composition, names: Sequence[str]) -> list[dict[str, Any]]:
    """The composition as JSON, component by component, with the tasks' names."""
    return [
        {
            "tasks": [names[task] for task in part.tasks],
            "levels": [[[names[part.tasks[t]] for t in node] for node in level] for level in part.candidate.tree.levels],
            "settings": {key: value for key, value in part.candidate.to_json().items() if key != "tree"},
        }
        for part in composition
    ]
