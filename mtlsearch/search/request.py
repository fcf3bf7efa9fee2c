"""What was asked for: everything that determines a study, as it is stored in it."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mtlsearch.errors import UsageError, unknown
from mtlsearch.search.arms import ARMS, USUAL
from mtlsearch.search.samplers import SAMPLERS
from mtlsearch.training import TRAINERS

RUNNERS = ("ray", "local")
ROUNDS = 3  # cohorts of an arm, or a multiple: later ones are proposed by what earlier ones showed
CANDIDATES_PER_COHORT = 12  # enough to fill a forest, few enough for the sampler to learn


def cohorts(trainings: int, replicates: int, workers: int, arms: int) -> tuple[int, int]:
    """`cohort` and `lag` for a budget: whole candidates, three cohorts per arm or a multiple, and work for every worker."""
    candidates = max(1, trainings // max(1, replicates))
    rounds = ROUNDS * max(
        1,
        round(candidates / CANDIDATES_PER_COHORT / ROUNDS),
        math.ceil(2 * workers / max(1, arms) / ROUNDS),
    )
    return max(1, replicates) * math.ceil(candidates / rounds), max(
        1, math.ceil(workers / max(1, arms))
    )


@dataclass(frozen=True)
class Request:
    """The settings of a study. `trainings` is the budget of each arm; `seeds` are those of the confirmation.

    `cohort` trainings are given to a worker at a time; a cohort is proposed once all but the last `lag` cohorts of
    its arm are finished, which makes proposals independent of timing.
    """

    data: str
    task_flags: tuple[str, ...]
    space: dict[str, Any]
    space_name: str
    digest: str
    created: str
    trainings: int = 32
    replicates: int = 2
    seed: int = 0
    seeds: int = 5
    workers: int = 2
    gpus_per_worker: float = 0.0
    sampler: str = "affinity"
    engine: str = "auto"
    arms: tuple[str, ...] = USUAL
    device: str = "auto"
    runner: str = "ray"
    ray_address: str | None = None
    cohort: int = 8
    lag: int = 1
    references: bool = True
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises UsageError for an unknown name or a count below one."""
        for flag, names, known in (
            ("arms", self.arms, ARMS),
            ("sampler", [self.sampler], SAMPLERS),
        ):
            for name in names:
                if name not in known:
                    raise UsageError(unknown(f"--{flag}", name, known))
        if self.runner not in RUNNERS:
            raise UsageError(unknown("--runner", self.runner, RUNNERS))
        if self.engine not in ("auto", *TRAINERS):
            raise UsageError(unknown("--engine", self.engine, ["auto", *TRAINERS]))
        if not self.arms or len(set(self.arms)) != len(self.arms):
            raise UsageError(
                f"--arms: found {','.join(self.arms) or 'none'}; name each arm once. Known: {', '.join(ARMS)}"
            )
        for flag in ("trainings", "replicates", "seeds", "workers"):
            if getattr(self, flag) < 1:
                raise UsageError(f"--{flag}: found {getattr(self, flag)}; it must be at least 1")
        if self.replicates > self.trainings:
            raise UsageError(
                f"--replicates: found {self.replicates}; it must not exceed --trainings ({self.trainings})"
            )
        if not 0 <= self.gpus_per_worker < float("inf"):
            raise UsageError(
                f"--gpus-per-worker: found {self.gpus_per_worker}; it must be a number and not negative"
            )

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Request":
        """Inverse of `to_json`."""
        return cls(
            **{**value, "task_flags": tuple(value["task_flags"]), "arms": tuple(value["arms"])}
        )
