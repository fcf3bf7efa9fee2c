"""The parts of a study: the search of each outer fold, and that of all rows.

The first part is the study as it is without outer folds; with its own test rows where these fit.
Each of the others is a namespace of the study with arms, picks and a confirmation of its own, on
the same data with other test rows. The last part has none: its models are the ones handed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mtlsearch.data import Dataset
from mtlsearch.data.outer_folds import further_outer_folds, without_test_rows
from mtlsearch.records import Job, TrainingResult
from mtlsearch.search.part_names import ALL_ROWS, fold_names
from mtlsearch.search.schedules import Schedule, Trained
from mtlsearch.search.study import Study


@dataclass(frozen=True)
class Part:
    """A part of a study.

    Attributes:
        index: Which part it is; jobs say so.
        name: What its schedules are called by; empty for the first.
        study: Where its trainings are stored.
        dataset: What it is trained on.
        is_tested: Whether it has test rows.
    """

    index: int
    name: str
    study: Study
    dataset: Dataset
    is_tested: bool = True

    def key(self, arm: str) -> str:
        """What an arm of this part is called beside those of the others."""
        return f"{self.name} {arm}" if self.name else arm


def tested_parts(study: Study, dataset: Dataset) -> list[Part]:
    """The outer folds of a study, of which the first has this dataset."""
    parts = [Part(0, "", study, dataset)]
    count = study.request.outer_folds
    if count > 1:
        names = fold_names(count)
        folds = further_outer_folds(dataset, count, study.request.seed)
        for name, fold in zip(names, folds, strict=True):
            parts.append(Part(len(parts), name, study.part(name), fold))
    return parts


def untested_part(study: Study, dataset: Dataset) -> Part | None:
    """The part of all rows; None where a study has one set of test rows."""
    count = study.request.outer_folds
    if count == 1:
        return None
    everything = without_test_rows(dataset)
    return Part(count, ALL_ROWS, study.part(ALL_ROWS), everything, is_tested=False)


def parts_of(study: Study, dataset: Dataset) -> list[Part]:
    """All parts of a study, of which the first has this dataset."""
    parts = tested_parts(study, dataset)
    last = untested_part(study, dataset)
    return parts if last is None else [*parts, last]


class PartSchedule:
    """A schedule of a part of a study: its name and its jobs say which."""

    def __init__(self, part: Part, schedule: Schedule) -> None:
        self.arm = part.key(schedule.arm)
        self.cohort = schedule.cohort
        self._part = part.index
        self._part_name = part.name
        self._schedule = schedule

    @property
    def total(self) -> int:
        """The number of trainings."""
        return self._schedule.total

    def ready(self, index: int) -> bool:
        """Whether the cohort of this index may begin now."""
        return self._schedule.ready(index)

    def job(self, number: int) -> Job:
        """The training of this number."""
        return replace(self._schedule.job(number), part=self._part)

    def trained(self, number: int) -> Trained:
        """What the training of this number is of."""
        return replace(self._schedule.trained(number), part=self._part_name)

    def finish(self, result: TrainingResult) -> None:
        """Record a result."""
        self._schedule.finish(result)

    def finished(self) -> set[int]:
        """The numbers of the trainings that have their result."""
        return self._schedule.finished()

    def begun(self) -> int:
        """How many of the trainings are entered into the study."""
        return self._schedule.begun()


def in_part(part: Part, schedules: Sequence[Schedule]) -> list[Schedule]:
    """The schedules as those of a part."""
    return [PartSchedule(part, schedule) for schedule in schedules]
