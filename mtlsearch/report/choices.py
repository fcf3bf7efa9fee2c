"""What was tried of each part of a candidate that varies by name: how often, what the front has of it, what it seems worth."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtlsearch.candidate import Composition
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.evidence.inactive import is_idle
from mtlsearch.evidence.selection import Pick
from mtlsearch.records import Trial
from mtlsearch.search.arms import ARMS
from mtlsearch.space import SearchSpace
from mtlsearch.tasks.task import Task


def choice_rows(
    trainings: Mapping[str, Sequence[Trial]],
    front: Sequence[CandidateSummary],
    picks: Sequence[Pick],
    space: SearchSpace,
    tasks: Sequence[Task],
) -> list[dict[str, Any]]:
    """For each arm and each part that has several names there: `{"arm", "part", "trainings", "front", "names"}`."""
    picked = {pick.arm: pick.composition for pick in picks}
    found = []
    for arm, own in trainings.items():
        best = [each.composition for each in front if each.arm == arm]
        varied = _varied(ARMS[arm].pin(space))
        affinity = Affinity.fit(own, tasks) if varied else None
        for part, names in varied.items():
            worth = affinity.worth(part) if affinity else {}
            counts = [_counts(part, name, own, best, picked.get(arm), tasks) for name in names]
            rows = [
                {**row, "gain": worth[row["name"]].to_json() if row["name"] in worth else None}
                for row in counts
            ]
            found.append(
                {"arm": arm, "part": part, "trainings": len(own), "front": len(best), "names": rows}
            )
    return found


def _varied(space: SearchSpace) -> dict[str, list[str]]:
    options = {
        part: [option.name for option in options]
        for part, options in space.options.items()
        if part not in space.pins
    }
    return {part: names for part, names in options.items() if len(names) > 1}


def _counts(
    part: str,
    name: str,
    trainings: Sequence[Trial],
    front: Sequence[Composition],
    picked: Composition | None,
    tasks: Sequence[Task],
) -> dict[str, Any]:
    own = [each for each in trainings if each.candidate.named(part) == name]
    used = [_uses(part, name, each.candidate.composition(), tasks) for each in own]
    best = [_uses(part, name, each, tasks) for each in front]
    return {
        "name": name,
        "trainings": _counted(used),
        "failed": sum(each.result.failure is not None for each in own),
        "front": _counted(best),
        "picked": None if picked is None else _uses(part, name, picked, tasks) is True,
    }


def _counted(uses: Sequence[bool | None]) -> dict[str, int]:
    return {"used": uses.count(True), "idle": uses.count(False)}


def _uses(part: str, name: str, composition: Composition, tasks: Sequence[Task]) -> bool | None:
    """Whether what is named does something in one of the components that have it; None where none has it."""
    own = [
        not is_idle(part, each, tasks) for each in composition if each.candidate.named(part) == name
    ]
    return any(own) if own else None
