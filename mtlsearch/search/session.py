"""One session of work on a study: search every arm, then confirm. `search` and `resume` are both this."""

import dataclasses
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from mtlsearch.data import Dataset
from mtlsearch.errors import InterruptedSearchError
from mtlsearch.records import TrainingResult
from mtlsearch.search.confirmation import choose
from mtlsearch.search.engine_choice import chosen_engine
from mtlsearch.search.runners.local import run_local
from mtlsearch.search.schedules import ArmSchedule, Schedule
from mtlsearch.search.sklearn_baselines import score_sklearn_baselines
from mtlsearch.search.study import Study
from mtlsearch.search.work_queue import ConfirmationSchedule, WorkQueue
from mtlsearch.search.worker_context import WorkerContext
from mtlsearch.space import SearchSpace

Run = Callable[[WorkQueue, WorkerContext], None]


class Observer(Protocol):
    """Watches a session."""

    def begin(self, lines: Sequence[Schedule], queue: WorkQueue) -> None:
        """A phase begins: the arms of the search, or the confirmation."""
        ...

    def observe(self, arm: str, outcome: TrainingResult) -> None:
        """A training is recorded."""
        ...


def work(study: Study, dataset: Dataset, space: SearchSpace, observer: Observer) -> None:
    """Bring the study to its end: whatever is not finished is trained, then the picks are confirmed.

    Raises InterruptedSearchError after SIGINT or SIGTERM, with everything finished recorded, and NoCandidateError.
    """
    request = study.request
    with _timed(study), _resumable(study), _runner(study) as run:
        engine = chosen_engine(study, dataset, space)
        workplace = WorkerContext(
            dataset,
            space.training,
            request.seed,
            engine,
            request.device,
            space.plugins,
        )
        _phase(
            study,
            [ArmSchedule(study, arm, dataset, space) for arm in request.arms],
            run,
            workplace,
            observer,
        )
        if not study.picks():
            study.set_picks(choose(study, dataset))
        for_verdict = dataclasses.replace(workplace, schedule=space.training.for_verdict())
        _phase(study, [ConfirmationSchedule(study, study.picks())], run, for_verdict, observer)
        if request.references and study.references is None:
            study.set_references(score_sklearn_baselines(dataset, request.seed, request.seeds))


def _phase(
    study: Study, lines: Sequence[Schedule], run: Run, workplace: WorkerContext, observer: Observer
) -> None:
    queue = WorkQueue(lines, observer.observe)
    observer.begin(lines, queue)
    if queue.finished:
        return
    with _stop_on_signal(queue.stop):
        run(queue, workplace)
    if queue.stopped:
        raise _interrupted(study)


@contextmanager
def _runner(study: Study) -> Iterator[Run]:
    request = study.request
    if request.runner == "local":
        yield run_local
        return
    came = threading.Event()
    with tempfile.TemporaryDirectory(prefix="mtl-", ignore_cleanup_errors=True) as folder:
        with _stop_on_signal(came.set):  # half-started, Ray would neither work nor end
            from mtlsearch.search.runners import ray as ray_runner

            ray_runner.start(request.workers, request.gpus_per_worker, request.ray_address, folder)
        try:
            if came.is_set():
                raise _interrupted(study)
            yield lambda queue, place: ray_runner.run_ray(
                queue, place, request.workers, request.gpus_per_worker
            )
        finally:
            ray_runner.stop()


@contextmanager
def _stop_on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """The first SIGINT or SIGTERM calls `stop`; the second acts as it would have."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def first(number: int, frame: FrameType | None) -> None:
        stop()
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, first)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _resumable(study: Study) -> Iterator[None]:
    """Interrupted at any other moment, or a second time, it still says how to go on."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise _interrupted(study) from error


def _interrupted(study: Study) -> InterruptedSearchError:
    return InterruptedSearchError(
        f"stopped; all finished trainings are kept. Go on with: python cli.py resume {study.folder}"
    )


@contextmanager
def _timed(study: Study) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        study.add_seconds(time.monotonic() - started)
