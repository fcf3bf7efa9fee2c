"""Tiny studies in this process, and what they came to as plain values."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from mtlsearch.candidate import Candidate
from mtlsearch.data import Dataset, load
from mtlsearch.errors import InterruptedSearchError
from mtlsearch.records import TrainingResult
from mtlsearch.search.confirmed_files import read_predictions, read_weights
from mtlsearch.search.ledger import files_of
from mtlsearch.search.proposal import propose
from mtlsearch.search.request import Request
from mtlsearch.search.schedules import Schedule
from mtlsearch.search.session import Observer, work
from mtlsearch.search.study import Study
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.space import SearchSpace, load_space

TRAINING = {"epochs": 3, "batch_size": 128, "patience": 3}


class Watch(Observer):
    """Remembers what was observed, and stops the queue after `stop_after` outcomes."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.seen: list[tuple[str, TrainingResult]] = []
        self.phases: list[list[str]] = []
        self.interrupted: InterruptedSearchError | None = None
        self._left, self._queue = stop_after, None

    def begin(self, schedules: Sequence[Schedule], queue: WorkQueue) -> None:
        self.phases.append([schedule.arm for schedule in schedules])
        self._queue = queue

    def observe(self, arm: str, result: TrainingResult) -> None:
        self.seen.append((arm, result))
        if self._left is not None and len(self.seen) >= self._left:
            self._queue.stop()


class Bench:
    """Makes and runs studies of one dataset in folders of its own."""

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        self.folder, self.dataset = folder, dataset

    def space(self, **changes: Any) -> SearchSpace:
        """The space `quick` on the shortest of schedules, with changes as YAML spells them."""
        tasks = len(self.dataset.tasks)
        return SearchSpace.from_mapping(
            {**load_space("quick", tasks).to_mapping(), "training": TRAINING, **changes}, tasks
        )

    def candidate(self, space: SearchSpace) -> Candidate:
        """Some candidate of a space."""
        return propose(space, "random", 0, [], ["minimize"])[0]

    def request(self, space: SearchSpace | None = None, **settings: Any) -> Request:
        """A request for the local runner."""
        space = space or self.space()
        given = {
            "trainings": 6,
            "seeds": 1,
            "arms": ("searched", "single_task"),
            "engine": "serial",
            "runner": "local",
            "cohort": 4,
            "references": False,
        }
        fixed = {
            "space": space.to_mapping(),
            "space_name": "quick",
            "digest": self.dataset.digest,
            "created": "now",
        }
        return Request(
            data=self.dataset.name, task_flags=(), device="cpu", **fixed, **{**given, **settings}
        )

    def create(
        self, name: str = "study", space: SearchSpace | None = None, **settings: Any
    ) -> Study:
        """A study that has not begun."""
        return Study.create(self.folder / name, self.request(space, **settings), None)

    def reopen(self, study: Study) -> Study:
        """The study as another process would see it."""
        return Study.open(study.folder)

    def go_on(self, study: Study, stop_after: int | None = None) -> Watch:
        """Work on a study to its end, or until so many outcomes have come in this session."""
        watch = Watch(stop_after)
        space = SearchSpace.from_mapping(study.request.space, len(self.dataset.tasks))
        try:
            work(study, self.dataset, space, watch)
        except InterruptedSearchError as error:
            if stop_after is None:
                raise
            watch.interrupted = error
        return watch

    def run(self, name: str = "study", space: SearchSpace | None = None, **settings: Any) -> Study:
        """A finished study."""
        study = self.create(name, space, **settings)
        self.go_on(study)
        return study


def trace(study: Study) -> dict[str, list[Any]]:
    """All that must not depend on how the study came about: per arm what was trained and how it
    ended; the picks.
    """
    names = [*study.request.arms, study.confirmation]
    rows = {name: [_row(study, trial) for trial in study.stored_trials(name)] for name in names}
    return {**rows, "picks": study.picks()}


def _row(study: Study, trial: Any) -> tuple[Any, ...]:
    result = trial.user_attrs["result"]
    values = {key: value for key, value in result.items() if key != "train_seconds"}
    files = files_of(trial)
    handed_over = None
    if files:
        predictions = read_predictions(study.folder, files)
        plain = {name: array.tolist() for name, array in predictions.items()}
        handed_over = (plain, hashlib.sha256(read_weights(study.folder, files)).hexdigest())
    return (
        trial.number,
        trial.state.name,
        trial.user_attrs.get("candidate"),
        trial.user_attrs["replicate"],
        values,
        handed_over,
    )


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """The local runner sets torch's threads; put them back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def penguins() -> Dataset:
    return load("penguins")


@pytest.fixture
def bench(tmp_path: Path, penguins: Dataset) -> Bench:
    return Bench(tmp_path, penguins)


@pytest.fixture(scope="session")
def bench_at() -> Callable[[Path, Dataset], Bench]:
    """A bench in a folder of one's own."""
    return Bench


@pytest.fixture
def bench_of(tmp_path: Path) -> Callable[[Dataset], Bench]:
    """A bench for another dataset."""
    return lambda dataset: Bench(tmp_path, dataset)


@pytest.fixture(scope="session")
def whole(
    tmp_path_factory: pytest.TempPathFactory, penguins: Dataset
) -> Callable[..., dict[str, list[Any]]]:
    """The trace of an uninterrupted study of the penguins, run once for the same settings."""

    @cache
    def run(**settings: Any) -> dict[str, list[Any]]:
        return trace(Bench(tmp_path_factory.mktemp("whole"), penguins).run(**settings))

    return run


@pytest.fixture(name="trace")
def trace_fixture() -> Callable[[Study], dict[str, list[Any]]]:
    return trace
