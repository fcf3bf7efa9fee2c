"""The dataset card: what a dataset consists of, as the user writes it in YAML or with --task flags. One model for both."""

from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from mtlsearch.errors import DataError, UsageError, unknown
from mtlsearch.inputs.schema import InputKind
from mtlsearch.tasks.metrics import METRICS
from mtlsearch.tasks.task import Kind

KINDS: tuple[Kind, ...] = ("regression", "binary", "multiclass")
Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceCard(_Strict):
    """One input table: `path` relative to the card, and the columns that are neither input nor target.

    `input` is what a row is, inferred where it is left out (never as tokens). `lengths` names a column with the number of
    steps or tokens of each row; a column `lengths` is taken for that, too.
    """

    path: str
    ignore: tuple[str, ...] = ()
    input: InputKind | None = None
    lengths: str | None = None


class TaskCard(_Strict):
    """One task. `source` may be left out where there is only one; `target` is the task's name; the rest is inferred."""

    source: str | None = None
    target: str | None = None
    kind: Kind | None = None
    metric: str | None = None


class SplitCard(_Strict):
    """How rows are divided.

    `test` is a fraction of all rows, `validation` a fraction of the rows that are not test rows. `column` names a column
    with train / val / test, `time` a column whose last rows are the test rows; `group` a column whose equal values stay
    together. In a dataset of several sources each of them has these columns.
    """

    validation: float = Field(default=0.2, gt=0, lt=1)
    test: float = Field(default=0.2, gt=0, lt=1)
    group: str | None = None
    seed: int = Field(default=0, ge=0, lt=2**32)
    column: str | None = None
    time: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are needed for splitting and so are no inputs."""
        return tuple(name for name in (self.column, self.time, self.group) if name is not None)


class Card(_Strict):
    """A dataset: sources, tasks in order, split. Complete after `checked`: every task has a source and a target."""

    name: str = Field(default="", coerce_numbers_to_str=True)
    sources: dict[str, SourceCard] = Field(min_length=1)
    tasks: dict[str, TaskCard]
    split: SplitCard = SplitCard()

    def checked(self, where: str) -> Self:
        """Return the card with sources and targets filled in. Raises DataError for names that do not fit together."""
        if self.split.column and self.split.time:
            raise DataError(
                f'{where}: split: "column" and "time" exclude each other; give one of them'
            )
        if len(self.tasks) < 2:
            raise DataError(
                f"{where}: tasks: at least two tasks are needed, found {len(self.tasks)}"
            )
        tasks = {
            name: self._completed(f"{where}: tasks.{name}", name, task)
            for name, task in self.tasks.items()
        }
        idle = set(self.sources) - {task.source for task in tasks.values()}
        if idle:
            raise DataError(f"{where}: sources.{min(idle)}: no task uses this source")
        return self.model_copy(update={"tasks": tasks})

    def selected(self, where: str, flags: Sequence["TaskFlag"]) -> Self:
        """Return the card with only the flagged tasks, their kind and metric overridden where the flag gives them.

        The targets of the tasks left out are ignored, so that they do not become inputs.
        """
        if not flags:
            return self
        _check_distinct(where, flags)
        for flag in flags:
            if flag.name not in self.tasks:
                raise DataError(unknown(f"{where}: task", flag.name, self.tasks))
        chosen = {flag.name: flag.override(self.tasks[flag.name]) for flag in flags}
        left_out = [task for name, task in self.tasks.items() if name not in chosen]
        used = {task.source for task in chosen.values()}
        sources = {
            name: _ignoring(name, card, left_out)
            for name, card in self.sources.items()
            if name in used
        }
        raw = self.model_dump() | {
            "tasks": {k: v.model_dump() for k, v in chosen.items()},
            "sources": sources,
        }
        return validated(type(self), raw, where).checked(where)

    def _completed(self, where: str, name: str, task: TaskCard) -> TaskCard:
        if task.source is None and len(self.sources) > 1:
            raise DataError(
                f"{where}.source: is needed, since there are several sources: {', '.join(sorted(self.sources))}"
            )
        source = next(iter(self.sources)) if task.source is None else task.source
        if source not in self.sources:
            raise DataError(unknown(f"{where}.source", source, self.sources))
        if task.metric is not None and task.metric not in METRICS:
            raise DataError(unknown(f"{where}.metric", task.metric, METRICS))
        return task.model_copy(update={"source": source, "target": task.target or name})


class TaskFlag(_Strict):
    """A `NAME[:KIND[:METRIC]]` of the command line; an empty part is inferred."""

    name: str
    kind: str | None = None
    metric: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the parts of `text`. Raises UsageError when it has no name or more than three parts."""
        parts = [part.strip() for part in text.split(":")]
        if len(parts) > 3 or not parts[0]:
            raise UsageError(f'--task: "{text}" cannot be read; allowed is NAME[:KIND[:METRIC]]')
        name, kind, metric = parts + [""] * (3 - len(parts))
        return cls(name=name, kind=kind or None, metric=metric or None)

    def override(self, task: TaskCard) -> TaskCard:
        """Return `task` with this flag's kind and metric. A changed kind drops a metric that was not given with it."""
        kind, metric = self.kind or task.kind, self.metric
        if metric is None and kind == task.kind:
            metric = task.metric
        raw = {"source": task.source, "target": task.target, "kind": kind, "metric": metric}
        return validated(TaskCard, raw, f"--task {self.name}")


def from_flags(path: Path, flags: Sequence[TaskFlag]) -> Card:
    """Return the card of one table file and the tasks named by flags, with the default random split."""
    _check_distinct(str(path), flags)
    name = path.name.split(".")[0]
    tasks = {flag.name: flag.override(TaskCard()).model_dump() for flag in flags}
    raw = {"name": name, "sources": {name: {"path": str(path.absolute())}}, "tasks": tasks}
    return validated(Card, raw, str(path)).checked(str(path))


def read_card(path: Path) -> Card:
    """Return the card in the YAML file `path`, with source paths made absolute. Raises DataError."""
    raw = _yaml(path)
    if not isinstance(raw, dict):
        raise DataError(
            f"{path}: must be a mapping with sources, tasks and split, found {type(raw).__name__}"
        )
    card = validated(Card, raw, str(path)).checked(str(path))
    folder = path.absolute().parent
    sources = {
        name: source.model_copy(update={"path": str(folder / source.path)})
        for name, source in card.sources.items()
    }
    return card.model_copy(update={"name": card.name or path.stem, "sources": sources})


def validated(model: type[Model], raw: object, where: str) -> Model:
    """Return `raw` as `model`. Raises DataError with the first mistake in one line."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise DataError(_mistake(model, error.errors()[0], where)) from error


def _mistake(model: type[BaseModel], error: ErrorDetails, where: str) -> str:
    path = [str(part) for part in error["loc"]]
    at = f"{where}: {'.'.join(path)}" if path else where
    if error["type"] == "extra_forbidden":
        parent = f"{where}: {'.'.join(path[:-1])}" if len(path) > 1 else where
        return unknown(parent, path[-1], _keys(model, path[:-1]))
    if error["type"] == "literal_error":
        return unknown(at, error["input"], get_args(InputKind) if path[-1] == "input" else KINDS)
    if error["type"] == "missing":
        return f"{at}: is needed"
    return f"{at}: {error['msg'].lower()}, found {error['input']!r}"


def _keys(model: type[BaseModel], path: Iterable[str]) -> Iterable[str]:
    sections: dict[str, type[BaseModel]] = {
        "sources": SourceCard,
        "tasks": TaskCard,
        "split": SplitCard,
    }
    return sections.get(next(iter(path), ""), model).model_fields


def _ignoring(name: str, card: SourceCard, tasks: Iterable[TaskCard]) -> dict[str, Any]:
    targets = tuple(task.target for task in tasks if task.source == name)
    return card.model_dump() | {"ignore": (*card.ignore, *targets)}


def _check_distinct(where: str, flags: Sequence[TaskFlag]) -> None:
    names = [flag.name for flag in flags]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f'{where}: task "{twice}" is named twice')


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice instead of dropping the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f'"{key.value}" is named twice', key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep)


def _yaml(path: Path) -> object:
    try:
        return yaml.load(path.read_text("utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise DataError(f"{path}: {line}{error.problem}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: cannot be read ({' '.join(str(error).split())})") from error
