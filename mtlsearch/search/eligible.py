"""What the pick of an arm may be: all that lies in its space, in whichever arm it was trained.

All arms estimate from one pool of trainings. An arm is what its pick may be, not where its evidence
is from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mtlsearch.candidate import Candidate, Component, Composition
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.evidence.tree_search import tree_of_affinity
from mtlsearch.search.arms import Arm
from mtlsearch.space import SearchSpace
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import Task

Trained = tuple[Candidate, CandidateSummary]  # a candidate, and what its trainings come to


def eligible(
    arm: Arm,
    space: SearchSpace,
    trained: Sequence[Trained],
    tasks: Sequence[Task],
) -> list[CandidateSummary]:
    """Return what an arm may pick, in the order given.

    Where the tasks of the arm's model may come of several candidates, a candidate is reduced to the
    tasks that it trains as the arm would. There is nothing where a task is in none of them.

    Args:
        arm: The arm.
        space: The study's space, which the arm restricts.
        trained: The candidates of all arms.
        tasks: All tasks.
    """
    restricted = arm.restrict(space)
    if not arm.per_task:
        return _whole_candidates(restricted, trained)
    reduced = _reduced_candidates(restricted, trained, tasks)
    present: set[str] = set()
    for summary in reduced:
        present.update(summary.estimates)
    is_whole = len(present) == len(tasks)
    return reduced if is_whole else []


def with_best_tree(
    arm: Arm,
    space: SearchSpace,
    trained: Sequence[Trained],
    affinity: Affinity,
) -> list[CandidateSummary]:
    """Return models that an arm may pick although nobody trained them.

    They have the tree that is best by all trainings together, with the settings of each of the
    candidates: of a few dozen trees that were tried, the best one is seldom among them.

    Args:
        arm: The arm.
        space: The study's space, which the arm restricts.
        trained: The candidates of all arms.
        affinity: What the trainings of all arms say together.
    """
    restricted = arm.restrict(space)
    if space.tasks == 1:
        return []
    tree = tree_of_affinity(affinity, restricted.tree.max_branches)
    models = []
    for candidate, summary in trained:
        spelled = _spelled_in(restricted, replace(candidate, tree=tree))
        if spelled is None:
            continue
        composition = spelled.composition()
        model = replace(
            summary,
            composition=composition,
            scores={},
            standard_errors={},
            estimates=affinity.estimates(composition),
            deviations={},
            replicates=0,
        )
        models.append(model)
    return models


def _whole_candidates(
    space: SearchSpace,
    trained: Iterable[Trained],
) -> list[CandidateSummary]:
    whole = []
    for candidate, summary in trained:
        spelled = _spelled_in(space, candidate)
        if spelled is not None:
            model = replace(summary, composition=spelled.composition())
            whole.append(model)
    return whole


def _spelled_in(space: SearchSpace, candidate: Candidate) -> Candidate | None:
    """The candidate, or one that trains the same, that lies in a space; None where none does."""
    for spelled in (candidate, candidate.simplified):
        if space.contains(spelled):
            return spelled
    return None


def _reduced_candidates(
    space: SearchSpace,
    trained: Iterable[Trained],
    tasks: Sequence[Task],
) -> list[CandidateSummary]:
    reduced = []
    for _, summary in trained:
        kept = _lone_components(space, summary.composition)
        if not kept:
            continue
        estimates = {}
        for component in kept:
            [number] = component.tasks
            name = tasks[number].name
            estimates[name] = summary.estimates[name]
        composition = Composition(tuple(kept))
        part = replace(summary, composition=composition, estimates=estimates)
        reduced.append(part)
    return reduced


def _lone_components(space: SearchSpace, composition: Composition) -> list[Component]:
    """The components of one task, spelled as in a space of separate tasks, that lie in it."""
    separate = SharingTree.separate(space.tasks, space.tree.levels)
    lone = []
    for component in composition:
        if len(component.tasks) > 1:
            continue
        spelled = component.candidate.simplified
        if space.contains(replace(spelled, tree=separate)):
            lone.append(Component(component.tasks, spelled))
    return lone
