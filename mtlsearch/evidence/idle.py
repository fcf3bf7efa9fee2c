"""Where a part of a candidate finds nothing to act on, so that its name says nothing about what was trained."""

from collections import Counter
from collections.abc import Sequence

from mtlsearch.candidate import Component
from mtlsearch.data import Task


def is_idle(part: str, component: Component, tasks: Sequence[Task]) -> bool:
    """Whether what a component has of a part finds nothing to act on.

    So does a soft sharing where no branches are tied, a weighting where one task is alone, and one by gradients where tasks have
    no weights in common.
    """
    candidate, mixed = component.candidate, _is_mixed(component, tasks)
    if part == "sharing":
        sharing = candidate.sharing
        return (sharing.mixes or sharing.pulls) and not mixed and not (sharing.pulls and candidate.tied)
    if part == "weighting":
        apart = candidate.tree.is_separate and not mixed
        return len(component.tasks) == 1 or (candidate.weighting.needs_gramian and apart)
    return False


def _is_mixed(component: Component, tasks: Sequence[Task]) -> bool:
    """Whether activations are mixed: those of one source, between the branches of a level."""
    candidate = component.candidate
    for level in candidate.tied if candidate.sharing.mixes else ():
        branches = [{tasks[component.tasks[place]].source for place in node} for node in candidate.tree.levels[level]]
        if max(Counter(source for branch in branches for source in branch).values()) > 1:
            return True
    return False
