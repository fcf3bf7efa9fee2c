"""Methods that find nothing to act on: their names say nothing of what was trained."""

from collections.abc import Sequence

from mtlsearch.candidate import Component
from mtlsearch.tasks import Task


def is_inactive(
    group: str,
    component: Component,
    tasks: Sequence[Task],
) -> bool:
    """Whether the component's method of a setting group finds nothing to act on.

    A soft sharing is inactive where it ties no branches. A weighting is inactive where one task is
    alone, and one that rests on gradients where the tasks have no weights in common. Methods of
    other groups always act.

    Args:
        group: The name of the setting group.
        component: The component.
        tasks: All tasks of the dataset.
    """
    candidate = component.candidate
    sources = [task.source for task in tasks]
    wiring = component.wiring(sources)
    if group == "sharing":
        sharing = candidate.sharing
        does_something = sharing.mixes_activations or sharing.ties_weights
        acts = wiring.mixed_streams or wiring.penalized_levels
        return does_something and not acts
    if group == "weighting":
        if len(component.tasks) == 1:
            return True
        nothing_common = candidate.tree.is_separate and not wiring.mixed_streams
        return candidate.weighting.needs_gramian and nothing_common
    return False
