"""The candidates as the report shows them: a point each, and those of the front with what is known of their gain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mtlsearch.candidate import Composition
from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.evidence.front import front
from mtlsearch.evidence.gain import gain_deviation, mean_gain
from mtlsearch.evidence.interval import Interval, normal
from mtlsearch.tasks.task import Task


@dataclass(frozen=True)
class Entry:
    """A candidate with its gain over the reference, and whether it is on the front."""

    evaluated: CandidateSummary
    gain: Interval
    on_front: bool

    def point(self, names: Sequence[str]) -> dict[str, Any]:
        """What is shown of every candidate; `names` are those of the tasks."""
        each = self.evaluated
        return {
            "arm": each.arm,
            "candidate": each.number,
            "scores": dict(each.scores),
            "estimates": dict(each.estimates),
            "parameters": each.parameters,
            "macs_per_example": each.macs_per_example,
            "gain": self.gain.mean,
            "shares": each.shares,
            "front": self.on_front,
            "tree": each.composition.spell(names),
        }

    def front_row(self, names: Sequence[str], least: float) -> dict[str, Any]:
        """What is shown of one of the front; it ties when its gain may be `least` or more."""
        each, gain = self.evaluated, self.gain
        kept = {
            k: value
            for k, value in self.point(names).items()
            if k not in ("shares", "front", "scores", "estimates")
        }
        scores = {
            name: {
                "mean": each.scores.get(name),
                "standard_error": each.standard_errors.get(name),
                "estimate": each.estimates[name],
            }
            for name in names
        }
        return {
            **kept,
            "scores": scores,
            "replicates": each.replicates,
            "gain_interval": gain.to_json(),
            "tie": (gain.mean if gain.high is None else gain.high) >= least,
            "composition": plain(each.composition, names),
        }


@dataclass(frozen=True)
class Field:
    """All candidates."""

    names: Sequence[str]
    everyone: Sequence[Entry]

    @classmethod
    def of(
        cls,
        arms: dict[str, list[CandidateSummary]],
        tasks: Sequence[Task],
        reference: dict[str, float],
        cost: str,
    ) -> "Field":
        """`arms` holds the pooled candidates of each; gains are over `reference`."""
        everyone = [each for evaluated in arms.values() for each in evaluated]
        best = {id(each) for each in front(everyone, tasks, cost)}
        names = [task.name for task in tasks]
        return cls(
            names,
            [Entry(each, _gain(each, tasks, reference), id(each) in best) for each in everyone],
        )

    def of_arm(self, arm: str) -> list[float]:
        """The gains of an arm's own candidates."""
        own = [each for each in self.everyone if each.evaluated.arm == arm]
        return [each.gain.mean for each in own]

    def points(self) -> list[dict[str, Any]]:
        """One row per candidate."""
        return [each.point(self.names) for each in self.everyone]

    @property
    def best(self) -> list[CandidateSummary]:
        """Those on the front."""
        return [each.evaluated for each in self.everyone if each.on_front]

    def front(self) -> list[dict[str, Any]]:
        """One row per candidate of the front; a tie overlaps with the one of the largest gain."""
        best = [each for each in self.everyone if each.on_front]
        top = max(
            (each.gain for each in best),
            key=lambda gain: gain.mean,
            default=Interval(0.0, None, None),
        )
        least = top.mean if top.low is None else top.low
        return [each.front_row(self.names, least) for each in best]


def called(number: int | None) -> str:
    """A candidate of this number in words; without one each task has its own."""
    return "a candidate per task" if number is None else f"candidate {number}"


def _gain(each: CandidateSummary, tasks: Sequence[Task], reference: dict[str, float]) -> Interval:
    deviation = gain_deviation(tasks, each.deviations, reference) if each.deviations else None
    return normal(mean_gain(tasks, each.estimates, reference), deviation)


def plain(composition: Composition, names: Sequence[str]) -> list[dict[str, Any]]:
    """The composition as JSON, component by component, with the tasks' names."""
    return [
        {
            "tasks": [names[task] for task in part.tasks],
            "levels": [
                [[names[part.tasks[t]] for t in node] for node in level]
                for level in part.candidate.tree.levels
            ],
            "experts": list(part.candidate.experts),
            "settings": {
                key: value for key, value in part.candidate.to_json().items() if key != "tree"
            },
        }
        for part in composition
    ]
