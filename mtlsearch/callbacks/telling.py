"""Tells callbacks what happens in a study, whatever they do."""

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from mtlsearch.callbacks.contract import (
    Callback,
    PhaseFinished,
    Setting,
    StudyFacts,
    TrainingFinished,
    VerdictReached,
)
from mtlsearch.data import Dataset
from mtlsearch.errors import UsageError
from mtlsearch.records import Phase, TrainingResult
from mtlsearch.report.model import Report
from mtlsearch.search.log import LOG, study_log
from mtlsearch.search.request import Request
from mtlsearch.search.schedules import Schedule
from mtlsearch.search.session import Observer
from mtlsearch.search.study import Study
from mtlsearch.search.work_queue import WorkQueue

Tell = Callable[[str], None]

NO_SETTINGS = ("space", "digest", "created", "column_flags", "versions", "space_name")
"""Fields of a request that say no setting, or not by its name."""

logger = logging.getLogger(__name__)


def checked_callbacks(callbacks: object) -> tuple[Callback, ...]:
    """Return callbacks as they were given. Raises UsageError for what is none, or no list."""
    if callbacks is None:
        return ()
    if not isinstance(callbacks, list | tuple):
        raise UsageError(f"callbacks: found {callbacks!r}; it must be a list of callbacks")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise UsageError(
                f"callbacks: found {callback!r}; each must be an object of a class that derives "
                "from mtlsearch.callbacks.Callback"
            )
    return tuple(callbacks)


class Teller(Observer):
    """An observer of a session that tells callbacks of it.

    Args:
        callbacks: Whom it tells, in this order.
        study: The study.
        dataset: Its data.
        say: Says a line to the user.
    """

    def __init__(
        self,
        callbacks: Sequence[Callback],
        study: Study,
        dataset: Dataset,
        say: Tell,
    ) -> None:
        self._callbacks = callbacks
        self._study = study
        self._dataset = dataset
        self._facts = _facts_of(study, dataset)
        self._say = say
        self._schedules: dict[str, Schedule] = {}
        self._phase: Phase = "search"
        self._trained = 0  # in this phase and session, without references
        self._failed = 0
        self._errors = [0] * len(callbacks)

    def begin(self, schedules: Sequence[Schedule], queue: WorkQueue) -> None:
        """Begin a phase, which ends the one before."""
        self._end_phase()
        self._facts = _facts_of(self._study, self._dataset)
        self._schedules = {schedule.arm: schedule for schedule in schedules}
        is_confirmation = self._study.confirmation in self._schedules
        self._phase = "confirmation" if is_confirmation else "search"

    def observe(self, arm: str, result: TrainingResult) -> None:
        """Tell of a training that is recorded."""
        trained = self._schedules[arm].trained(result.number)
        event = TrainingFinished(
            study=self._facts,
            arm=trained.arm,
            result=result,
            phase=trained.phase,
            replicate=trained.replicate,
            parameters=trained.parameters,
            part=trained.part,
        )
        if trained.phase == self._phase:
            self._trained += 1
            self._failed += not result.complete
        self._tell(lambda callback: callback.training_finished(event))

    def conclude(self, report: Report, folder: Path) -> None:
        """Tell that all is trained, and of the report in a folder."""
        event = VerdictReached(self._facts, report, folder)
        with study_log(self._facts.folder):
            self._end_phase()
            self._tell(lambda callback: callback.verdict_reached(event))

    def close(self) -> None:
        """Close the callbacks, and say how often they failed."""
        with study_log(self._facts.folder):
            self._tell(lambda callback: callback.close())
        for callback, errors in zip(self._callbacks, self._errors, strict=True):
            if errors > 1:
                self._say(f"callback {_name_of(callback)} failed {errors} times in all")

    def _end_phase(self) -> None:
        """Tell that the phase is finished, unless nothing was trained of it."""
        if not self._trained:
            return
        event = PhaseFinished(self._facts, self._phase, self._trained, self._failed)
        self._trained = 0
        self._failed = 0
        self._tell(lambda callback: callback.phase_finished(event))

    def _tell(self, call: Callable[[Callback], None]) -> None:
        for index, callback in enumerate(self._callbacks):
            try:
                call(callback)
            except Exception as error:  # a callback may raise anything
                self._errors[index] += 1
                if self._errors[index] == 1:
                    self._note(callback, error)

    def _note(self, callback: Callback, error: Exception) -> None:
        """Log the first error of a callback with its traceback, and say it."""
        name = _name_of(callback)
        logger.error("callback %s failed", name, exc_info=error)
        method = _method_of(error)
        words = " ".join(f"{type(error).__name__}: {error}".split())
        self._say(
            f"callback {name} failed in {method}: {words}; the study goes on. "
            f"The traceback is in {self._facts.folder / LOG}"
        )


@contextmanager
def telling(
    callbacks: Sequence[Callback],
    study: Study,
    dataset: Dataset,
    say: Tell,
) -> Iterator[Teller]:
    """A teller, whose callbacks are closed at the end, however the session ends."""
    teller = Teller(callbacks, study, dataset, say)
    try:
        yield teller
    finally:
        teller.close()


def _facts_of(study: Study, dataset: Dataset) -> StudyFacts:
    return StudyFacts(
        folder=study.folder,
        name=study.name,
        tasks={task.name: task.metric.name for task in dataset.tasks},
        settings=_settings_of(study.request),
    )


def _settings_of(request: Request) -> dict[str, Setting]:
    """What was asked for, as plain values; the space by its name."""
    settings: dict[str, Setting] = {"space": request.space_name}
    for field in fields(request):
        value = getattr(request, field.name)
        if field.name in NO_SETTINGS:
            continue
        if isinstance(value, tuple):
            value = ", ".join(value)
        settings[field.name] = value
    return settings


def _name_of(callback: Callback) -> str:
    return type(callback).__name__


def _method_of(error: Exception) -> str:
    """The name of the method that a callback was called by."""
    frames = traceback.extract_tb(error.__traceback__)
    return frames[2].name if len(frames) > 2 else "a call"  # after `_tell` and what it was given
