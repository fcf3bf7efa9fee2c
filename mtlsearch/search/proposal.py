"""The next candidate as a pure function of the seed and of what is known: the same after a resume as without one."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from scipy.stats import rankdata

from mtlsearch.candidate import Candidate
from mtlsearch.search.samplers import SAMPLERS
from mtlsearch.search.study import Direction
from mtlsearch.space import SearchSpace
from mtlsearch.structure.tree import SharingTree

MOST_OBJECTIVES = 6  # hypervolume, on which multi-objective samplers rest, costs exponentially more with each further one


class _Shown(FrozenTrial):
    """A trial that a study may have without a copy of its parts, which nobody writes to: most of the time went there."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Shown":
        return copy.copy(self)

    @classmethod
    def of(cls, trial: FrozenTrial) -> "_Shown":
        """The same trial."""
        shown = cls.__new__(cls)
        vars(shown).update(vars(trial))
        return shown


def propose(
    space: SearchSpace,
    sampler: str,
    seed: int,
    history: Sequence[FrozenTrial],
    directions: Sequence[Direction],
    fixed: Mapping[str, Any] | None = None,
) -> tuple[Candidate, FrozenTrial]:
    """Ask a fresh sampler, shown `history` only, for a candidate; return it and the running trial that spells it.

    Parameters in `fixed` are not asked for but have these values.

    With more than MOST_OBJECTIVES objectives the sampler sees one: the mean of the ranks.
    """
    shown = list(history)
    if len(directions) > MOST_OBJECTIVES:
        shown, directions = _mean_ranks(shown, directions), ["minimize"]
    study = optuna.create_study(
        directions=list(directions), sampler=SAMPLERS[sampler].make(seed % 2**32)
    )
    study.add_trials(map(_Shown.of, shown))
    if fixed:
        study.enqueue_trial(dict(fixed))
    trial = study.ask()
    candidate = space.sample(trial)
    asked = study.get_trials(deepcopy=False)[trial.number]
    running = create_trial(
        state=TrialState.RUNNING,
        params=asked.params,
        distributions=asked.distributions,
        system_attrs=asked.system_attrs,
    )
    return candidate, running


def shape(trial: FrozenTrial) -> dict[str, Any]:
    """What a candidate must take from another to train in one stack with it: backbone settings that are no mere rates."""
    rates = {
        name
        for name, distribution in trial.distributions.items()
        if isinstance(distribution, FloatDistribution)
    }
    return {
        name: value
        for name, value in trial.params.items()
        if name.startswith("backbone") and name not in rates
    }


def spelling(tree: SharingTree) -> dict[str, int]:
    """The parameters that make a space sample this tree."""
    hosts, splits = tree.encode()
    named = (("host", hosts), ("split", splits))
    return {
        f"{name}_{task}": value for name, values in named for task, value in enumerate(values, 1)
    }


def _mean_ranks(history: Sequence[FrozenTrial], directions: Sequence[str]) -> list[FrozenTrial]:
    complete = [trial for trial in history if trial.state == TrialState.COMPLETE]
    if not complete:
        return []
    signs = [1.0 if direction == "minimize" else -1.0 for direction in directions]
    values = np.array([trial.values for trial in complete]) * signs
    ranks = rankdata(values, axis=0).mean(axis=1)
    return [
        create_trial(
            params=trial.params,
            distributions=trial.distributions,
            system_attrs=trial.system_attrs,
            value=float(rank),
        )
        for trial, rank in zip(complete, ranks, strict=True)
    ]
