"""What was asked for: everything that determines a study, as it is stored in it."""

import dataclasses
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mtlsearch.errors import UsageError, unknown
from mtlsearch.evidence.words import ENSEMBLE, SINGLE
from mtlsearch.search.arms import ARMS, BASELINE, USUAL
from mtlsearch.search.samplers import SAMPLERS
from mtlsearch.search.seed_plan import AUTO, Seeds
from mtlsearch.training.trainers import TRAINERS

RUNNERS = ("ray", "local")
ENGINES = ("auto", *TRAINERS)
COMPARED = (ENSEMBLE, SINGLE)
COUNTS = ("trainings", "replicates", "workers")  # the fields that are at least 1
ROUNDS = 3  # cohorts of an arm, or a multiple: later ones are proposed by what earlier ones showed
MORE_BASELINE = 2  # times the budget of another arm that the baseline gets when it gets more
CANDIDATES_PER_COHORT = 12  # enough to fill a forest, few enough for the sampler to learn
COHORTS_PER_WORKER = 2  # at least, over all arms


@dataclass(frozen=True)
class Pacing:
    """How the budget of an arm is handed out.

    Attributes:
        cohort: The number of trainings that a worker is given at a time.
        proposal_delay: How many cohorts of an arm may be under way while one is proposed, itself
            included: it is proposed from the results of all others.
    """

    cohort: int
    proposal_delay: int

    @classmethod
    def of(cls, trainings: int, replicates: int, workers: int, arms: int) -> "Pacing":
        """The pacing for a budget: whole candidates, and work for every worker.

        Args:
            trainings: The budget of each arm.
            replicates: The number of trainings of each candidate.
            workers: The number of parallel workers.
            arms: The number of arms.
        """
        replicates = max(1, replicates)
        arms = max(1, arms)
        candidates = max(1, trainings // replicates)
        for_learning = round(candidates / CANDIDATES_PER_COHORT / ROUNDS)
        for_workers = math.ceil(COHORTS_PER_WORKER * workers / arms / ROUNDS)
        cohorts = ROUNDS * max(1, for_learning, for_workers)
        return cls(
            cohort=replicates * math.ceil(candidates / cohorts),
            proposal_delay=max(1, math.ceil(workers / arms)),
        )


@dataclass(frozen=True)
class Request:
    """The settings of a study.

    Attributes:
        data: What finds the data again: a path or the name of an embedded problem.
        task_flags: The tasks as the command line spells them.
        space: The search space as YAML gives it.
        space_name: The name of the space or its file.
        digest: A digest of the prepared data.
        created: When the study was made, in ISO 8601.
        trainings: The budget of each arm.
        replicates: How many trainings a candidate gets.
        seed: The seed of the whole study.
        seeds: How many fresh seeds the confirmation has, or that it has as many as the answer
            needs. Read it with `Study.seeds`, which is how many there are.
        workers: How many trials run in parallel.
        gpus_per_worker: The share of a GPU that a worker gets.
        sampler: The name of the sampler, of the table or `module:Class`.
        engine: auto, or the name of the trainer.
        arms: The names of the arms.
        device: auto, cpu or cuda.
        runner: Where cohorts are trained.
        ray_address: The address of a Ray cluster; None: this machine.
        cohort: How many trainings a worker is given at a time.
        proposal_delay: A cohort is proposed once all but the last so many cohorts of its arm are
            finished, which makes proposals independent of timing.
        task_options: The options of tasks, such as `--importance NAME=3`.
        references: Whether ready-made models are fitted for comparison.
        versions: The versions of what the study was made with, by name.
        column_flags: What the command line said of columns: the record of a `ColumnFlags`.
        compare: Whether the verdict is on the ensembles of the confirmed seeds or on single models;
            ensembles in studies of the time before there was a choice.
        greedy_ensemble: Whether an ensemble is chosen among the confirmed models of all arms.
        reference_rows: How many training rows a reference is given at most; None: as many as each
            of them says.
        margin: The difference in points of mean skill that does not matter.
        more_baseline: Whether the baseline gets MORE_BASELINE times the budget of another arm.
        outer_folds: How many sets of test rows there are, each with a search of its own.
        minutes: The time that was asked for, into which the number of trainings fits; None: they
            were asked for themselves.
        added_arms: Those of the arms that were added to a study that had begun.
        sampler_module: Where the module of a sampler `module:Class` was and what it was; None for
            one of the table.
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
    seeds: Seeds = AUTO
    workers: int = 2
    gpus_per_worker: float = 0.0
    sampler: str = "affinity"
    engine: str = "auto"
    arms: tuple[str, ...] = USUAL
    device: str = "auto"
    runner: str = "ray"
    ray_address: str | None = None
    cohort: int = 8
    proposal_delay: int = 1
    task_options: tuple[str, ...] = ()
    references: bool = True
    versions: dict[str, str] = field(default_factory=dict)
    column_flags: dict[str, Any] = field(default_factory=dict)
    compare: str = ENSEMBLE
    greedy_ensemble: bool = False
    reference_rows: int | None = None
    margin: float = 1.0
    more_baseline: bool = False
    outer_folds: int = 1
    minutes: float | None = None
    added_arms: tuple[str, ...] = ()
    sampler_module: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown name or a number out of range."""
        of_table = self.sampler if self.sampler_module is None else None
        check_names(self.arms, of_table, self.engine, self.compare, self.runner)
        self._check_baseline()
        self._check_numbers()
        self._check_gpus()

    def _check_baseline(self) -> None:
        if self.more_baseline and BASELINE not in self.arms:
            names = ",".join(self.arms)
            raise UsageError(f"--more-baseline: found arms {names}; {BASELINE} is not among them")

    def _check_numbers(self) -> None:
        for name in COUNTS:
            value = getattr(self, name)
            if value < 1:
                raise UsageError(f"--{name}: found {value}; it must be at least 1")
        if self.seeds != AUTO and self.seeds < 1:
            raise UsageError(f"--seeds: found {self.seeds}; allowed: {AUTO}, or a number from 1 on")
        if self.reference_rows is not None and self.reference_rows < 1:
            raise UsageError(
                f"--reference-rows: found {self.reference_rows}; it must be at least 1"
            )
        if self.outer_folds < 1:
            raise UsageError(
                f"--outer-folds: found {self.outer_folds}; it must be at least 2, so that every "
                "row is a test row once, or 1 for one set of test rows"
            )
        if self.replicates > self.trainings:
            raise UsageError(
                f"--replicates: found {self.replicates}; "
                f"it must not exceed --trainings ({self.trainings})"
            )
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise UsageError(f"--minutes: found {self.minutes:g}; it must be more than 0")
        if not 0 <= self.margin < math.inf:
            raise UsageError(
                f"--margin: found {self.margin:g}; it must be a number of points and not negative"
            )

    def _check_gpus(self) -> None:
        gpus = self.gpus_per_worker
        if not 0 <= gpus < math.inf:
            raise UsageError(
                f"--gpus-per-worker: found {gpus}; it must be a number and not negative"
            )
        if gpus > 1 and gpus % 1:
            raise UsageError(
                f"--gpus-per-worker: found {gpus:g}; it must be a share of a GPU, or a whole number"
            )

    def budget(self, arm: str) -> int:
        """The number of trainings of an arm."""
        if self.more_baseline and ARMS[arm].is_baseline:
            return MORE_BASELINE * self.trainings
        return self.trainings

    @property
    def trains_here(self) -> bool:
        """Whether it is this process that trains."""
        return self.runner == "local"

    @property
    def budget_name(self) -> str:
        """What tells the budget from the study's earlier ones: its picks are stored under that."""
        name = f"{self.trainings}"
        if self.more_baseline:
            name += "+baseline"
        return "+".join([name, *self.added_arms])

    @property
    def epochs(self) -> int:
        """The number of epochs of a training at most."""
        return int(self.space["training"]["epochs"])

    @property
    def for_conclusions(self) -> bool:
        """Whether the space is one that a study may claim anything from."""
        from mtlsearch.space import FOR_CONCLUSIONS

        return bool(self.space.get(FOR_CONCLUSIONS, True))

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Request":
        """Inverse of `to_json`."""
        fields = dict(value)
        fields["task_flags"] = tuple(value["task_flags"])
        fields["task_options"] = tuple(value.get("task_options", ()))
        fields["arms"] = tuple(value["arms"])
        fields["added_arms"] = tuple(value.get("added_arms", ()))
        return cls(**fields)


def count_workers(asked: int = 0) -> int:
    """The number of workers; 0 asked for are one for each core that this process may use."""
    return asked or len(os.sched_getaffinity(0))


def check_names(
    arms: tuple[str, ...],
    sampler: str | None,
    engine: str,
    compare: str,
    runner: str,
) -> None:
    """Raise UsageError for an unknown name, or an arm that is named twice.

    A sampler is one of the table; None: it is not.
    """
    for arm in arms:
        _check_name("arms", arm, ARMS)
    if sampler is not None:
        _check_name("sampler", sampler, SAMPLERS)
    _check_name("runner", runner, RUNNERS)
    _check_name("engine", engine, ENGINES)
    _check_name("compare", compare, COMPARED)
    if not arms or len(set(arms)) < len(arms):
        found = ",".join(arms) or "none"
        raise UsageError(f"--arms: found {found}; name each arm once. Known: {', '.join(ARMS)}")


def _check_name(flag: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise UsageError(unknown(f"--{flag}", name, known))
