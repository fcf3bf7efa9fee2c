"""A composition as the report holds it: component by component, with the tasks' names."""

from collections.abc import Sequence

from mtlsearch.candidate import Component
from mtlsearch.candidate import Composition as SearchedComposition
from mtlsearch.report.model import Composition, ReportedComponent


def report_composition(composition: SearchedComposition, names: Sequence[str]) -> Composition:
    """Report a composition; `names` are those of all tasks of the dataset."""
    return tuple(_report_component(component, names) for component in composition)


def _report_component(component: Component, names: Sequence[str]) -> ReportedComponent:
    candidate = component.candidate
    tasks = [names[task] for task in component.tasks]
    levels = []
    for partition in candidate.tree.levels:
        nodes = []
        for node in partition:
            node_tasks = [tasks[position] for position in node]
            nodes.append(tuple(node_tasks))
        levels.append(tuple(nodes))
    soft_shared_levels = [level + 1 for level in candidate.soft_shared_levels]
    settings = candidate.to_json()
    del settings["tree"]
    return ReportedComponent(
        tasks=tuple(tasks),
        levels=tuple(levels),
        experts=candidate.experts,
        soft_shared_levels=tuple(soft_shared_levels),
        private=candidate.sharing.private,
        settings=settings,
    )
