"""Runs a work queue as Ray Tune trials: one trial trains one cohort. The only file that imports Ray.

Tune neither decides nor remembers anything: the queue proposes and the study records, so Tune's own state may be lost.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 starves workers beside any other job
os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"  # the driver would keep a logger per trial
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"  # the only output that verbose=0 silences
os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"  # the command line owns Ctrl-C
os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = (
    "1"  # a cohort must be proposed when it can start, not before
)

import ray
from ray import tune
from ray.tune.search import Searcher

from mtlsearch.errors import MtlsearchError
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.search.work_queue import Cohort, WorkQueue
from mtlsearch.search.worker_context import WorkerContext, train

REPORT_SECONDS = 1.0  # a worker reports finished trainings this often
OBJECT_STORE_BYTES = 200 * 2**20


class CohortTrainable(tune.Trainable):  # type: ignore[misc]
    """Trains one cohort after another; the actor, with torch and the prepared data in it, is reused."""

    def setup(self, config: dict[str, Any], workplace: WorkerContext | None = None) -> None:
        """Make the engine once, then begin the first cohort."""
        if workplace is None:
            raise ValueError("a worker needs its workplace")
        self._engine = workplace.engine_here()
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another cohort in the same actor."""
        self._trainings = [
            TrainingJob.from_json(each) for each in json.loads(new_config["trainings"])
        ]
        self._outcomes: Iterator[TrainingResult | None] = train(self._engine, self._trainings)
        self._left = len(self._trainings)
        return True

    def step(self) -> dict[str, Any]:
        """Train for a while and report what was finished, as JSON (Tune flattens dicts)."""
        finished, until = [], time.monotonic() + REPORT_SECONDS
        while self._left and time.monotonic() < until:
            if outcome := next(self._outcomes):
                finished.append(outcome.to_json())
                self._left -= 1
        return {"outcomes": json.dumps(finished), "done": self._left == 0}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing to save: a lost cohort is trained again."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing to load."""


class QueueSearcher(Searcher):  # type: ignore[misc]
    """Tune's view of the work queue."""

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
        return {"trainings": json.dumps([training.to_json() for training in cohort.trainings])}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Record the trainings that a worker finished."""
        self._take(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Record the last result, which comes here only; give back what a dead worker did not finish."""
        self._take(trial_id, result or {})
        if error and not self._queue.stopped:
            self._queue.lost(self._cohorts[trial_id], "it was killed, ran out of memory or crashed")
        self._cohorts.pop(trial_id, None)

    def _take(self, trial_id: str, result: dict[str, Any]) -> None:
        try:
            for outcome in json.loads(result.get("outcomes", "[]")):
                self._queue.done(self._cohorts[trial_id].arm, TrainingResult(**outcome))
        except BaseException as error:
            self.error = error

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the study is the only truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing."""


class _UntilStopped(tune.Stopper):  # type: ignore[misc]
    def __init__(self, searcher: QueueSearcher, queue: WorkQueue) -> None:
        self._searcher, self._queue = searcher, queue

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._queue.stopped or self._searcher.error is not None


def start(workers: int, gpus_per_worker: float, address: str | None, folder: str) -> None:
    """Connect to a cluster, or start Ray on this machine with just the CPUs that the workers take and its files in `folder`.

    Raises MtlsearchError when Ray does not come up.
    """
    if ray.is_initialized():
        return
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if not address:
        gpus = {"num_gpus": None} if gpus_per_worker else {"num_gpus": 0}
        local = {
            "num_cpus": workers,
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
            **gpus,
        }
        quiet.update(local, _temp_dir=folder)
    try:
        ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError, ConnectionError, TimeoutError) as error:
        raise MtlsearchError(f"Ray does not start: {str(error).splitlines()[0]}") from error


def stop() -> None:
    """Leave the cluster, or end the local one."""
    ray.shutdown()


def run_ray(
    queue: WorkQueue, workplace: WorkerContext, workers: int, gpus_per_worker: float
) -> None:
    """Train the queue's cohorts in `workers` parallel trials until it is finished or stopped. Ray must be started."""
    searcher = QueueSearcher(queue)
    trainable = tune.with_resources(
        tune.with_parameters(CohortTrainable, workplace=workplace),
        {"cpu": 1, "gpu": gpus_per_worker},
    )
    with tempfile.TemporaryDirectory(prefix="mtl-tune-") as scratch:
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
                storage_path=scratch,
                verbose=0,
                stop=_UntilStopped(searcher, queue),
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        tuner.fit()
    if searcher.error is not None:
        raise searcher.error
