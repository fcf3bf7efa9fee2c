"""The table of samplers. To add one: one entry here. A sampler is made anew for every proposal."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, NSGAIIISampler, NSGAIISampler, RandomSampler, TPESampler

POPULATION = 16  # Optuna's 50 would leave a study of a hundred trainings with two generations


@dataclass(frozen=True)
class Sampler:
    """How candidates are proposed.

    Attributes:
        make: Gives Optuna's sampler for a seed.
        models: Whether affinities propose trees, and scores are told as on an average replicate.
    """

    make: Callable[[int], BaseSampler]
    models: bool = False


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
    "affinity": Sampler(_tpe, models=True),
    "tpe": Sampler(_tpe),
    "nsga2": Sampler(_nsga2),
    "nsga3": Sampler(_nsga3),
    "random": Sampler(_random),
}
