"""How the storage spells trials, so that people and Optuna's own tools can read them.

A space knows tasks by their places: `host_2` and `split_2` say that task 2 follows the path of
the task at place `host_2` for `split_2` levels. The storage has the names of tasks instead.
Samplers see trials as the space spells them: what they propose depends on no name.
"""

import copy
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial

MOST_SPELLED_TASKS = 32  # whose trees are stored parameter by parameter, for people
PACKED_TREE = "tree_parameters"  # the attribute with those of more tasks: name, value and bound

Convert = Callable[[Any, BaseDistribution], tuple[Any, BaseDistribution]]
"""Gives a value and its distribution in another spelling."""

Changes = dict[str, tuple[str, Convert]]
"""By the name of a parameter its other name, and what converts its values."""


@dataclass(frozen=True)
class Spelled:
    """A parameter that the storage spells otherwise than the space does.

    Attributes:
        in_space: Its name in the space.
        in_storage: Its name in the storage.
        hosts: The names of the tasks that its values are the places of; none: it counts levels.
    """

    in_space: str
    in_storage: str
    hosts: tuple[str, ...] = ()

    def store(self, value: Any, distribution: BaseDistribution) -> tuple[Any, BaseDistribution]:
        """A value and its distribution as the storage has them."""
        if not self.hosts:
            return value, distribution
        return self.hosts[value], CategoricalDistribution(self.hosts)

    def restore(self, value: Any, distribution: BaseDistribution) -> tuple[Any, BaseDistribution]:
        """A value and its distribution as the space has them."""
        if not self.hosts:
            return value, distribution
        return self.hosts.index(value), IntDistribution(0, len(self.hosts) - 1)


class TrialSpelling:
    """The spelling of an arm's trials in the storage.

    Trees of many tasks are stored as one attribute: a row of the database for each task of each
    trial, with the names of all tasks before it, would take longer than the training.

    Args:
        tasks: The names of the tasks in the space's order.
        stored: The trials that there are. Those of earlier versions are spelled as in the space,
            and so will be those that follow: Optuna's tools compare what has one name. Nor are
            trees put into attributes where there are others.
    """

    def __init__(self, tasks: Sequence[str], stored: Sequence[FrozenTrial]) -> None:
        parameters = _spelled(tasks)
        names = {parameter.in_space for parameter in parameters}
        names |= {parameter.in_storage for parameter in parameters}
        of_trees = [trial for trial in stored if names & trial.params.keys()]
        self._packs = len(tasks) > MOST_SPELLED_TASKS and not of_trees
        self._names = frozenset(parameter.in_space for parameter in parameters)
        if any(self._names & trial.params.keys() for trial in of_trees):
            parameters = []
        self._stored: Changes = {}
        self._restored: Changes = {}
        for parameter in parameters:
            self._stored[parameter.in_space] = parameter.in_storage, parameter.store
            self._restored[parameter.in_storage] = parameter.in_space, parameter.restore

    def stored(self, trial: FrozenTrial) -> FrozenTrial:
        """The trial as the storage spells it."""
        if self._packs:
            return _packed(trial, self._names)
        return _respelled(trial, self._stored)

    def restored(self, trial: FrozenTrial) -> FrozenTrial:
        """The trial as the space spells it."""
        if PACKED_TREE in trial.user_attrs:
            return _unpacked(trial)
        return _respelled(trial, self._restored)


def _spelled(tasks: Sequence[str]) -> list[Spelled]:
    """The parameters of a tree of these tasks."""
    parameters = []
    for place, task in enumerate(tasks):
        if not place:
            continue  # the first task follows none
        hosts = tuple(tasks[:place])
        parameters.append(Spelled(f"host_{place}", f"{task} shares with", hosts))
        parameters.append(Spelled(f"split_{place}", f"{task} shared levels"))
    return parameters


def _respelled(trial: FrozenTrial, changes: Changes) -> FrozenTrial:
    """The trial with some of its parameters under other names."""
    params: dict[str, Any] = {}
    distributions = {}
    for name, value in trial.params.items():
        distribution = trial.distributions[name]
        if name in changes:
            name, convert = changes[name]
            value, distribution = convert(value, distribution)
        params[name] = value
        distributions[name] = distribution
    changed = copy.copy(trial)
    changed.params = params
    changed.distributions = distributions
    return changed


def _packed(trial: FrozenTrial, names: Collection[str]) -> FrozenTrial:
    """The trial with the parameters of its tree in one attribute."""
    entries = []
    packed = copy.copy(trial)
    packed.params = dict(trial.params)
    packed.distributions = dict(trial.distributions)
    for name in trial.params:
        if name in names:
            distribution = packed.distributions.pop(name)
            assert isinstance(distribution, IntDistribution)
            entries.append([name, packed.params.pop(name), distribution.high])
    if entries:
        packed.user_attrs = {**trial.user_attrs, PACKED_TREE: entries}
    return packed


def _unpacked(trial: FrozenTrial) -> FrozenTrial:
    """Inverse of `_packed`: the tree comes first, as it is sampled first."""
    params = {}
    distributions: dict[str, BaseDistribution] = {}
    for name, value, high in trial.user_attrs[PACKED_TREE]:
        params[name] = value
        distributions[name] = IntDistribution(0, high)
    unpacked = copy.copy(trial)
    unpacked.params = params | trial.params
    unpacked.distributions = distributions | trial.distributions
    unpacked.user_attrs = {
        name: value for name, value in trial.user_attrs.items() if name != PACKED_TREE
    }
    return unpacked
