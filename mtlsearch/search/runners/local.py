"""Runs a work queue in this process: for tests, for debugging, and where Ray is not wanted."""

from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.search.worker_context import WorkerContext


def run_local(queue: WorkQueue, context: WorkerContext) -> None:
    """Train one cohort after another until the queue is finished or stopped."""
    worker = context.make_worker()
    while not queue.finished:
        cohort = queue.next()
        if cohort is None:
            return
        for result in worker.train(cohort.jobs):
            if result:
                queue.done(cohort.arm, result)
            if queue.stopped:
                return
