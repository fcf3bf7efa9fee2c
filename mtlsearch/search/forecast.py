"""How long a study will take and what takes the time, by timings made before it or by itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from optuna.trial import FrozenTrial

from mtlsearch.evidence.sequential import FIRST_SEEDS
from mtlsearch.search.ledger import is_recorded, result_of
from mtlsearch.search.request import Request, count_workers
from mtlsearch.search.seed_plan import AUTO, most_seeds
from mtlsearch.search.study import REFERENCES_ARM, Study
from mtlsearch.search.timings import Timings
from mtlsearch.wording import duration

FIXED_SECONDS = 20.0  # to start workers, and to write a report of few trainings
OVERHEAD = 0.03  # of a core, to propose and to record a training
DRIVER_SECONDS = 0.04  # of the clock, since one after another is proposed and recorded
CHOICES = 2  # times that all trainings are fitted at the end: to choose models, and for the report
LARGEST = 2  # things that take the most time, which are named


@dataclass(frozen=True)
class Workload:
    """What the trainings and fits of a study take, in seconds of one worker.

    Attributes:
        arms: Those of the search, by arm.
        confirmation: Those of the confirmation with the seeds that are certain.
        references: Those of the fits of references.
    """

    arms: Mapping[str, float]
    confirmation: float
    references: float

    @property
    def search(self) -> float:
        """Those of the search."""
        return sum(self.arms.values())

    @property
    def total(self) -> float:
        """All of them."""
        return self.search + self.confirmation + self.references

    @classmethod
    def planned(cls, request: Request, timings: Timings) -> "Workload":
        """What a study is expected to take.

        Args:
            request: What is asked for.
            timings: What single trainings and fits take.
        """
        searches = count_searches(request)
        arms = {}
        confirmation = 0.0
        for arm in request.arms:
            seconds = timings.trainings[arm]
            arms[arm] = seconds * request.budget(arm) * searches
            confirmation += seconds * timings.confirmation * first_seeds(request) * searches
        later_folds = min(first_seeds(request), FIRST_SEEDS) - 1
        references = timings.first_fold + timings.later_fold * later_folds
        return cls(arms, confirmation, references * request.outer_folds)

    @classmethod
    def recorded(cls, study: Study) -> "Workload":
        """What a study took so far, outer folds after the first left out."""
        arms = {arm: _seconds(study.stored_trials(arm)) for arm in study.request.arms}
        return cls(
            arms=arms,
            confirmation=_seconds(study.stored_trials(study.confirmation)),
            references=_seconds(study.stored_trials(REFERENCES_ARM)),
        )


@dataclass(frozen=True)
class Forecast:
    """How long a study is expected to take, in all.

    Attributes:
        request: What is asked for.
        timings: What single trainings and fits take.
        references: The ready-made models that are fitted.
    """

    request: Request
    timings: Timings
    references: tuple[str, ...] = ()

    @property
    def workload(self) -> Workload:
        """What all workers do."""
        return Workload.planned(self.request, self.timings)

    @property
    def seconds(self) -> float:
        """The seconds on the clock from the start to the report."""
        return FIXED_SECONDS + self.training_seconds + self.choosing_seconds

    @property
    def training_seconds(self) -> float:
        """The seconds on the clock while trainings and fits come in.

        Workers divide them among each other, but they all pass through one driver.
        """
        recorded = self._trainings + self._fits
        work = self.workload.total + recorded * OVERHEAD
        return max(self.on_the_clock(work), recorded * DRIVER_SECONDS)

    @property
    def choosing_seconds(self) -> float:
        """The seconds on the clock in which all trainings of the search are fitted at the end."""
        return CHOICES * seconds_of_choice(self.request, self.timings)

    @property
    def speed(self) -> float:
        """The seconds of workers that pass in a second of the clock while they train."""
        return self.workload.total / max(self.training_seconds, 1e-9)

    def on_the_clock(self, seconds: float) -> float:
        """How many seconds on the clock so many of one worker are, divided among all."""
        return seconds / parallel_workers(self.request)

    @property
    def _trainings(self) -> int:
        """The number of trainings, those that confirm included."""
        confirming = len(self.request.arms) * first_seeds(self.request)
        return (searched_trainings(self.request) + confirming) * count_searches(self.request)

    @property
    def _fits(self) -> int:
        """The number of fits of references."""
        seeds = min(first_seeds(self.request), FIRST_SEEDS)
        return len(self.references) * seeds * self.request.outer_folds

    def describe(self) -> str:
        """Say how many trainings there will be, how long it takes in all, and what takes it."""
        workers = parallel_workers(self.request)
        return (
            f"{', '.join(self._counts())}: about {duration(self.seconds)} on "
            f"{_plural(workers, 'worker')}, {self._presumption()}; most of it: {self._largest()}"
        )

    def _counts(self) -> list[str]:
        request = self.request
        searches = count_searches(request)
        trainings = searched_trainings(request) * searches
        times = f" x {searches} searches" if searches > 1 else ""
        counts = [
            f"{trainings} trainings ({_plural(len(request.arms), 'arm')} x {request.trainings}"
            f"{_more_baseline(request)}{times})"
        ]
        models = len(request.arms) * searches
        confirmed = f"{models * first_seeds(request)} to confirm"
        if request.seeds == AUTO:
            confirmed += f" (up to {models * most_seeds(AUTO)} while the answer is open)"
        counts.append(confirmed)
        if self._fits:
            kinds = _plural(len(self.references), "reference")
            counts.append(f"{_plural(self._fits, 'fit')} of {kinds}")
        return counts

    def _presumption(self) -> str:
        timings = self.timings
        if timings.epochs == timings.most_epochs:
            return f"with {_plural(timings.epochs, 'epoch')} each"
        return f"if trainings end after about {timings.epochs} of {timings.most_epochs} epochs"

    def _largest(self) -> str:
        """What takes the most time, with its share."""
        workload = self.workload
        parts = {
            **workload.arms,
            "the confirmation": workload.confirmation,
            "the references": workload.references,
        }
        names = sorted(parts, key=lambda name: -parts[name])[:LARGEST]
        total = max(workload.total, 1e-9)
        return ", ".join(f"{name} {parts[name] / total:.0%}" for name in names)


@dataclass(frozen=True)
class Costs:
    """What a study took.

    Attributes:
        workload: Its trainings and fits, in seconds of one worker.
        wall: The time that has passed while these ran, in seconds.
    """

    workload: Workload
    wall: float

    @classmethod
    def of(cls, study: Study) -> "Costs":
        """What a study took so far."""
        return cls(Workload.recorded(study), study.wall_seconds)

    def minutes(self, seconds: float) -> float:
        """How many minutes trainings of so many seconds would take, beside each other as these."""
        total = self.workload.total
        return self.wall * seconds / total / 60 if total else 0.0


def count_searches(request: Request) -> int:
    """The number of searches: one for each outer fold and one on all rows, or one alone."""
    return 1 if request.outer_folds == 1 else request.outer_folds + 1


def searched_trainings(request: Request) -> int:
    """The number of trainings of one search, over all arms."""
    return sum(request.budget(arm) for arm in request.arms)


def seconds_of_choice(request: Request, timings: Timings) -> float:
    """The seconds in which the models of all searches are chosen, each from its own trainings."""
    return count_searches(request) * timings.choosing(searched_trainings(request))


def first_seeds(request: Request) -> int:
    """The number of seeds that the confirmation has in any case."""
    return FIRST_SEEDS if request.seeds == AUTO else request.seeds


def parallel_workers(request: Request) -> int:
    """The number of trainings that really run side by side: on this machine one per core."""
    if request.runner == "local":
        return 1
    if request.ray_address or request.gpus_per_worker:
        return request.workers
    return min(request.workers, count_workers())


def _more_baseline(request: Request) -> str:
    return ", the baseline twice" if request.more_baseline else ""


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _seconds(trials: Iterable[FrozenTrial]) -> float:
    return sum(result_of(trial).train_seconds for trial in trials if is_recorded(trial))
