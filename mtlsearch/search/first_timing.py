"""What is timed before the first training of a study: engines, then single trainings and fits."""

from dataclasses import dataclass

import torch

from mtlsearch.data import Dataset
from mtlsearch.errors import UsageError
from mtlsearch.references import installed_references
from mtlsearch.search.engine_choice import choose_engine, local_device
from mtlsearch.search.forecast import Forecast
from mtlsearch.search.request import Request
from mtlsearch.search.study import Study
from mtlsearch.search.time_budget import within_minutes
from mtlsearch.search.timing import Timer
from mtlsearch.search.timings import Timings
from mtlsearch.space import SearchSpace
from mtlsearch.training.engine_choice import Choice
from mtlsearch.training.history import TrainingFailedError
from mtlsearch.training.training_data import TrainingData


@dataclass(frozen=True)
class FirstTiming:
    """The engine of a study, and what its trainings take.

    `timings` is None where the workers' device is not at hand to be timed.
    """

    engine: Choice
    timings: Timings | None

    @classmethod
    def of(cls, request: Request, dataset: Dataset, space: SearchSpace) -> "FirstTiming":
        """Time what is asked for, in this process."""
        engine = choose_engine(request, dataset, space)
        return cls(engine, time_trainings(request, dataset, space, engine))

    def keep(self, study: Study) -> None:
        """Write it into a study, which does not time it again."""
        study.set_engine(self.engine)
        if self.timings is not None:
            study.set_timings(self.timings)


def budget_of_minutes(
    request: Request, dataset: Dataset, space: SearchSpace
) -> tuple[Request, FirstTiming]:
    """Return the request with the budget that fits into its minutes, and what was timed for it.

    Raises UsageError where nothing fits, or where this machine cannot time the workers.
    """
    timing = FirstTiming.of(request, dataset, space)
    if timing.timings is None:
        raise UsageError(
            f"--minutes: found {request.minutes:g}, but what trains is not this machine's to be "
            "timed; say --trainings"
        )
    return within_minutes(request, timing.timings, wanted_references(request)), timing


def forecast_of(study: Study, dataset: Dataset, space: SearchSpace) -> Forecast | None:
    """The forecast of a study, timed when first asked for; None where it cannot be timed."""
    if study.timings is None and study.engine is not None:
        timings = time_trainings(study.request, dataset, space, study.engine)
        if timings is not None:
            study.set_timings(timings)
    if study.timings is None:
        return None
    references = study.references
    if references is None:
        references = wanted_references(study.request)
    return Forecast(study.request, study.timings, references)


def time_trainings(
    request: Request,
    dataset: Dataset,
    space: SearchSpace,
    engine: Choice,
) -> Timings | None:
    """What single trainings take with an engine.

    None where the workers' device is not here, or where no training comes to its first epoch: the
    trainings of the study will say why, each for itself.
    """
    device = local_device(request)
    if device is None:
        return None
    torch.set_num_threads(1)  # as a worker does
    data = TrainingData(dataset, request.seed, device, space.training.search_rows)
    timer = Timer(data, space, engine, request.seed)
    try:
        return timer.timings(request.arms, wanted_references(request), request.reference_rows)
    except TrainingFailedError:
        return None


def wanted_references(request: Request) -> tuple[str, ...]:
    """The references of a study that is not begun."""
    return installed_references() if request.references else ()
