"""The problem of a new study, and an existing study together with its problem."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from mtlsearch.backbones import Backbone
from mtlsearch.candidate import SETTING_GROUPS
from mtlsearch.data import Dataset, load
from mtlsearch.errors import SpaceError, StudyError, UsageError
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace, load_space

MOST_TYING: dict[str, Callable[[Sequence[Any]], Any]] = {
    "strength": max,
    "first_level": min,
    "last_level": lambda values: None if None in values else max(values),
    "experts": max,
    "private": min,
}  # of what a setting may be, the value that ties most


def load_problem(
    data: str | None, flags: Sequence[str], space: str | None, epochs: int | None
) -> tuple[Dataset, SearchSpace]:
    """Read the data and the space; `epochs` overrides the space's. Raises DataError, SpaceError or UsageError."""
    dataset = load(data, flags)
    name = space or default_space(dataset)
    chosen = load_space(name, len(dataset.tasks))
    _check_fit(dataset, chosen, name)
    _check_ties(chosen, name)
    _check_made(chosen, name)
    if epochs is None:
        return dataset, chosen
    if epochs < 1:
        raise UsageError(f"--epochs: found {epochs}; it must be at least 1")
    mapping = chosen.to_mapping()
    training = {**mapping["training"], "epochs": epochs}
    return dataset, SearchSpace.from_mapping({**mapping, "training": training}, len(dataset.tasks))


def default_space(dataset: Dataset) -> str:
    """The name of the space that is searched where none is named: for inputs of one other kind than a table that kind's."""
    kinds = {source.kind for source in dataset.sources.values()} - {"table"}
    return kinds.pop() if len(kinds) == 1 else "default"


def _check_fit(dataset: Dataset, space: SearchSpace, where: str) -> None:
    """Raise SpaceError when the space has a backbone that does not take the input of a source."""
    for option in space.options["backbone"]:
        for source in dataset.sources.values():
            if source.kind not in option.kind.takes:
                known = ", ".join(
                    sorted(
                        name
                        for name, kind in SETTING_GROUPS["backbone"].items()
                        if source.kind in kind.takes
                    )
                )
                found = f'{where}: backbone.name: "{option.name}" takes {" and ".join(option.kind.takes)}'
                raise SpaceError(
                    f"{found}, but source {source.name} holds {source.kind}. Known for {source.kind}: {known}"
                )


def _check_ties(space: SearchSpace, where: str) -> None:
    """Raise SpaceError for a soft sharing that ties nothing, whatever is drawn: the user would wait for what never comes."""
    for option in space.options["sharing"]:
        specs = {key: spec.values for key, spec in option.specs if key in MOST_TYING}
        settings = {key: MOST_TYING[key](values) for key, values in specs.items()}
        if settings and not option.kind(**settings).levels(space.tree.levels):
            found = ", ".join(f"{key} {value}" for key, value in settings.items())
            raise SpaceError(
                f"{where}: sharing: {option.name} ties none of the {space.tree.levels} levels with {found}"
            )


def _check_made(space: SearchSpace, where: str) -> None:
    """Make the stages and the head of every backbone, with every choice it has. Raises SpaceError for one that cannot be made."""
    for option in space.options["backbone"]:
        for settings in option.examples():
            try:
                _make(option.kind(**settings), space.tree.levels)
            except SpaceError as error:
                raise SpaceError(f"{where}: backbone.name: {error}") from error
            except Exception as error:
                words = f"{type(error).__name__}: {' '.join(str(error).split())}"
                raise SpaceError(
                    f"{where}: backbone {option.name} cannot be made with {settings}: {words}"
                ) from error


def _make(backbone: Backbone, levels: int) -> None:
    try:
        with torch.device("meta"):  # of whatever size, at no cost
            _ = [*map(backbone.stage, range(levels)), backbone.head(1, levels)]
    except RuntimeError:  # perhaps it reads a number that it computes, as it may
        _ = [*map(backbone.stage, range(levels)), backbone.head(1, levels)]


def open_study(folder: Path) -> tuple[Study, Dataset, SearchSpace]:
    """Open a study and read its problem again. Raises StudyError when data, space or a plugin are no longer what they were."""
    study = Study.open(folder)
    request = study.request
    dataset = load(request.data, list(request.task_flags))
    if dataset.digest != request.digest:
        raise StudyError(
            f"{folder}: the study was made with other data: {request.data} has changed since"
        )
    try:
        return (
            study,
            dataset,
            SearchSpace.from_mapping(request.space, len(dataset.tasks), request.space_name),
        )
    except SpaceError as error:
        raise StudyError(
            f"{folder}: its space cannot be read; was it made by another version of mtlsearch? {error}"
        ) from error
