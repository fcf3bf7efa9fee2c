"""What a study tells while it runs: the events, and the base class of whoever listens."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mtlsearch.records import Phase, TrainingResult
from mtlsearch.report.model import Report, ReportedVerdict

Setting = str | int | float | bool | None


@dataclass(frozen=True)
class StudyFacts:
    """The study that an event is of.

    Attributes:
        folder: Its folder, which `open_study` takes.
        name: A name that no other study has, the same after each resume.
        tasks: By the name of a task the name of its metric.
        settings: What was asked for, such as `trainings`, `seed` and `space`.
    """

    folder: Path
    name: str
    tasks: Mapping[str, str]
    settings: Mapping[str, Setting]


@dataclass(frozen=True)
class TrainingFinished:
    """A training is recorded, or a fit of a ready-made model.

    Attributes:
        study: The study.
        arm: The arm, or the name of the ready-made model.
        result: What the training came to: `scores` by task on validation rows, `epochs`,
            `train_seconds`, and `failure`, which is None where it has its scores.
        phase: Whether it belongs to the search, confirms an arm's best with a fresh seed, or is a
            reference, a ready-made model.
        replicate: In the search its seed and fold; otherwise the index of the fresh seed.
        parameters: In the search, what was drawn for it, by the name of the setting.
        part: The outer fold that it is of, or `all-rows`; empty for the first.
    """

    study: StudyFacts
    arm: str
    result: TrainingResult
    phase: Literal["search", "confirmation", "references"]
    replicate: int
    parameters: Mapping[str, Any]
    part: str = ""

    @property
    def step(self) -> int:
        """The place in the arm's series: the number of the training, or the index of the seed."""
        return self.result.number if self.phase == "search" else self.replicate

    @property
    def series(self) -> str:
        """What its scores are a series of: `search/ARM`, below the name of its part if any."""
        series = f"{self.phase}/{self.arm}"
        return f"{self.part}/{series}" if self.part else series


@dataclass(frozen=True)
class PhaseFinished:
    """All trainings of a phase have their results. A confirmation that needs more seeds has two.

    Attributes:
        study: The study.
        phase: Which phase.
        trainings: How many trainings were recorded since it began, or since the study was resumed.
        failed: How many of these failed.
    """

    study: StudyFacts
    phase: Phase
    trainings: int
    failed: int


@dataclass(frozen=True)
class VerdictReached:
    """The study came to its end, and its report is written.

    Attributes:
        study: The study.
        report: Everything that it says.
        report_folder: Where report.html is, with report.json, tables and drawings.
    """

    study: StudyFacts
    report: Report
    report_folder: Path

    @property
    def verdict(self) -> ReportedVerdict | None:
        """The answer; None where there is none."""
        return self.report.verdict


class Callback:
    """Hears what happens in a study. Override what is wanted: as it is, it does nothing.

    The methods run in the process that called `fit` or `resume`, one after another, in the order in
    which results are recorded; training waits meanwhile. What is told is in the study already: an
    error loses no training. It is said in a line and logged with its traceback, and the study goes
    on. To stop a study, raise KeyboardInterrupt: what is finished is kept.

    Example:
        >>> class Counter(Callback):
        ...     def __init__(self):
        ...         self.failed = 0
        ...
        ...     def training_finished(self, event):
        ...         self.failed += event.result.failure is not None
    """

    def training_finished(self, event: TrainingFinished) -> None:
        """Hear of a training that is recorded in this session; of earlier ones nothing is told."""

    def phase_finished(self, event: PhaseFinished) -> None:
        """Hear that a phase is finished of which something was trained in this session."""

    def verdict_reached(self, event: VerdictReached) -> None:
        """Hear the answer. It is drawn, and told, whenever a study comes to its end."""

    def close(self) -> None:
        """Let go of files and connections: the session ends, with or without a verdict."""
