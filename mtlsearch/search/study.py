"""The study: an Optuna storage as the only truth, a folder that points to it, and a lock.

One process at a time holds the lock and writes. What makes networks is imported where
it is needed: a study can be counted without it.
"""

import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import OptunaError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from mtlsearch.errors import StudyError, UsageError
from mtlsearch.evidence.sequential import FIRST_SEEDS
from mtlsearch.program import command
from mtlsearch.scratch import lasting_scratch_folder
from mtlsearch.search.credentials import HOW_TO_GIVE, with_password, without_password
from mtlsearch.search.database_lock import database_lock
from mtlsearch.search.greedy_choice import GreedyChoice
from mtlsearch.search.request import Request
from mtlsearch.search.seed_plan import AUTO, SeedPlan, Seeds
from mtlsearch.search.storage import count_states, local_url, name_metrics, open_storage
from mtlsearch.search.study_folder import DATABASE, Pointer, birthplace, is_writable, locked
from mtlsearch.search.timings import Timings
from mtlsearch.seeding import derive_seed
from mtlsearch.system_errors import describe_storage_error

if TYPE_CHECKING:
    from mtlsearch.evidence.selection import Pick
    from mtlsearch.records import Trial
    from mtlsearch.search.objectives import Direction
    from mtlsearch.training.engine_choice import Choice

FORMAT_NUMBER = 2  # of what is stored; a study of another one is refused

# the attributes of a study in the storage
ABOUT = "about"  # for people, whom Optuna's dashboard shows it
FORMAT = "format"
REQUEST = "request"
ENGINE = "engine"
GREEDY_ENSEMBLE = "greedy_ensemble"
REFERENCES = "references"
WALL_SECONDS = "wall_seconds"
SEEDS = "seeds"
TIMINGS = "timings"

REFERENCES_ARM = "references"  # under which their fits are stored

TRAINING_SECONDS = ("seconds of training",)  # the objective where there is none

WHAT_IT_IS = "a study of mtlsearch; its trainings are in the studies of this name with /ARM behind"

STORAGE_ERRORS = (SQLAlchemyError, OptunaError, ImportError, OSError)


def part_seed(seed: int, part: str) -> int:
    """The seed of a part of a study with this seed."""
    return derive_seed(seed, part)


class Study:
    """One study, or a part of it.

    Every arm, and the confirmation of every budget, is an Optuna study of its own in one storage.
    A part is the search of another set of test rows: it has arms, picks and files of its own under
    its name, and everything else in common with the study.
    """

    def __init__(
        self,
        folder: Path,
        storage: RDBStorage,
        name: str,
    ) -> None:
        self.folder = folder
        self.name = name
        self._part = ""
        self._storage = storage
        self._root = optuna.load_study(study_name=name, storage=storage)
        self._arms: dict[str, optuna.Study] = {}
        _check_format(folder, self._root.user_attrs)
        self.request = Request.from_json(self._root.user_attrs[REQUEST])

    @classmethod
    def create(
        cls,
        folder: Path,
        request: Request,
        storage_url: str | None,
        *,
        numbered: bool = False,
        files: Path | None = None,
    ) -> "Study":
        """Make the folder and the storage; leaves nothing behind on failure.

        Of several processes that want the same folder at the same time one gets it. Whoever is
        killed meanwhile leaves no study, but a folder that the next search takes.

        Args:
            folder: Where the study is to be; it must not exist or be empty.
            request: What is asked for.
            storage_url: The URL of a database, of which the study keeps no password; None: one in
                the folder.
            numbered: Where the folder exists, the first of folder-2, folder-3, ... that does not is
                taken.
            files: A folder of files that the study keeps; None: there are none.

        Raises:
            StudyError: The folder is in use, or the storage cannot be reached.
        """
        try:
            with birthplace(folder, numbered) as folder:
                name = f"{folder.resolve().name}-{request.digest[:8]}-{request.created}"
                url = with_password(storage_url or local_url(folder / DATABASE))
                storage = open_storage(url)
                root = optuna.create_study(study_name=name, storage=storage)
                root.set_user_attr(ABOUT, WHAT_IT_IS)
                root.set_user_attr(FORMAT, FORMAT_NUMBER)
                root.set_user_attr(REQUEST, request.to_json())
                if files is not None:
                    shutil.copytree(files, folder, dirs_exist_ok=True)
                kept = None if storage_url is None else without_password(storage_url)
                Pointer(kept, name).write(folder)
        except STORAGE_ERRORS as error:
            reason = _first_line(error)
            raise StudyError(f"{folder}: the study cannot be created: {reason}") from error
        return cls(folder, storage, name)

    @classmethod
    def open(cls, folder: Path) -> "Study":
        """Open an existing study.

        Raises:
            StudyError: There is none, its storage cannot be reached, or it was made by another
                version whose studies are stored otherwise.
        """
        pointer = Pointer.read(folder)
        name = pointer.name
        if pointer.storage is None and not (folder / DATABASE).is_file():
            raise StudyError(f"{folder}: {DATABASE} is missing, the study's results with it")
        try:
            storage = _storage_of(pointer, folder)
            if name not in optuna.get_all_study_names(storage):
                raise StudyError(f"{folder}: the study cannot be read: its storage has no {name}")
            return cls(folder, storage, name)
        except STORAGE_ERRORS as error:
            reason = _first_line(error)
            if "password" in reason and pointer.storage is not None:
                reason += f"; {HOW_TO_GIVE}"
            raise StudyError(f"{folder}: the study cannot be read: {reason}") from error

    def part(self, name: str) -> "Study":
        """The part of this name, with a seed of its own: its trainings are not those of another.

        It has no parts itself.
        """
        part = Study(self.folder, self._storage, self.name)
        part.folder = self.folder / name
        part._part = name
        seed = part_seed(self.request.seed, name)
        part.request = replace(self.request, seed=seed, outer_folds=1)
        return part

    def lock(self) -> AbstractContextManager[object]:
        """Take the study for this process, in its folder and in its database.

        Both are let go of when the process dies, even on kill -9. Raises StudyError when one is
        taken, or when the folder cannot be written.
        """
        if not is_writable(self.folder):
            raise StudyError(
                f"{self.folder}: this study cannot be written, so nothing can be added to it; "
                "it can be read, and go on in a copy of the folder on another disk"
            )
        with ExitStack() as stack:
            stack.enter_context(locked(self.folder))
            if self._is_elsewhere:
                stack.enter_context(database_lock(self._storage.engine, self.name, self.folder))
            return stack.pop_all()

    @property
    def _is_elsewhere(self) -> bool:
        """Whether its database is not the one in its folder."""
        return Pointer.read(self.folder).storage is not None

    def arm(
        self,
        arm: str,
        directions: "Sequence[Direction]" = ("minimize",),
        metrics: Sequence[str] = (),
    ) -> optuna.Study:
        """The Optuna study of an arm, made when first asked for.

        Args:
            arm: The name of the arm.
            directions: The direction of each objective.
            metrics: The name of each objective, for Optuna's tools; none: those that it has.
        """
        if arm not in self._arms:
            self._arms[arm] = optuna.create_study(
                study_name=self._arm_name(arm),
                storage=self._storage,
                directions=list(directions),
                load_if_exists=True,
            )
        if metrics:
            name_metrics(self._arms[arm], metrics)
        return self._arms[arm]

    def stored_trials(self, arm: str) -> list[FrozenTrial]:
        """All trials of an arm as Optuna has them, in order; none if the arm has not begun."""
        if self._arm_name(arm) not in optuna.get_all_study_names(self._storage):
            return []
        return self.arm(arm).get_trials(deepcopy=False)

    def count(self, arm: str) -> dict[TrialState, int]:
        """How many trials of an arm are in each state; nothing of them is read."""
        return count_states(self._storage, self._arm_name(arm))

    def trials(self, arm: str) -> "list[Trial]":
        """The finished trainings of an arm of the search, in order."""
        from mtlsearch.search.ledger import is_recorded, trial_of

        trials = []
        for stored in self.stored_trials(arm):
            if is_recorded(stored):
                trials.append(trial_of(arm, stored))
        return trials

    def _arm_name(self, arm: str) -> str:
        return f"{self.name}/{self._within_part(arm)}"

    def _within_part(self, key: str) -> str:
        """What something that a part has of its own is stored under."""
        return f"{self._part}/{key}" if self._part else key

    def extend(self, trainings: int | None = None, seeds: Seeds | None = None) -> None:
        """Raise the budget of every arm, or the number of seeds of the confirmation.

        Args:
            trainings: The budget; None: as it is.
            seeds: The number of seeds, or that the answer decides on it; None: as it is.

        Raises:
            StudyError: One of them would shrink; nothing is changed.
        """
        if trainings is not None:
            _check_growth("--trainings", trainings, self.request.trainings)
        if seeds is not None and seeds != AUTO:
            _check_growth("--seeds", seeds, self.seeds)
        if trainings is not None:
            # they are asked for themselves now, and no time limits them
            self._ask(replace(self.request, trainings=trainings, minutes=None))
        if seeds is not None:
            self._raise_seeds(seeds)

    def lower_budget(self, trainings: int) -> None:
        """Lower the budget of every arm to what still fits into the minutes.

        No arm may have begun more. A part forgets it: the study keeps it for all of them.
        """
        lowered = replace(self.request, trainings=trainings)
        if self._part:
            self.request = lowered
        else:
            self._ask(lowered)

    def move_to(self, ray_address: str | None) -> None:
        """Train on another Ray cluster from now on; None: on this machine."""
        self._ask(replace(self.request, ray_address=ray_address))

    def extend_baseline(self) -> None:
        """Raise the budget of the baseline alone. Raises UsageError where it is no arm."""
        self._ask(replace(self.request, more_baseline=True))

    def add_arms(self, arms: tuple[str, ...]) -> None:
        """Add arms, with the budget of the others; those that are there already change nothing.

        What an arm tries depends on no other arm. What is picked depends on the trainings of all of
        them: all arms are picked and confirmed anew, apart from what was confirmed before.

        Raises UsageError for an unknown name.
        """
        added = tuple(arm for arm in arms if arm not in self.request.arms)
        self._ask(
            replace(
                self.request,
                arms=(*self.request.arms, *added),
                added_arms=(*self.request.added_arms, *added),
            )
        )

    def refuse_epochs(self, epochs: int) -> None:
        """Raise UsageError, with the search that has so many epochs."""
        request = self.request
        flags: list[object] = []
        for task in request.task_flags:
            flags += ["--task", task]
        start = command("search", request.data, *flags, "--epochs", epochs)
        raise UsageError(
            f"--epochs: found {epochs}; the study's trainings have {request.epochs} at most, and "
            f"scores of longer ones are no equal of theirs; search anew, with its other options: "
            f"{start}"
        )

    def _ask(self, request: Request) -> None:
        self.request = request
        self._root.set_user_attr(REQUEST, request.to_json())

    def set_data(self, data: str) -> None:
        """Read the data elsewhere until the study is opened again: an absolute path, or a name."""
        self.request = replace(self.request, data=data)

    def keep_data(self) -> None:
        """Read the data from now on where they are read at present."""
        stored = self._root.user_attrs[REQUEST]
        if stored["data"] != self.request.data:
            self._root.set_user_attr(REQUEST, {**stored, "data": self.request.data})

    def set_margin(self, margin: float) -> None:
        """Answer by another margin until the study is opened again.

        Raises UsageError for a number out of range.
        """
        self.request = replace(self.request, margin=margin)

    def keep_margin(self, margin: float) -> None:
        """Answer by another margin from now on. Raises UsageError for a number out of range."""
        self._ask(replace(self.request, margin=margin))

    @property
    def seed_plan(self) -> SeedPlan:
        """The seeds of the confirmation of this budget."""
        stored = self._root.user_attrs.get(self._seeds_key)
        return SeedPlan.from_json(stored) if stored else SeedPlan.of(self.request.seeds)

    def set_seed_plan(self, plan: SeedPlan) -> None:
        """Fix how many seeds the confirmation of this budget has, as far as that is decided.

        Where there are more, an ensemble that was chosen among fewer will be chosen anew.
        """
        if plan.seeds > self.seeds and self.greedy_choice is not None:
            self._root.set_user_attr(self._greedy_key, None)
            self._ask(replace(self.request, greedy_ensemble=True))
        self._root.set_user_attr(self._seeds_key, plan.to_json())

    @property
    def _seeds_key(self) -> str:
        return f"{SEEDS}@{self.request.budget_name}"

    @property
    def seeds(self) -> int:
        """The number of seeds of the confirmation, trained or to be trained."""
        return self.seed_plan.seeds

    @property
    def reference_seeds(self) -> int:
        """The number of seeds that references are fitted with: the first ones.

        Their fits vary less over seeds than networks do, and may take far longer.
        """
        return min(self.seeds, FIRST_SEEDS)

    def _raise_seeds(self, seeds: Seeds) -> None:
        """Raise the number of seeds of the confirmation, or let the answer decide on it."""
        raised = self.seed_plan.raised(seeds, has_answer=self._is_confirmed)
        self.set_seed_plan(raised)
        self._ask(replace(self.request, seeds=seeds))

    @property
    def _is_confirmed(self) -> bool:
        """Whether every pick is trained with the seeds that there are so far."""
        from mtlsearch.search.ledger import is_recorded

        recorded = [trial for trial in self.stored_trials(self.confirmation) if is_recorded(trial)]
        return 0 < self.picked * self.seeds <= len(recorded)

    def divide(self, outer_folds: int) -> None:
        """Set the number of outer folds of a study that has one set of test rows.

        Raises StudyError when it has another number already: all of its rows would be divided
        otherwise.
        """
        present = self.request.outer_folds
        if outer_folds == present:
            return
        if present > 1:
            raise StudyError(
                f"--outer-folds: found {outer_folds}; the study has {present}, which would divide "
                "its rows otherwise; leave it out, or search again with another --study"
            )
        self.request = replace(self.request, outer_folds=outer_folds)
        self._root.set_user_attr(REQUEST, self.request.to_json())

    @property
    def confirmation(self) -> str:
        """The name of the confirmation of this budget."""
        return f"confirmation@{self.request.budget_name}"

    def picks(self) -> "list[Pick]":
        """The models that were chosen for confirmation; none before they are chosen."""
        from mtlsearch.candidate import Composition
        from mtlsearch.evidence.selection import Pick

        picks = []
        for stored in self._stored_picks():
            composition = Composition.from_json(stored["composition"])
            pick = Pick(
                arm=stored["arm"],
                candidate=stored["candidate"],
                composition=composition,
                validation_gain=stored["validation_gain"],
                breach=stored.get("breach", 0.0),
                trained_in=stored.get("trained_in"),
            )
            picks.append(pick)
        return picks

    def _stored_picks(self) -> list[dict[str, Any]]:
        key = self._within_part(self.confirmation)
        stored: list[dict[str, Any]] = self._root.user_attrs.get(key, [])
        return stored

    @property
    def picked(self) -> int:
        """How many models are chosen for confirmation; to count them needs no plugin."""
        return len(self._stored_picks())

    def set_picks(self, picks: "Sequence[Pick]") -> None:
        """Fix the choice before any test row is predicted."""
        stored = []
        for pick in picks:
            spelled = {
                "arm": pick.arm,
                "candidate": pick.candidate,
                "composition": pick.composition.to_json(),
                "validation_gain": pick.validation_gain,
                "breach": pick.breach,
                "trained_in": pick.trained_in,
            }
            stored.append(spelled)
        self._root.set_user_attr(self._within_part(self.confirmation), stored)

    @property
    def engine(self) -> "Choice | None":
        """The engine that all of the study is trained with, once it is chosen.

        Scores of two are not compared.
        """
        from mtlsearch.training.engine_choice import Choice

        stored = self._root.user_attrs.get(ENGINE)
        return Choice(**stored) if stored else None

    def set_engine(self, choice: "Choice") -> None:
        """Fix the engine before the first training."""
        self._root.set_user_attr(ENGINE, choice.to_json())

    @property
    def timings(self) -> Timings | None:
        """What its trainings were expected to take, once they are timed."""
        stored = self._root.user_attrs.get(TIMINGS)
        return Timings.from_json(stored) if stored else None

    def set_timings(self, timings: Timings) -> None:
        """Keep what its trainings are expected to take: it is timed once."""
        self._root.set_user_attr(TIMINGS, timings.to_json())

    @property
    def references(self) -> tuple[str, ...] | None:
        """The names of the references that are fitted beside the confirmation.

        None before they are fixed.
        """
        stored = self._root.user_attrs.get(REFERENCES)
        return None if stored is None else tuple(stored)

    def set_references(self, names: Sequence[str]) -> None:
        """Fix the references before the first is fitted."""
        self._root.set_user_attr(REFERENCES, list(names))

    @property
    def greedy_choice(self) -> GreedyChoice | None:
        """What the greedy ensemble of this budget is made of, once it is chosen."""
        stored = self._root.user_attrs.get(self._greedy_key)
        return GreedyChoice.from_json(stored) if stored else None

    def set_greedy_choice(self, choice: GreedyChoice) -> None:
        """Fix what the greedy ensemble of this budget is made of."""
        self._root.set_user_attr(self._greedy_key, choice.to_json())

    @property
    def _greedy_key(self) -> str:
        return self._within_part(f"{GREEDY_ENSEMBLE}@{self.request.budget_name}")

    def add_seconds(self, seconds: float) -> None:
        """Add to the wall-clock time that the study has taken, over all sessions."""
        self._root.set_user_attr(WALL_SECONDS, self.wall_seconds + seconds)

    @property
    def wall_seconds(self) -> float:
        """The wall-clock time that the study has taken so far, in seconds."""
        return float(self._root.user_attrs.get(WALL_SECONDS, 0.0))


def _check_growth(option: str, value: int, present: int) -> None:
    if value < present:
        raise StudyError(f"{option}: found {value}; the study already has {present} and only grows")


def _check_format(folder: Path, attributes: dict[str, Any]) -> None:
    """Raise StudyError when the study is stored otherwise than this version does."""
    number = attributes.get(FORMAT, 1)  # the first format did not say so
    if number == FORMAT_NUMBER:
        return
    if number > FORMAT_NUMBER:
        raise StudyError(
            f"{folder}: a later version of mtlsearch made this study (format {number}; "
            f"this version reads format {FORMAT_NUMBER}); open it with that version"
        )
    raise StudyError(
        f"{folder}: an earlier version of mtlsearch made this study (format {number}; this version "
        f"reads format {FORMAT_NUMBER}). Its {folder}/report/report.html stays readable; to go on, "
        "search again with another --study: the same seed gives the same candidates"
    )


def _storage_of(pointer: Pointer, folder: Path) -> RDBStorage:
    """The storage of a study; of one that cannot be written a copy, which is never written back."""
    if pointer.storage is not None:
        return open_storage(with_password(pointer.storage))
    if is_writable(folder):
        return open_storage(local_url(folder / DATABASE))
    copy = lasting_scratch_folder()
    for file in (DATABASE, f"{DATABASE}-wal"):  # the latter has what is not in the former yet
        if (folder / file).is_file():
            shutil.copyfile(folder / file, copy / file)
    return open_storage(local_url(copy / DATABASE))


def _first_line(error: BaseException) -> str:
    if isinstance(error, ImportError):
        return f"{error}; for PostgreSQL: pip install 'mtlsearch[postgres]'"
    return describe_storage_error(error)
