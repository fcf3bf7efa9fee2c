"""The problem of a new study, and an existing study together with its problem."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mtlsearch.backbones import Backbone
from mtlsearch.candidate import SETTING_GROUPS
from mtlsearch.data import (
    NO_FLAGS,
    PROBLEMS,
    TEST,
    ColumnFlags,
    Dataset,
    check_test_rows,
    check_validation_rows,
    load,
)
from mtlsearch.data.outer_folds import (
    first_outer_fold,
    fits,
    further_outer_folds,
    share_of_test_rows,
    without_test_rows,
)
from mtlsearch.data.scored_rows import check_search_rows
from mtlsearch.data.search_rows import automatic_rows
from mtlsearch.errors import DataError, SpaceError, StudyError, UsageError
from mtlsearch.inputs import DEFAULT_INPUT_KIND, TableSchema, kinds_taken
from mtlsearch.inputs.table import has_numbers
from mtlsearch.records import Replicate
from mtlsearch.search.part_names import part_names
from mtlsearch.search.request import Request
from mtlsearch.search.seed_plan import Seeds, most_seeds
from mtlsearch.search.study import Study, part_seed
from mtlsearch.space import PerTask, SearchSpace, load_space
from mtlsearch.space.option import Option
from mtlsearch.tasks import has_label

FOLDS_CHECKED = 10  # of the search, and of the confirmation
MOST_FITTING = 21  # outer folds that are named as fitting, exclusive


def load_problem(
    data: str | None,
    flags: Sequence[str],
    space: str | None,
    epochs: int | None,
    columns: ColumnFlags = NO_FLAGS,
    options: Sequence[str] = (),
) -> tuple[Dataset, SearchSpace]:
    """Read the data and the space of a new study.

    Args:
        data: A path or the name of an embedded problem; None: the default problem.
        flags: The tasks as the command line spells them.
        space: A path or the name of a space; None: the one for this kind of data.
        epochs: The number of epochs, where it is not the space's.
        columns: What the command line says of columns.
        options: The options of tasks, as `load` takes them.

    Raises:
        DataError: The data cannot be used.
        SpaceError: The space cannot be used, or not for these data.
        UsageError: The epochs or the flags are wrong.
    """
    dataset = load(data, flags, columns, options)
    check_test_rows(dataset)
    name = space or default_space(dataset)
    chosen_space = load_space(name, len(dataset.tasks))
    _check_fit(dataset, chosen_space, name)
    _check_soft_sharing(chosen_space, name)
    _check_sampling(dataset, chosen_space, name)
    _check_backbones(chosen_space, name)
    dataset = _with_notice_of_numbers(dataset, chosen_space, name)
    if epochs is not None:
        chosen_space = _with_epochs(chosen_space, epochs)
    chosen_space = _with_search_rows(chosen_space, dataset)
    search_rows = chosen_space.training.search_rows
    if search_rows is not None:
        check_search_rows(dataset, search_rows)
    return dataset, chosen_space


def check_folds(
    dataset: Dataset,
    seed: int = Request.seed,
    trainings: int = Request.trainings,
    seeds: Seeds = Request.seeds,
    outer_folds: int = Request.outer_folds,
) -> None:
    """Raise DataError when a fold that a study trains on cannot score a task.

    Of a large budget the first FOLDS_CHECKED folds are looked at: the others are divided like them.

    Args:
        dataset: The data of the study, of outer folds those of the first.
        seed: The seed of the study.
        trainings: The budget of each arm.
        seeds: The number of fresh seeds of the confirmation; of one that grows the most of them.
        outer_folds: The number of outer folds, each of which is looked at.
    """
    most = most_seeds(seeds)
    _check_replicates(dataset, seed, trainings, most)
    if outer_folds == 1:
        return
    parts = further_outer_folds(dataset, outer_folds, seed)
    for part in parts:
        check_test_rows(part)
    parts.append(without_test_rows(dataset))
    names = part_names(outer_folds)[1:]
    for name, part in zip(names, parts, strict=True):
        _check_replicates(part, part_seed(seed, name), trainings, most)


def _check_replicates(dataset: Dataset, seed: int, trainings: int, seeds: int) -> None:
    """Raise DataError when a fold of some of the replicates cannot score a task."""
    search = [Replicate("search", index) for index in range(min(trainings, FOLDS_CHECKED))]
    folds = min(seeds, FOLDS_CHECKED)
    confirmation = [Replicate("confirmation", index) for index in range(folds)]
    numbers = [replicate.number for replicate in search + confirmation]
    check_validation_rows(dataset, numbers, seed)


def divide_study(study: Study, dataset: Dataset, outer_folds: int) -> Dataset:
    """Give a study so many outer folds, of which its own test rows are the first.

    Args:
        study: The study, which is locked.
        dataset: Its data.
        outer_folds: The number of outer folds.

    Returns:
        The data of the first outer fold.

    Raises:
        UsageError: There is no such number of outer folds.
        StudyError: The study has another number already, or its test rows are too many or too few
            to be one of so many folds.
        DataError: The rows cannot be divided so.
    """
    request = replace(study.request, outer_folds=outer_folds)
    if outer_folds == study.request.outer_folds:
        return dataset
    if study.request.outer_folds == 1 and not fits(dataset, outer_folds):
        numbers = [str(number) for number in range(2, MOST_FITTING) if fits(dataset, number)]
        allowed = f"allowed: {', '.join(numbers)}; or " if numbers else ""
        shares = [f"{share_of_test_rows(source):.0%}" for source in dataset.sources.values()]
        raise StudyError(
            f"--outer-folds: found {outer_folds}; the study's own test rows, {', '.join(shares)} "
            f"of all, were trained for and cannot be one of so many folds; {allowed}search again "
            "with another --study"
        )
    first = first_outer_fold(dataset, outer_folds, request.seed)
    check_folds(first, request.seed, request.trainings, request.seeds, outer_folds)
    study.divide(outer_folds)
    return first


def _place_of_data(study: Study) -> str:
    """What finds the data of a study. Raises DataError for a file that is not there."""
    data = study.request.data
    if data in PROBLEMS:
        return data
    path = study.folder / Path(data).expanduser()  # in the study, if it was given in memory
    if not path.is_file():
        raise DataError(
            f"{study.folder}: its data are not at {path}; where they are elsewhere, name them "
            "with --data PATH"
        )
    return str(path)


def _with_epochs(space: SearchSpace, epochs: int) -> SearchSpace:
    if epochs < 1:
        raise UsageError(f"--epochs: found {epochs}; it must be at least 1")
    mapping = space.to_mapping()
    mapping["training"]["epochs"] = epochs
    return SearchSpace.from_mapping(mapping, space.tasks, where=f"--epochs {epochs}")


def _with_search_rows(space: SearchSpace, dataset: Dataset) -> SearchSpace:
    """The space with a number of rows that the search reads, or with all, in the place of auto."""
    if space.training.rows != "auto":
        return space
    rows = automatic_rows(dataset)
    training = replace(space.training, rows="all" if rows is None else rows)
    return replace(space, training=training)


def default_space(dataset: Dataset) -> str:
    """Return the name of the space that is searched where none is named.

    It is that of the sources' kind of input, if all but those of the default kind are of one.
    """
    spaces = {source.kind.default_space for source in dataset.sources.values()}
    spaces.discard(DEFAULT_INPUT_KIND.default_space)
    if len(spaces) == 1:
        return spaces.pop()
    return DEFAULT_INPUT_KIND.default_space


def _check_fit(dataset: Dataset, space: SearchSpace, where: str) -> None:
    """Raise SpaceError when the space has a backbone that does not take the input of a source."""
    for option in space.options["backbone"]:
        for source in dataset.sources.values():
            if source.kind.schema in option.kind.takes:
                continue
            kind = source.kind.name
            taken = " and ".join(kinds_taken(option.kind.takes))
            known = []
            for name, backbone in SETTING_GROUPS["backbone"].items():
                if source.kind.schema in backbone.takes:
                    known.append(name)
            raise SpaceError(
                f'{where}: backbone.name: "{option.name}" takes {taken}, but source {source.name} '
                f"holds {kind}. Known for {kind}: {', '.join(sorted(known))}"
            )


def _check_soft_sharing(space: SearchSpace, where: str) -> None:
    """Raise SpaceError for a soft sharing that ties nothing, whatever is drawn.

    The user would wait for what never comes.
    """
    levels = space.tree.levels
    for option in space.options["sharing"]:
        settings = option.kind.most_tying(_values(option))
        if not settings or option.kind(**settings).levels(levels):
            continue
        found = ", ".join(f"{setting} {value}" for setting, value in settings.items())
        raise SpaceError(
            f"{where}: sharing: {option.name} ties none of the {levels} levels with {found}"
        )


def _values(option: Option) -> dict[str, tuple[Any, ...]]:
    """Every choice, or both ends, of the settings of a method that are not per task."""
    values = {}
    for setting, spec in option.specs:
        if not isinstance(spec, PerTask):
            values[setting] = spec.values
    return values


def _check_sampling(dataset: Dataset, space: SearchSpace, where: str) -> None:
    """Raise SpaceError for a sampling that reads rows as they are read without it.

    The user would compare a setting with itself.
    """
    has_classes = any(task.kind.is_classification for task in dataset.tasks)
    for option in space.options["optimizer"]:
        values = _values(option)
        if "balanced" in values["sampling"] and not has_classes:
            raise SpaceError(
                f"{where}: optimizer.sampling: found balanced, but no task has classes; "
                "leave it out, or say none"
            )
        highest = max(values["sampling_temperature"])
        if highest > 1 and not _has_scarce_tasks(dataset):
            raise SpaceError(
                f"{where}: optimizer.sampling_temperature: found {highest:g}, but the tasks of "
                "each source have labels on the same rows, so none is scarcer; leave it out, or "
                "say 1"
            )


def _with_notice_of_numbers(dataset: Dataset, space: SearchSpace, where: str) -> Dataset:
    """The dataset, with a notice of tables in which the space's reading of numbers finds none.

    Raises SpaceError where no source is a table.
    """
    readings = []
    for option in space.options["numbers"]:
        readings += [option.kind(**settings) for settings in option.examples()]
    if not any(reading.changes for reading in readings):
        return dataset
    tables = [source for source in dataset.sources.values() if source.kind.schema is TableSchema]
    if not tables:
        raise SpaceError(
            f"{where}: numbers: it says how numbers of tables are read, but no source is a table; "
            "leave it out"
        )
    notices = []
    for source in tables:
        non_test = np.flatnonzero(source.splits.role != TEST)
        if not has_numbers(source.selected, non_test):
            notices.append(
                f"source {source.name} has no column of more than two numbers and no date, so the "
                f"numbers of the space {where} change nothing there"
            )
    return replace(dataset, notices=(*dataset.notices, *notices))


def _has_scarce_tasks(dataset: Dataset) -> bool:
    """Whether tasks of one source have labels on different rows, other than test rows."""
    for name, source in dataset.sources.items():
        is_searched = source.splits.role != TEST
        patterns = set()
        for task in dataset.tasks:
            if task.source == name:
                is_labelled = has_label(dataset.targets[task.name][is_searched])
                patterns.add(is_labelled.tobytes())
        if len(patterns) > 1:
            return True
    return False


def _check_backbones(space: SearchSpace, where: str) -> None:
    """Make the stages and the head of every backbone, with every choice that it has.

    Raises SpaceError for one that cannot be made.
    """
    for option in space.options["backbone"]:
        for settings in option.examples():
            try:
                _try_modules(option.kind(**settings), space.tree.levels)
            except SpaceError as error:
                raise SpaceError(f"{where}: backbone.name: {error}") from error
            except Exception as error:
                reason = " ".join(str(error).split())
                raise SpaceError(
                    f"{where}: backbone {option.name} cannot be made with {settings}: "
                    f"{type(error).__name__}: {reason}"
                ) from error


def _try_modules(backbone: Backbone, levels: int) -> None:
    """Make the modules: at no cost, whatever their size, or in earnest where that does not work.

    A backbone may read a number that it computes, of which there is none on the meta device.
    """
    try:
        with torch.device("meta"):
            _make_modules(backbone, levels)
    except RuntimeError:
        _make_modules(backbone, levels)


def _make_modules(backbone: Backbone, levels: int) -> None:
    for level in range(levels):
        backbone.stage(level)
    backbone.head(1, levels)


def open_study(folder: Path, data: str | None = None) -> tuple[Study, Dataset, SearchSpace]:
    """Open a study and read its problem again.

    Args:
        folder: The study's folder.
        data: Where its data are now; None: where they were.

    Raises:
        StudyError: Data, space or a plugin are no longer what they were.
        DataError: There are no data, or they cannot be used.
    """
    study = Study.open(folder)
    if data is not None:
        study.set_data(data if data in PROBLEMS else str(Path(data).expanduser().resolve()))
    request = study.request
    columns = ColumnFlags.from_json(request.column_flags)
    dataset = load(_place_of_data(study), request.task_flags, columns, request.task_options)
    if dataset.digest != request.digest:
        raise StudyError(
            f"{folder}: the study was made with other data: {request.data} has changed since, "
            "or this version of mtlsearch divides its rows otherwise; where the same data are "
            "elsewhere, name them with --data PATH"
        )
    dataset = first_outer_fold(dataset, request.outer_folds, request.seed)
    tasks = len(dataset.tasks)
    try:
        space = SearchSpace.from_mapping(request.space, tasks, request.space_name)
    except SpaceError as error:
        raise StudyError(
            f"{folder}: its space cannot be read; "
            f"was it made by another version of mtlsearch? {error}"
        ) from error
    return study, dataset, space
