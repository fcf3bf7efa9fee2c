"""Where a part of a candidate finds nothing to act on, so that its name says nothing about what was trained."""

from collections.abc import Sequence

from mtlsearch.candidate import Component
from mtlsearch.structure.wiring import Wiring
from mtlsearch.tasks.task import Task


def is_idle(part: str, component: Component, tasks: Sequence[Task]) -> bool:
    """Whether what a component has of a part finds nothing to act on.

    So does a soft sharing where no branches are tied, a weighting where one task is alone, and one by gradients where tasks have
    no weights in common.
    """
    candidate = component.candidate
    wiring = Wiring(component, tuple(tasks[number].source for number in component.tasks))
    if part == "sharing":
        return (
            (candidate.sharing.mixes or candidate.sharing.pulls)
            and not wiring.mixed
            and not wiring.pulled
        )
    if part == "weighting":
        apart = candidate.tree.is_separate and not wiring.mixed
        return len(component.tasks) == 1 or (candidate.weighting.needs_gramian and apart)
    return False
