"""The table of samplers. To add one: one entry here. A sampler is made anew for every proposal."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, NSGAIIISampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from mtlsearch.errors import MtlsearchError, SpaceError

DEFAULT_SAMPLER = "affinity"
MEMORY = "mtlsearch:memory"  # the system attribute of a trial with what its sampler remembers
MOST_SHOWN = 1000
POPULATION = 16  # Optuna's 50 would leave a study of a hundred trainings with two generations

logger = logging.getLogger(__name__)


def is_own(name: str) -> bool:
    """Whether a name is `module:Class` rather than one of the table."""
    return ":" in name


@dataclass(frozen=True)
class Sampler:
    """How candidates are proposed.

    Attributes:
        make: Gives Optuna's sampler for a seed.
        models: Whether affinities propose trees, and scores are told as on an average replicate.
        blamed: Of a sampler that is not in the table, what its errors begin with.
        most_shown: How many of the latest trials it is shown at most; None: all. What it takes to
            propose grows with them.
        memory: Of such a sampler, what it had left in Optuna's study after the proposal before.
    """

    make: Callable[[int], BaseSampler]
    models: bool = False
    blamed: str | None = None
    most_shown: int | None = None
    memory: Mapping[str, Any] = field(default_factory=dict)

    def first_shown(self, known: int) -> int:
        """The number of the first trial that it is shown, of so many that are known."""
        return 0 if self.most_shown is None else max(0, known - self.most_shown)

    def after(self, last: FrozenTrial) -> "Sampler":
        """The sampler with what it remembers after a proposal."""
        return replace(self, memory=last.system_attrs.get(MEMORY, {}))

    def remember(self, study: optuna.Study) -> None:
        """Put into Optuna's study, which is made anew for every proposal, what it remembers."""
        for name, value in self.memory.items():
            study._storage.set_study_system_attr(study._study_id, name, value)

    def memory_of(self, study: optuna.Study) -> dict[str, Any]:
        """The attribute of a proposal that keeps what the sampler has left in Optuna's study."""
        if self.blamed is None:
            return {}
        return {MEMORY: study._storage.get_study_system_attrs(study._study_id)}

    @contextmanager
    def proposing(self) -> Iterator[None]:
        """Raise SpaceError for whatever goes wrong meanwhile in a sampler that is not in the table.

        The log has its traceback.
        """
        try:
            yield
        except Exception as error:  # such a sampler may raise anything
            if self.blamed is None or isinstance(error, MtlsearchError):
                raise
            logger.error("%s fails", self.blamed, exc_info=error)
            words = " ".join(f"{type(error).__name__}: {error}".split())
            raise SpaceError(f"{self.blamed} fails: {words}") from error


def _tpe(seed: int) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(multivariate=True, group=True, seed=seed)


def _nsga2(seed: int) -> BaseSampler:
    return NSGAIISampler(population_size=POPULATION, seed=seed)


def _nsga3(seed: int) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return NSGAIIISampler(population_size=POPULATION, seed=seed)


def _random(seed: int) -> BaseSampler:
    return RandomSampler(seed=seed)


SAMPLERS: dict[str, Sampler] = {
    "affinity": Sampler(_tpe, models=True, most_shown=MOST_SHOWN),
    "tpe": Sampler(_tpe, most_shown=MOST_SHOWN),
    "nsga2": Sampler(_nsga2),
    "nsga3": Sampler(_nsga3),
    "random": Sampler(_random),
}
