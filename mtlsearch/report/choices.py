"""What was tried of each setting group that the space leaves a choice of names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mtlsearch.candidate import Candidate, Composition
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.inactive import is_inactive
from mtlsearch.records import Trial
from mtlsearch.report.model import NameUse, ReportedChoice, ReportedInterval, UseCount
from mtlsearch.space import SearchSpace
from mtlsearch.tasks import Task


@dataclass(frozen=True)
class ArmEvidence:
    """What is known of one arm: its finished trials, the regression over them, and its models.

    `front` are the compositions of its candidates on the front; `pick` is None before the arm's
    model is chosen.
    """

    arm: str
    trials: Sequence[Trial]
    affinity: Affinity | None
    front: Sequence[Composition]
    pick: Composition | None


def report_choices(
    evidence: ArmEvidence, space: SearchSpace, tasks: Sequence[Task]
) -> list[ReportedChoice]:
    """Report every setting group for which the arm's `space` has several names."""
    choices = []
    for group, names in names_to_choose(space).items():
        gains = _gains(evidence, group)
        uses = []
        for name in names:
            use = _name_use(_Method(group, name), gains.get(name), evidence, tasks)
            uses.append(use)
        choice = ReportedChoice(
            arm=evidence.arm,
            group=group,
            trainings=len(evidence.trials),
            front=len(evidence.front),
            names=tuple(uses),
        )
        choices.append(choice)
    return choices


def names_to_choose(space: SearchSpace) -> Mapping[str, Sequence[str]]:
    """The names of each setting group that is not fixed and has more than one."""
    names_by_group = {}
    for group, options in space.options.items():
        is_fixed = group in space.fixed
        if not is_fixed and len(options) > 1:
            names_by_group[group] = [option.name for option in options]
    return names_by_group


@dataclass(frozen=True)
class _Method:
    """A name that a setting group may have."""

    group: str
    name: str

    def is_of(self, candidate: Candidate) -> bool:
        """Whether the candidate has this name there."""
        return candidate.setting_name(self.group) == self.name

    def acts_in(self, composition: Composition, tasks: Sequence[Task]) -> bool | None:
        """Whether it acts in one of the components that have it; None where none has it."""
        components = [part for part in composition if self.is_of(part.candidate)]
        if not components:
            return None
        return any(not is_inactive(self.group, component, tasks) for component in components)


def _gains(evidence: ArmEvidence, group: str) -> dict[str, ReportedInterval]:
    """What the names of a group are estimated to be worth, where that can be told."""
    if evidence.affinity is None:
        return {}
    worth = evidence.affinity.worth(group)
    return {name: ReportedInterval.of(gain) for name, gain in worth.items()}


def _name_use(
    method: _Method,
    gain: ReportedInterval | None,
    evidence: ArmEvidence,
    tasks: Sequence[Task],
) -> NameUse:
    trials = [trial for trial in evidence.trials if method.is_of(trial.candidate)]
    failed = [trial for trial in trials if not trial.result.complete]
    trained = [trial.candidate.composition() for trial in trials]
    picked = None
    if evidence.pick is not None:
        picked = method.acts_in(evidence.pick, tasks) is True
    return NameUse(
        name=method.name,
        trainings=_count_uses(method, trained, tasks),
        failed=len(failed),
        front=_count_uses(method, evidence.front, tasks),
        picked=picked,
        gain=gain,
    )


def _count_uses(
    method: _Method, compositions: Sequence[Composition], tasks: Sequence[Task]
) -> UseCount:
    acts = [method.acts_in(composition, tasks) for composition in compositions]
    return UseCount(used=acts.count(True), inactive=acts.count(False))
