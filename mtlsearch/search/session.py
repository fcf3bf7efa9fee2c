"""One session of work on a study: search every arm, then confirm.

Both `search` and `resume` are this.
"""

import dataclasses
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from types import FrameType

from mtlsearch.data import Dataset
from mtlsearch.errors import InterruptedSearchError
from mtlsearch.program import command
from mtlsearch.records import TrainingResult
from mtlsearch.references import installed_references
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.arms import BASELINE
from mtlsearch.search.batch_sizes import batch_size_notices, search_row_notices
from mtlsearch.search.engine_choice import engine_of
from mtlsearch.search.first_timing import forecast_of
from mtlsearch.search.forecast import Forecast
from mtlsearch.search.greedy_ensemble import add_greedy_ensemble
from mtlsearch.search.log import study_log
from mtlsearch.search.parts import Part, in_part, parts_of
from mtlsearch.search.runners.local import run_local
from mtlsearch.search.schedules import (
    ArmSchedule,
    ConfirmationSchedule,
    ReferenceSchedule,
    Schedule,
)
from mtlsearch.search.status import StudyStatus
from mtlsearch.search.study import Study
from mtlsearch.search.time_keeping import TimeKeeper
from mtlsearch.search.versions import change_of_versions
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.search.worker_context import PartData, WorkerContext
from mtlsearch.space import SearchSpace

Run = Callable[[WorkQueue, WorkerContext], None]

# what a session does beside training
STARTING = "starting"
TIMING = "timing engines"
CHOOSING = "choosing what is confirmed"

STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM)

logger = logging.getLogger(__name__)


class Observer:
    """Watches a session. As it is, it looks at nothing."""

    def enter(self, step: str) -> None:
        """Something begins that trains nothing of the study: starting, timing, choosing."""

    def expect(self, forecast: Callable[[], Forecast | None]) -> None:
        """How long all will take can be asked for, before it begins: a new study is timed then."""

    def correct(self, forecast: Forecast) -> None:
        """Something of the forecast is measured by now."""

    def tell(self, words: str) -> None:
        """Something is decided that the user is to know."""

    def begin(self, schedules: Sequence[Schedule], queue: WorkQueue) -> None:
        """A phase begins: the arms of the search, or the confirmation; references are beside."""

    def observe(self, arm: str, result: TrainingResult) -> None:
        """A training is recorded."""


def work(study: Study, dataset: Dataset, space: SearchSpace, observer: Observer) -> None:
    """Bring the study to its end: train whatever is not finished, then confirm the picks.

    The study must be locked. Raises InterruptedSearchError after SIGINT or SIGTERM, with everything
    finished recorded, NoCandidateError when no training succeeded, and ProgramFault.
    """
    is_finished = StudyStatus.of(study).finished
    timed = nullcontext() if is_finished else _timed(study)
    observer.enter(STARTING)
    with study_log(study.folder), timed, resumable(study):
        parts = parts_of(study, dataset)
        session = _Session(parts, space, observer, _keeper(parts, observer))
        if is_finished:  # nothing is trained, and no worker is needed
            session.train(run_local)
            session.add_greedy_ensemble()
            return
        changed = change_of_versions(study.request.versions)
        if changed is not None:
            observer.tell(changed)
        with _runner(study, session.time) as run:
            session.train(run)
            session.add_greedy_ensemble()


@dataclasses.dataclass(frozen=True)
class _Session:
    parts: Sequence[Part]
    space: SearchSpace
    observer: Observer
    keeper: TimeKeeper | None = None  # where the study is to be done within minutes

    @property
    def study(self) -> Study:
        """The study."""
        return self.parts[0].study

    @property
    def dataset(self) -> Dataset:
        """What its first part is trained on."""
        return self.parts[0].dataset

    def time(self) -> None:
        """Choose the engine and forecast the whole, unless that was done before."""
        if self.study.engine is None or self.study.timings is None:
            self.observer.enter(TIMING)
        engine_of(self.study, self.dataset, self.space)
        self.observer.expect(self._forecast)
        if self.keeper is not None:
            self.keeper.expect(self._forecast())

    def _forecast(self) -> Forecast | None:
        """How long all will take, timed when first asked for."""
        return forecast_of(self.study, self.dataset, self.space)

    def train(self, run: Run) -> None:
        """Train all phases, one after another, and the references beside them.

        The references need nothing of the search: their folds are known before it.
        """
        context = self._context()
        beside = self._references()
        queue = WorkQueue(beside, self._observe)
        with _stop_on_signal(queue.stop):
            queue.follow(self._phases(queue, beside))
            if not queue.finished:
                logger.info("training begins with engine %s", context.engine.trainer)
                for notice in self._row_notices():
                    logger.info(notice)
                run(queue, context)
        if queue.stopped:
            raise _interrupted(self.study)

    def _observe(self, arm: str, result: TrainingResult) -> None:
        """A training is recorded, after which the budget may be another."""
        self.observer.observe(arm, result)
        if self.keeper is not None:
            self.keeper.observe(arm, result)

    def _row_notices(self) -> list[str]:
        """What goes by the number of rows comes to, in words."""
        seed = self.study.request.seed
        batch_sizes = batch_size_notices(self.dataset, self.space, seed)
        return [*batch_sizes, *search_row_notices(self.dataset, self.space, seed)]

    def _phases(self, queue: WorkQueue, beside: Sequence[Schedule]) -> Iterator[list[Schedule]]:
        """The arms of the search, the confirmation, and more seeds as the answer needs them."""
        for name, phase in self._all_phases(beside):
            logger.info("%s begins", name)
            self.observer.begin([*phase, *beside], queue)
            yield phase

    def _all_phases(self, beside: Sequence[Schedule]) -> Iterator[tuple[str, list[Schedule]]]:
        arms = self._arms()
        if self.keeper is not None:
            self.keeper.begin([*arms, *beside])
        yield "search", arms
        if self.keeper is not None:
            self.keeper.end()
        self._choose()
        yield "confirmation", self._confirmations()
        while self._needs_more_seeds():
            yield "confirmation with more seeds", self._confirmations()

    def _arms(self) -> list[Schedule]:
        """What spends the budget of every arm, in all parts side by side."""
        schedules = []
        for part in self.parts:
            arms: list[Schedule] = []
            for arm in self.study.request.arms:
                arms.append(ArmSchedule(part.study, arm, part.dataset, self.space))
            schedules += in_part(part, arms)
        return schedules

    def _choose(self) -> None:
        """Fix the model of each arm that is confirmed, unless that was done before."""
        missing = [part for part in self.parts if not part.study.picks()]
        if missing:
            self.observer.enter(CHOOSING)
        for part in missing:
            part.study.set_picks(Analysis(part.study, part.dataset).choose())

    def _confirmations(self) -> list[Schedule]:
        """What trains the chosen models with fresh seeds, in the precision of the verdict."""
        schedules = []
        for part in self.parts:
            schedule = ConfirmationSchedule(part.study, part.study.picks())
            schedules += in_part(part, [schedule])
        return schedules

    def _references(self) -> list[Schedule]:
        """What fits the references, on the folds of the confirmation."""
        names = self._reference_names()
        schedules: list[Schedule] = []
        for part in self.parts:
            if names and part.is_tested:
                schedules += in_part(part, [ReferenceSchedule(part.study, names)])
        return schedules

    def _needs_more_seeds(self) -> bool:
        """Look at the answer, unless it is settled that no seeds follow, and keep what it says."""
        plan = self.study.seed_plan
        if plan.ending is not None:
            return False
        analysis = Analysis(self.study, self.dataset)
        verdict = analysis.verdict
        claim = None if verdict is None else verdict.claim
        after = plan.after(claim, analysis.standing_gain)
        self.study.set_seed_plan(after)
        if after.ending is not None:
            logger.info(after.describe(analysis.added_seconds))
            return False
        logger.info(
            "%d seeds: the answer is open and seeds are the larger part of the interval; %d more",
            plan.seeds,
            after.seeds - plan.seeds,
        )
        return True

    def add_greedy_ensemble(self) -> None:
        """Choose among the confirmed models, where that is wanted."""
        if self.study.request.greedy_ensemble:
            add_greedy_ensemble(self.study, self.dataset, BASELINE)

    def _reference_names(self) -> tuple[str, ...]:
        """The references of the study, which are those that were installed when it first asked."""
        if not self.study.request.references:
            return ()
        if self.study.references is None:
            self.study.set_references(installed_references())
        return self.study.references or ()

    def _context(self) -> WorkerContext:
        return WorkerContext(
            dataset=self.dataset,
            settings=self.space.training,
            seed=self.study.request.seed,
            engine=engine_of(self.study, self.dataset, self.space),
            device=self.study.request.device,
            plugins=self.space.plugins,
            further=tuple(
                PartData(part.dataset, part.study.request.seed) for part in self.parts[1:]
            ),
        )


def _keeper(parts: Sequence[Part], observer: Observer) -> TimeKeeper | None:
    """What keeps a study within its minutes; None where it has none."""
    minutes = parts[0].study.request.minutes
    if minutes is None:
        return None
    return TimeKeeper(parts, minutes, observer.tell, observer.correct)


@contextmanager
def _runner(study: Study, meanwhile: Callable[[], None]) -> Iterator[Run]:
    """What trains a queue: this process, or Ray, which is up inside of the block.

    While Ray starts, `meanwhile` is done here.
    """
    if study.request.trains_here:
        meanwhile()
        yield run_local
    else:
        with _ray(study, meanwhile) as run:
            yield run


@contextmanager
def _ray(study: Study, meanwhile: Callable[[], None]) -> Iterator[Run]:
    """What trains a queue by Ray, which starts while `meanwhile` is done here.

    Raises MtlsearchError when Ray does not start, or its cluster does not answer.
    """
    from mtlsearch.search.runners.ray_cluster import Cluster, coming_up

    request = study.request
    signalled = threading.Event()
    with coming_up(Cluster(request.workers, request.ray_address)) as start:
        logger.info("temporary files of Ray are in %s", start.folder)
        with _stop_on_signal(signalled.set):
            try:
                meanwhile()
            finally:
                start.wait(signalled)
        from mtlsearch.search.runners import ray as ray_runner

        def run(queue: WorkQueue, context: WorkerContext) -> None:
            ray_runner.run_ray(queue, context, request.workers, request.gpus_per_worker)

        if signalled.is_set():
            raise _interrupted(study)
        start.check(request.gpus_per_worker)
        yield run


@contextmanager
def _stop_on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """The first SIGINT or SIGTERM calls `stop`; the second acts as it would have.

    Only the main thread hears of signals: in another, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in STOPPING_SIGNALS}

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def on_first(number: int, frame: FrameType | None) -> None:
        stop()
        restore()

    for number in STOPPING_SIGNALS:
        signal.signal(number, on_first)
    try:
        yield
    finally:
        restore()


@contextmanager
def resumable(study: Study) -> Iterator[None]:
    """Interrupted at any other moment, or a second time, it still says how to go on."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise _interrupted(study) from error


def _interrupted(study: Study) -> InterruptedSearchError:
    go_on = command("resume", study.folder)
    return InterruptedSearchError(f"stopped; all finished trainings are kept. Go on with: {go_on}")


@contextmanager
def _timed(study: Study) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        study.add_seconds(time.monotonic() - started)
