"""The problem of a study as the user names it, and a new study of it."""

import operator
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mtlsearch.api.announcing import Announcer
from mtlsearch.api.given_data import GivenData
from mtlsearch.data import NO_FLAGS, ColumnFlags, Dataset, check_test_rows
from mtlsearch.data.outer_folds import first_outer_fold
from mtlsearch.errors import UsageError
from mtlsearch.program import called_at
from mtlsearch.search.batch_sizes import search_row_notices
from mtlsearch.search.credentials import HOW_TO_GIVE, has_password
from mtlsearch.search.first_timing import budget_of_minutes
from mtlsearch.search.gpus import Gpus, describe_share, with_gpus
from mtlsearch.search.objectives import directions
from mtlsearch.search.own_samplers import OwnSampler, find_sampler, sampler_name
from mtlsearch.search.place import address_of, check_place
from mtlsearch.search.request import Pacing, Request, count_workers
from mtlsearch.search.samplers import is_own
from mtlsearch.search.study import Study
from mtlsearch.search.study_loading import check_folds, default_space, load_problem
from mtlsearch.search.time_budget import describe_budget
from mtlsearch.search.versions import installed_versions
from mtlsearch.space import SearchSpace

STUDIES_FOLDER = "studies"  # where studies are made that are given no folder
LONGEST_FILE_NAME = 60

WHOLE_NUMBERS = ("trainings", "replicates", "seed", "outer_folds", "workers", "reference_rows")
NUMBERS = ("gpus_per_worker", "margin", "minutes")


@dataclass(frozen=True)
class Problem:
    """What a study is about, in the words of the command line.

    Attributes:
        data: The data.
        task_flags: The tasks, `NAME[:KIND[:METRIC]]`.
        task_options: The options of tasks, such as `--importance NAME=3`.
        columns: What is said of columns.
        space: The name or path of the space; None: the one for this kind of data.
        epochs: The number of epochs, where it is not the space's.
    """

    data: GivenData
    task_flags: tuple[str, ...] = ()
    task_options: tuple[str, ...] = ()
    columns: ColumnFlags = NO_FLAGS
    space: str | None = None
    epochs: int | None = None

    def load(self) -> tuple[Dataset, SearchSpace]:
        """Read data and space. Raises DataError, SpaceError and UsageError, as `load_problem`."""
        with self.data.called():
            return load_problem(
                self.data.name,
                self.task_flags,
                self.space,
                self.epochs,
                self.columns,
                self.task_options,
            )

    def _own_sampler(
        self,
        name: str,
        dataset: Dataset,
        space: SearchSpace,
    ) -> OwnSampler | None:
        """The sampler if it is `module:Class`, once it has proposed something; None: of the table.

        Its module is looked for beside the space, too. Raises SpaceError.
        """
        is_of_space = name == space.sampler
        where = f"{Path(self.space or '').name}: sampler" if is_of_space else "--sampler"
        if not is_of_space and not is_own(name):
            return None  # the request refuses an unknown one, as an option
        folders = [Path(self.space).parent] if self.space else []
        sampler = find_sampler(name, folders, where)
        if sampler is not None:
            sampler.rehearse(space, directions(dataset, space.cost))
        return sampler

    def request(
        self,
        settings: Mapping[str, Any],
        dataset: Dataset,
        space: SearchSpace,
    ) -> Request:
        """Return what is asked for, as a study stores it. Raises UsageError and SpaceError.

        Args:
            settings: Fields of `Request` that the user sets. 0 workers are one for each core.
            dataset: What `load` gave.
            space: The search space.
        """
        settings = _plain(settings)
        name = sampler_name(settings["sampler"], space)
        sampler = self._own_sampler(name, dataset, space)
        workers = count_workers(settings["workers"])
        address = address_of(settings["ray_address"])
        arms = settings["arms"]
        pacing = Pacing.of(settings["trainings"], settings["replicates"], workers, len(arms))
        now = datetime.now().astimezone()
        return Request(
            **{**settings, "workers": workers, "sampler": name, "ray_address": address},
            data=_data_name(self.data),
            task_flags=self.task_flags,
            task_options=self.task_options,
            column_flags=self.columns.to_json(),
            space=space.to_mapping(),
            space_name=self.space or default_space(dataset),
            digest=dataset.digest,
            created=now.isoformat(timespec="seconds"),
            cohort=pacing.cohort,
            proposal_delay=pacing.proposal_delay,
            versions=installed_versions(),
            sampler_module=None if sampler is None else sampler.plugin.to_mapping(),
        )


@dataclass(frozen=True)
class Opened:
    """A study together with its problem.

    Attributes:
        stored: The study as it is stored.
        dataset: Its data, of outer folds those of the first.
        space: Its search space.
    """

    stored: Study
    dataset: Dataset
    space: SearchSpace


def create_study(
    problem: Problem,
    settings: Mapping[str, Any],
    folder: Path | None,
    storage: str | None,
    announcer: Announcer,
) -> Opened:
    """Make a new study; nothing is left behind where that fails.

    Args:
        problem: What it is about.
        settings: Fields of `Request` that the user sets, as `Problem.request` takes them.
        folder: Where it is to be; None: a new folder below STUDIES_FOLDER.
        storage: The URL of a database; None: one in the folder.
        announcer: Is told what was chosen: shares of GPUs, a budget that fits into the minutes.

    Raises:
        UsageError: A setting is out of range.
        DataError: The data cannot be used.
        SpaceError: The space cannot be used, or not for these data.
        StudyError: The folder is in use.
    """
    began = time.monotonic()
    dataset, space = problem.load()
    request = problem.request(settings, dataset, space)
    check_place(request)
    gpus = Gpus.of_this_machine()
    shared = with_gpus(request, dataset, gpus)
    if shared != request:
        announcer.tell(describe_share(shared, gpus))
        request = shared
    dataset = first_outer_fold(dataset, request.outer_folds, request.seed)
    check_test_rows(dataset)
    check_folds(dataset, request.seed, request.trainings, request.seeds, request.outer_folds)
    timing = None
    if request.minutes is not None:
        request, timing = budget_of_minutes(request, dataset, space)
        announcer.tell(describe_budget(request))
    for notice in search_row_notices(dataset, space, request.seed):
        announcer.tell(notice)
    now = datetime.fromisoformat(request.created)
    default_folder = Path(STUDIES_FOLDER) / f"{_file_name(dataset.name)}-{now:%Y%m%d-%H%M%S}"
    stored = Study.create(
        folder or default_folder,
        request,
        storage,
        numbered=folder is None,
        files=problem.data.written,
    )
    if storage is not None and has_password(storage):
        announcer.tell(HOW_TO_GIVE)
    if timing is not None:
        timing.keep(stored)
        stored.add_seconds(time.monotonic() - (called_at() or began))
    return Opened(stored, dataset, space)


def _plain(
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Return settings with plain numbers, as they are stored. Raises UsageError."""
    plain = dict(settings)
    for name in WHOLE_NUMBERS:
        if plain[name] is not None:
            plain[name] = _number(name, plain[name], operator.index, "a whole number")
    for name in NUMBERS:
        if plain[name] is not None:
            plain[name] = _number(name, plain[name], float, "a number")
    return plain


def _number(
    name: str,
    value: object,
    convert: Any,
    allowed: str,
) -> Any:
    try:
        return convert(value)
    except (TypeError, ValueError) as error:  # what numpy's and Python's numbers do not raise
        raise UsageError(f"{name}: found {value!r}; it must be {allowed}") from error


def _data_name(data: GivenData) -> str:
    """What finds the data again from any working directory.

    It is an absolute path, the name of an embedded problem, or a path within the study's folder.
    """
    path = Path(data.name).expanduser()
    if data.written is not None:
        return str(path.relative_to(data.written))
    return str(path.resolve()) if path.is_file() else data.name


def _file_name(name: str) -> str:
    """A name that every file system takes."""
    letters = [letter if letter.isalnum() or letter in "-_+." else "-" for letter in name]
    return "".join(letters)[:LONGEST_FILE_NAME]
