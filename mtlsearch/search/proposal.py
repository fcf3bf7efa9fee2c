"""The next candidate as a pure function of the seed and of what is known.

So it is the same after a resume as without one.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from scipy.stats import rankdata

from mtlsearch.candidate import Candidate
from mtlsearch.search.objectives import Direction
from mtlsearch.search.samplers import SAMPLERS, Sampler
from mtlsearch.space import SearchSpace

# Multi-objective samplers rest on the hypervolume, which costs exponentially more with each
# further objective.
BATCH_SIZE = "optimizer.batch_size"  # the parameter of the rows of a step
MOST_OBJECTIVES = 6


def propose(
    space: SearchSpace,
    sampler: str | Sampler,
    seed: int,
    history: Sequence[FrozenTrial],
    directions: Sequence[Direction],
    fixed: Mapping[str, Any] | None = None,
) -> tuple[Candidate, FrozenTrial]:
    """Ask a new sampler for a candidate.

    Args:
        space: Where the candidate is from.
        sampler: The sampler, or its name in the table.
        seed: The seed of the sampler.
        history: The trials that the sampler is shown. With more than MOST_OBJECTIVES objectives it
            sees one: the mean of the ranks.
        directions: The direction of each objective.
        fixed: Parameters that the sampler is not asked for, with their values.

    Returns:
        The candidate, and the running trial that spells it.
    """
    shown = list(history)
    if len(directions) > MOST_OBJECTIVES:
        shown = _with_mean_ranks(shown, directions)
        directions = ["minimize"]
    if isinstance(sampler, str):
        sampler = SAMPLERS[sampler]
    with sampler.proposing():
        made = sampler.make(seed % 2**32)
        study = optuna.create_study(directions=list(directions), sampler=made)
        sampler.remember(study)
        study.add_trials(map(_UncopiedTrial.of, shown))
        if fixed:
            study.enqueue_trial(dict(fixed))
        trial = study.ask()
        candidate = space.sample(trial)
    asked = study.get_trials(deepcopy=False)[trial.number]
    running = create_trial(
        state=TrialState.RUNNING,
        params=asked.params,
        distributions=asked.distributions,
        system_attrs=asked.system_attrs | sampler.memory_of(study),
    )
    return candidate, running


def shape_parameters(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters that candidates must have in common to train in one stack with this one.

    These are the settings of the backbone that are no mere rates, and the rows of a step.
    """
    parameters = {}
    for name, value in trial.params.items():
        is_rate = isinstance(trial.distributions[name], FloatDistribution)
        is_shape = name.startswith("backbone") and not is_rate
        if is_shape or name == BATCH_SIZE:
            parameters[name] = value
    return parameters


class _UncopiedTrial(FrozenTrial):
    """A trial that a study takes without a copy of its parts, which nobody writes to.

    Most of the time of a proposal went into these copies, and much of it into checks of what had
    been checked when the trial was stored.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> "_UncopiedTrial":
        return copy.copy(self)

    def _validate(self) -> None:
        """It was, when it was stored."""

    @classmethod
    def of(cls, trial: FrozenTrial) -> "_UncopiedTrial":
        """The same trial."""
        uncopied = cls.__new__(cls)
        vars(uncopied).update(vars(trial))
        return uncopied


def _with_mean_ranks(
    history: Sequence[FrozenTrial], directions: Sequence[Direction]
) -> list[FrozenTrial]:
    """The complete trials, each with the mean of its ranks over the objectives as its one value."""
    complete = [trial for trial in history if trial.state == TrialState.COMPLETE]
    if not complete:
        return []
    signs = [1.0 if direction == "minimize" else -1.0 for direction in directions]
    values = np.array([trial.values for trial in complete]) * signs
    ranks = rankdata(values, axis=0).mean(axis=1)
    ranked = []
    for trial, rank in zip(complete, ranks, strict=True):
        ranked.append(
            create_trial(
                params=trial.params,
                distributions=trial.distributions,
                system_attrs=trial.system_attrs,
                value=float(rank),
            )
        )
    return ranked
