"""The study: an Optuna storage as the only truth, a folder that points to it, and a lock that one process holds."""

import copy
import json
import shutil
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import optuna
from filelock import FileLock, Timeout
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from mtlsearch.candidate import Candidate, Composition
from mtlsearch.data import Dataset
from mtlsearch.errors import StudyError
from mtlsearch.evidence.front import cost_of
from mtlsearch.evidence.selection import Pick
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.search.request import Request
from mtlsearch.tasks.metrics import METRICS
from mtlsearch.training import Choice

POINTER, LOCK, DATABASE = "study.json", "study.lock", "study.db"
Direction = Literal["minimize", "maximize"]
FINISHED = (TrialState.COMPLETE, TrialState.FAIL)


class Study:
    """One study. Every arm, and every round of confirmation, is an Optuna study of its own in one storage."""

    def __init__(self, folder: Path, storage: optuna.storages.BaseStorage, name: str) -> None:
        self.folder, self.name, self._storage = folder, name, storage
        self._root = optuna.load_study(study_name=name, storage=storage)
        self._arms: dict[str, optuna.Study] = {}
        self.request = Request.from_json(self._root.user_attrs["request"])

    @classmethod
    def create(cls, folder: Path, request: Request, storage_url: str | None) -> "Study":
        """Make the folder and the storage. Raises StudyError when the folder is in use; leaves nothing behind on failure."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StudyError(f"{folder}: {_occupied(folder)}")
        existed = folder.exists()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            name = f"{folder.resolve().name}-{request.digest[:8]}-{request.created}"
            storage = _open_storage(storage_url or f"sqlite:///{folder.resolve() / DATABASE}")
            optuna.create_study(study_name=name, storage=storage).set_user_attr(
                "request", request.to_json()
            )
            (folder / POINTER).touch(mode=0o600)  # a storage URL may hold a password
            (folder / POINTER).write_text(
                json.dumps({"storage": storage_url, "name": name}), encoding="utf-8"
            )
        except (OSError, SQLAlchemyError, ImportError) as error:
            if not existed:
                shutil.rmtree(folder, ignore_errors=True)
            raise StudyError(
                f"{folder}: the study cannot be created: {_first_line(error)}"
            ) from error
        return cls(folder, storage, name)

    @classmethod
    def open(cls, folder: Path) -> "Study":
        """Open an existing study. Raises StudyError when there is none or its storage cannot be reached."""
        pointer = folder / POINTER
        if not pointer.is_file():
            raise StudyError(
                f"{folder}: no study here (no {POINTER}); start one with: python cli.py search DATA --study {folder}"
            )
        try:
            place = json.loads(pointer.read_text(encoding="utf-8"))
            url = place["storage"] or f"sqlite:///{folder.resolve() / DATABASE}"
            if not place["storage"] and not (folder / DATABASE).is_file():
                raise StudyError(f"{folder}: {DATABASE} is missing, the study's results with it")
            return cls(folder, _open_storage(url), place["name"])
        except (OSError, ValueError, KeyError, TypeError, SQLAlchemyError, ImportError) as error:
            raise StudyError(f"{folder}: the study cannot be read: {_first_line(error)}") from error

    def lock(self) -> FileLock:
        """Take the study for this process; the kernel lets go of it even on kill -9. Raises StudyError when it is taken."""
        lock = FileLock(self.folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise StudyError(f"{self.folder}: another process is working on this study") from error
        return lock

    def arm(self, arm: str, directions: Sequence[Direction] = ("minimize",)) -> optuna.Study:
        """The Optuna study of an arm, made when first asked for."""
        if arm not in self._arms:
            self._arms[arm] = optuna.create_study(
                study_name=f"{self.name}/{arm}",
                storage=self._storage,
                directions=list(directions),
                load_if_exists=True,
            )
        return self._arms[arm]

    def trials(self, arm: str) -> list[FrozenTrial]:
        """All trials of an arm in order; none if the arm has not begun."""
        try:
            self._storage.get_study_id_from_name(f"{self.name}/{arm}")
        except KeyError:
            return []
        return self.arm(arm).get_trials(deepcopy=False)

    def extend(self, trainings: int) -> None:
        """Raise the budget of every arm. Raises StudyError when it would shrink."""
        if trainings < self.request.trainings:
            raise StudyError(
                f"--trainings: found {trainings}; the study already has {self.request.trainings} and only grows"
            )
        self.request = Request.from_json({**self.request.to_json(), "trainings": trainings})
        self._root.set_user_attr("request", self.request.to_json())

    @property
    def confirmation(self) -> str:
        """The name of this budget's round of confirmation."""
        return f"confirmation@{self.request.trainings}"

    def picks(self) -> list[Pick]:
        """The models chosen for confirmation, once they are chosen."""
        stored = self._root.user_attrs.get(self.confirmation, [])
        return [
            Pick(
                p["arm"],
                p["candidate"],
                Composition.from_json(p["composition"]),
                p["validation_gain"],
            )
            for p in stored
        ]

    @property
    def picked(self) -> int:
        """How many models are chosen for confirmation; to count them needs no plugin."""
        return len(self._root.user_attrs.get(self.confirmation, []))

    def set_picks(self, picks: Sequence[Pick]) -> None:
        """Fix the choice before any test row is scored."""
        rows = [{**vars(pick), "composition": pick.composition.to_json()} for pick in picks]
        self._root.set_user_attr(self.confirmation, rows)

    @property
    def engine(self) -> Choice | None:
        """The engine that all of the study is trained with, once it is chosen: scores of two are not compared."""
        stored = self._root.user_attrs.get("engine")
        return Choice(**stored) if stored else None

    def set_engine(self, choice: Choice) -> None:
        """Fix the engine before the first training."""
        self._root.set_user_attr("engine", choice.to_json())

    @property
    def references(self) -> dict[str, dict[str, list[float]]] | None:
        """What scikit-learn's models scored on the test rows, once they are trained."""
        stored: dict[str, dict[str, list[float]]] | None = self._root.user_attrs.get("references")
        return stored

    def set_references(self, found: dict[str, dict[str, list[float]]]) -> None:
        """Store the references' scores."""
        self._root.set_user_attr("references", found)

    def add_seconds(self, seconds: float) -> None:
        """Add to the wall-clock time that searching has taken, over all sessions."""
        self._root.set_user_attr("wall_seconds", self.wall_seconds + seconds)

    @property
    def wall_seconds(self) -> float:
        """Wall-clock seconds spent so far."""
        return float(self._root.user_attrs.get("wall_seconds", 0.0))


def trained(arm: str, trials: Sequence[FrozenTrial]) -> list[Trial]:
    """The finished trainings among an arm's trials."""
    done = [trial for trial in trials if trial.state in FINISHED and "outcome" in trial.user_attrs]
    return [
        Trial(
            arm,
            t.number,
            candidate_of(t),
            t.user_attrs["replicate"],
            TrainingResult(**t.user_attrs["outcome"]),
        )
        for t in done
    ]


def candidate_of(trial: FrozenTrial) -> Candidate:
    """The candidate that a trial trains."""
    return Candidate.from_json(trial.user_attrs["candidate"])


class Ledger:
    """The trials of one arm, written through to the storage and kept here, so that they are read from it only once."""

    def __init__(self, study: optuna.Study) -> None:
        self._storage, self._id = study._storage, study._study_id
        self.trials: list[FrozenTrial] = study.get_trials(deepcopy=False)
        self.finished = {trial.number for trial in self.trials if trial.state.is_finished()}

    def enter(self, trial: FrozenTrial) -> None:
        """Append a running trial."""
        entered = copy.copy(trial)
        entered._trial_id = self._storage.create_new_trial(self._id, template_trial=trial)
        entered.number = len(self.trials)
        self.trials.append(entered)

    def record(self, outcome: TrainingResult, values: Sequence[float]) -> None:
        """Give a running trial its one terminal state; a second outcome changes nothing."""
        if outcome.number in self.finished:
            return
        trial = copy.copy(self.trials[outcome.number])
        trial.state, trial.values = _state(outcome), list(values) if outcome.complete else None
        trial.datetime_complete = datetime.now()
        trial.user_attrs = {**trial.user_attrs, "outcome": outcome.to_json()}
        self._storage.set_trial_user_attr(trial._trial_id, "outcome", outcome.to_json())
        self._storage.set_trial_state_values(trial._trial_id, trial.state, trial.values)
        self.trials[outcome.number] = trial
        self.finished.add(outcome.number)


def _state(outcome: TrainingResult) -> TrialState:
    return TrialState.FAIL if outcome.failure else TrialState.COMPLETE


def directions(dataset: Dataset, cost: str) -> list[Direction]:
    """Optuna's direction for each objective: the tasks' validation metrics, then the cost where there is one."""
    found: list[Direction] = [
        "maximize" if METRICS[t.metric].higher_is_better else "minimize" for t in dataset.tasks
    ]
    return [*found, "minimize"] if cost != "none" else found


def objectives(outcome: TrainingResult, dataset: Dataset, cost: str) -> list[float]:
    """The values told to Optuna, in the order of `directions`."""
    scores = [outcome.scores[task.name] for task in dataset.tasks] if outcome.complete else []
    return scores + cost_of(outcome.parameters, outcome.macs_per_example, cost)


def _open_storage(url: str) -> optuna.storages.BaseStorage:
    if not url.startswith("sqlite"):
        return optuna.storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    storage = optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}})
    event.listen(storage.engine, "connect", _tune_sqlite)
    storage.engine.dispose()  # connections made so far were not tuned
    return storage


def _tune_sqlite(connection: sqlite3.Connection, _: object) -> None:
    """A log ahead of the database: nothing is lost when a process is killed, and a write takes half the time."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}").close()


def _occupied(folder: Path) -> str:
    if (folder / POINTER).is_file():
        return f"a study is already here; continue it with: python cli.py resume {folder} (or give another --study)"
    return "the folder is not empty and holds no study; give another --study"


def _first_line(error: BaseException) -> str:
    if isinstance(error, ImportError):
        return f"{error}; for PostgreSQL: pip install 'mtlsearch[postgres]'"
    return str(error).strip().split("\n")[0] or type(error).__name__
