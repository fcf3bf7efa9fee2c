"""Runs a work queue as Ray Tune trials: one trial trains one cohort.

Tune neither decides nor remembers anything: the queue proposes and the study records, so Tune's own
state may be lost.
"""

import json
import logging
import os
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"  # the driver would keep a logger per trial
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # the only output that verbose=0 silences
os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"  # the command line owns Ctrl-C
# a cohort must be proposed when it can start, not before
os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = "1"

from ray import tune
from ray.tune.search import Searcher

from mtlsearch.errors import MtlsearchError
from mtlsearch.records import TrainingResult, job_from_json
from mtlsearch.scratch import scratch_folder
from mtlsearch.search.work_queue import Cohort, WorkQueue
from mtlsearch.search.worker_context import WorkerContext

REPORT_SECONDS = 1.0  # a worker reports finished trainings this often

# keys of what driver and worker say to each other
JOBS = "jobs"
RESULTS = "results"
FAULT = "fault"

logger = logging.getLogger(__name__)


class WorkerFault(Exception):
    """A fault of the program in a worker; the log has its traceback."""


@dataclass(frozen=True)
class Fault:
    """An error in a worker.

    `user_error` is the error itself where it is the user's to mend.
    """

    message: str
    traceback: str
    user_error: MtlsearchError | None = None

    @classmethod
    def of(cls, error: Exception) -> "Fault":
        """The fault that an error is."""
        user_error = error if isinstance(error, MtlsearchError) else None
        return cls(f"{type(error).__name__}: {error}", traceback.format_exc(), user_error)

    def raised(self) -> Exception:
        """The error to raise in the driver."""
        return self.user_error or WorkerFault(self.message)


class CohortTrainable(tune.Trainable):  # type: ignore[misc]
    """Trains one cohort after another.

    The actor, with torch and the prepared data in it, is reused. A fault of the program is reported
    as a result: an error would look as if the worker had died.
    """

    def setup(self, config: dict[str, Any], context: WorkerContext) -> None:
        """Make the worker once, then begin the first cohort."""
        self._fault: Fault | None = None
        try:
            self._worker = context.make_worker()
            self.reset_config(config)
        except Exception as error:
            self._fault = Fault.of(error)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another cohort in the same actor."""
        jobs = [job_from_json(job) for job in json.loads(new_config[JOBS])]
        self._results: Iterator[TrainingResult | None] = self._worker.train(jobs)
        self._left = len(jobs)
        return True

    def step(self) -> dict[str, Any]:
        """Train for a while and report what was finished, as a list: Tune flattens dicts."""
        results: list[TrainingResult] = []
        if self._fault is None:
            try:
                self._train(results)
            except Exception as error:
                self._fault = Fault.of(error)
        ended = self._fault is not None or self._left == 0
        return {RESULTS: results, FAULT: self._fault, "done": ended}

    def _train(self, results: list[TrainingResult]) -> None:
        """Append what is finished within REPORT_SECONDS."""
        until = time.monotonic() + REPORT_SECONDS
        while self._left and time.monotonic() < until:
            result = next(self._results)
            if result is not None:
                results.append(result)
                self._left -= 1

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Save nothing: a lost cohort is trained again."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Load nothing."""


class QueueSearcher(Searcher):  # type: ignore[misc]
    """Tune's view of the work queue.

    `error` is what went wrong in the driver or in a worker, and ends the run.
    """

    def __init__(self, queue: WorkQueue) -> None:
        super().__init__(metric="training_iteration", mode="max")
        self._queue = queue
        self._cohorts: dict[str, Cohort] = {}
        self.error: BaseException | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its searcher to restore it, and we never restore one."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        """The next cohort; None while nothing can begin; FINISHED at the end."""
        if self._queue.finished or self.error:
            return Searcher.FINISHED
        try:
            cohort = self._queue.next()
        except BaseException as error:
            self.error = error
            return Searcher.FINISHED
        if cohort is None:
            return None
        self._cohorts[trial_id] = cohort
        return {JOBS: json.dumps([job.to_json() for job in cohort.jobs])}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Record the trainings that a worker finished."""
        self._take(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Record the last result, which comes here only.

        What a dead worker did not finish is given back.
        """
        self._take(trial_id, result or {})
        if error and not self._queue.stopped:
            self._queue.lost(self._cohorts[trial_id], "it was killed, ran out of memory or crashed")
        self._cohorts.pop(trial_id, None)

    def _take(self, trial_id: str, report: dict[str, Any]) -> None:
        """Record what a worker finished, and let go of it.

        Tune keeps the last report of every trial.
        """
        results: list[TrainingResult] = report.get(RESULTS, [])
        fault: Fault | None = report.get(FAULT)
        try:
            for result in results:
                self._queue.done(self._cohorts[trial_id].arm, result)
        except BaseException as error:
            self.error = error
        results.clear()
        if fault and self.error is None:
            logger.error("a fault in a worker: %s\n%s", fault.message, fault.traceback)
            self.error = fault.raised()

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the study is the only truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing."""


class _UntilStopped(tune.Stopper):  # type: ignore[misc]
    def __init__(self, searcher: QueueSearcher, queue: WorkQueue) -> None:
        self._searcher = searcher
        self._queue = queue

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._queue.stopped or self._searcher.error is not None


def run_ray(queue: WorkQueue, context: WorkerContext, workers: int, gpus_per_worker: float) -> None:
    """Train the queue's cohorts in parallel trials until it is finished or stopped.

    Ray must be started. Raises WorkerFault for a fault of the program in a worker.
    """
    searcher = QueueSearcher(queue)
    trainable = tune.with_resources(
        tune.with_parameters(CohortTrainable, context=context),
        {"cpu": 1, "gpu": gpus_per_worker},
    )
    with scratch_folder() as scratch:
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                num_samples=-1,
                max_concurrent_trials=workers,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                name="cohorts",
                storage_path=str(scratch),
                verbose=0,
                stop=_UntilStopped(searcher, queue),
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        tuner.fit()
    if searcher.error is not None:
        raise searcher.error
