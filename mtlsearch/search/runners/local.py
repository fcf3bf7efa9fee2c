"""Runs a work queue in this process: for tests, for debugging, and where Ray is not wanted."""

from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.search.worker_context import WorkerContext, train


def run_local(queue: WorkQueue, workplace: WorkerContext) -> None:
    """Train one cohort after another until the queue is finished or stopped."""
    engine = workplace.engine_here()
    while not queue.finished and (cohort := queue.next()) is not None:
        for outcome in train(engine, cohort.trainings):
            if outcome:
                queue.done(cohort.arm, outcome)
            if queue.stopped:
                return
