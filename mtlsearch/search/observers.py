"""Several observers of a session as one."""

from collections.abc import Sequence

from mtlsearch.records import TrainingResult
from mtlsearch.search.schedules import Schedule
from mtlsearch.search.session import Observer
from mtlsearch.search.work_queue import WorkQueue


class Observers:
    """Tells each of several observers what it is told, in their order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def begin(self, schedules: Sequence[Schedule], queue: WorkQueue) -> None:
        """A phase begins."""
        for observer in self._observers:
            observer.begin(schedules, queue)

    def observe(self, arm: str, result: TrainingResult) -> None:
        """A training is recorded."""
        for observer in self._observers:
            observer.observe(arm, result)
