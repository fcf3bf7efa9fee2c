"""Several observers of a session as one."""

from collections.abc import Callable, Sequence

from mtlsearch.records import TrainingResult
from mtlsearch.search.forecast import Forecast
from mtlsearch.search.schedules import Schedule
from mtlsearch.search.session import Observer
from mtlsearch.search.work_queue import WorkQueue


class Observers(Observer):
    """Tells each of several observers what it is told, in their order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def enter(self, step: str) -> None:
        """Something begins that trains nothing of the study."""
        for observer in self._observers:
            observer.enter(step)

    def expect(self, forecast: Callable[[], Forecast | None]) -> None:
        """How long all will take can be asked for."""
        for observer in self._observers:
            observer.expect(forecast)

    def correct(self, forecast: Forecast) -> None:
        """Something of the forecast is measured by now."""
        for observer in self._observers:
            observer.correct(forecast)

    def tell(self, words: str) -> None:
        """Something is decided that the user is to know."""
        for observer in self._observers:
            observer.tell(words)

    def begin(self, schedules: Sequence[Schedule], queue: WorkQueue) -> None:
        """A phase begins."""
        for observer in self._observers:
            observer.begin(schedules, queue)

    def observe(self, arm: str, result: TrainingResult) -> None:
        """A training is recorded."""
        for observer in self._observers:
            observer.observe(arm, result)
