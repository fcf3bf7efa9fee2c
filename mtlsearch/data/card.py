"""The dataset card: what a dataset consists of, as the user writes it.

It is written in YAML or with --task flags; one model serves both.
"""

import reprlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from mtlsearch.columns import ColumnSettings
from mtlsearch.errors import DataError, UsageError, unknown
from mtlsearch.inputs import INPUT_KINDS
from mtlsearch.tasks import LABEL_KIND, LABEL_SET_KIND, METRICS, TASK_KINDS, TaskOptions
from mtlsearch.yaml_file import CarefulLoader

LABELS = "multilabel"  # no kind of its own: a binary task for each label
Model = TypeVar("Model", bound=BaseModel)
SWITCHES = ("--auxiliary",)  # options of a task that have no value

NULL_TAG = "tag:yaml.org,2002:null"
TEXT_TAG = "tag:yaml.org,2002:str"
MERGE_TAG = "tag:yaml.org,2002:merge"
SHORTENED = reprlib.Repr()
SHORTENED.maxlevel = 2
SHORTENED.maxstring = 80
COLUMN_TYPES = ("number", "category", "text", "date", "image", "ignore")
SOURCE_OF_A_FILE = "data"  # what the one source of a table is called that needs no card


class _Strict(BaseModel):
    """A model that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_input(name: str) -> str:
    return _known_name(name, INPUT_KINDS)


def _known_kind(name: str) -> str:
    return _known_name(name, (*TASK_KINDS, LABELS))


def _distinct_names(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) == len(names):
        return names
    raise PydanticCustomError("repeated_name", "has a name twice")


def _without_percent_sign(value: object) -> object:
    return value.strip().removesuffix("%") if isinstance(value, str) else value


def _known_type(name: str) -> str:
    return _known_name(name, COLUMN_TYPES)


def _listed(value: object) -> object:
    """Return a single word as a list of one."""
    return [value] if isinstance(value, str) else value


def _typed(value: object) -> object:
    """Return the short form of what is said of a column, its type alone, as the long one."""
    return {"type": value} if isinstance(value, str) else value


def _known_name(name: str, known: Iterable[str]) -> str:
    if name in known:
        return name
    context = {"known": list(known)}
    raise PydanticCustomError("unknown_name", "is unknown", context)


InputName = Annotated[str, AfterValidator(_known_input)]
KindName = Annotated[str, AfterValidator(_known_kind)]
ClassName = Annotated[str, Field(coerce_numbers_to_str=True)]
Order = Annotated[tuple[ClassName, ...], Field(min_length=2), AfterValidator(_distinct_names)]
Targets = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_distinct_names)]
Importance = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Percent = Annotated[float, BeforeValidator(_without_percent_sign), Field(ge=0, lt=100)]
Share = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
TypeName = Annotated[str, AfterValidator(_known_type)]
Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Count = Annotated[int, Field(ge=1, le=2**24)]
Length = Annotated[int, Field(ge=2, le=2**16)]
Pixels = Annotated[int, Field(ge=8, le=512)]


class ColumnCard(_Strict):
    """What the user says of a column; the rest is recognised.

    Attributes:
        type: What it holds; "ignore" leaves it out.
        decimal: The decimal mark of its numbers.
        missing: Words that stand for a missing value.
        day_first: Whether the day comes before the month in its dates.
        embedding: The size of the vector of a category, word or picture.
        minimum_count: Categories and words in fewer training rows share one vector.
        buckets: The number of buckets that categories are hashed into.
        max_length: How many words or pieces of a text are read at most.
        tokenizer: The tokenizer of a text: a model of Hugging Face by its name, or a folder,
            relative to the card. Then the column is text.
        size: The pixels a side that pictures are scaled to.
    """

    type: TypeName | None = None
    decimal: Literal[".", ","] | None = None
    missing: Words = ()
    day_first: bool | None = None
    embedding: Count | None = None
    minimum_count: Count | None = None
    buckets: Count | None = None
    max_length: Length | None = None
    tokenizer: str | None = None
    size: Pixels | None = None

    @property
    def settings(self) -> ColumnSettings:
        """The same for the reading of a column."""
        settings = ColumnSettings(**self.model_dump())
        if self.tokenizer is not None and self.type is None:
            return replace(settings, type="text")
        return settings

    def located(self, folder: Path) -> Self:
        """Return the same with the whole path of a tokenizer that lies in a folder of the card's.

        What is no folder there is a model's name.
        """
        if self.tokenizer is None:
            return self
        path = folder / self.tokenizer
        return self.model_copy(update={"tokenizer": str(path)}) if path.exists() else self


ColumnCards = dict[str, Annotated[ColumnCard, BeforeValidator(_typed)]]


class SourceCard(_Strict):
    """One input table.

    Attributes:
        path: Where the table is, relative to the card.
        ignore: The columns that are neither input nor target.
        input: The name of a kind of input, inferred where it is left out.
        lengths: The column with the number of steps or tokens of each row; where it is left out,
            a column `lengths` is taken for that.
        columns: What is said of single columns.
        missing: Words that stand for a missing value in every column.
    """

    path: str
    ignore: Words = ()
    input: InputName | None = None
    lengths: str | None = None
    columns: ColumnCards = {}
    missing: Words = ()

    @property
    def ignored(self) -> tuple[str, ...]:
        """The columns that are left out because the user says so."""
        typed = [name for name, column in self.columns.items() if column.type == "ignore"]
        return (*self.ignore, *typed)

    def located(self, folder: Path) -> Self:
        """Return the source with whole paths; those that are not are relative to a folder."""
        columns = {name: column.located(folder) for name, column in self.columns.items()}
        update = {"path": str(folder / self.path), "columns": columns}
        return self.model_copy(update=update)


class TaskCard(_Strict):
    """One task.

    Attributes:
        source: The name of its source; it may be left out where there is only one.
        target: Its target column, by default called like the task.
        kind: The name of its kind, inferred where it is left out.
        metric: The name of its metric, inferred where it is left out.
        targets: The columns of several labels, in the place of one `target` that holds lists.
        separate: Whether each of several labels is a task, rather than all of them one; None: as
            the kind says.
        order: Its classes in their order; needed for text that has one. Of two classes, the second
            is the one whose probability is predicted.
        importance: The weight of the task in the mean over tasks, and of its loss.
        auxiliary: Whether it only helps to train the others and is not scored.
        at_most_worse: By how many percent it may be worse than with separate models.
    """

    source: str | None = None
    target: str | None = None
    kind: KindName | None = None
    metric: str | None = None
    targets: Targets | None = None
    separate: bool | None = None
    order: Order | None = None
    importance: Importance = 1.0
    auxiliary: bool = False
    at_most_worse: Percent | None = None

    @property
    def has_labels(self) -> bool:
        """Whether the task stands for several labels."""
        return self.kind in (LABELS, LABEL_SET_KIND)

    @property
    def is_separate(self) -> bool:
        """Whether it stands for several labels, each of which is a task."""
        return self.kind == LABELS

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The columns that hold its target, which are no inputs."""
        if self.targets is not None:
            return self.targets
        return (self.target or "",)

    def for_labels(self, targets: Sequence[str]) -> Self:
        """Return the one task of several labels, whose targets are columns of their own."""
        return self.model_copy(update={"targets": tuple(targets)})

    def for_label(self, target: str) -> Self:
        """Return the task of one label of several, whose target is a column of its own."""
        update = {"kind": LABEL_KIND, "target": target, "targets": None}
        return self.model_copy(update=update)

    @property
    def options(self) -> TaskOptions:
        """How the task counts."""
        return TaskOptions(self.importance, self.auxiliary, self.at_most_worse)


class SplitCard(_Strict):
    """How rows are divided.

    In a dataset of several sources each of them has the columns that are named here.

    Attributes:
        validation: A fraction of the rows that are not test rows.
        test: A fraction of all rows.
        group: A column whose equal values stay together.
        seed: What a random split depends on.
        column: A column with train / val / test.
        time: A column whose last rows are the test rows.
    """

    validation: Share = 0.2
    test: Share = 0.2
    group: str | None = None
    seed: Seed = 0
    column: str | None = None
    time: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are needed for splitting and so are no inputs."""
        names = (self.column, self.time, self.group)
        return tuple(name for name in names if name is not None)

    @property
    def is_random(self) -> bool:
        """Whether chance decides which rows, or groups, are test rows."""
        return self.column is None and self.time is None


class Card(_Strict):
    """A dataset: its sources, its tasks in order and its split.

    `columns` and `missing` are those of the source, where there is only one. The card is complete
    after `checked`: then every task has a source and a target.
    """

    name: str = Field(default="", coerce_numbers_to_str=True)
    sources: dict[str, SourceCard] = Field(min_length=1)
    tasks: dict[str, TaskCard]
    split: SplitCard = SplitCard()
    columns: ColumnCards = {}
    missing: Words = ()

    def checked(self, where: str) -> Self:
        """Return the card with sources and targets filled in.

        Raises:
            DataError: Names do not fit together. The message begins with `where`.
        """
        if self.split.column and self.split.time:
            raise DataError(
                f'{where}: split: "column" and "time" exclude each other; give one of them'
            )
        become_several = any(task.is_separate for task in self.tasks.values())
        if len(self.tasks) < 2 and not become_several:
            raise DataError(
                f"{where}: tasks: at least two tasks are needed, found {len(self.tasks)}"
            )
        tasks = {}
        for name, task in self.tasks.items():
            place = f"{where}: tasks.{name}"
            tasks[name] = self._completed(place, name, task)
        if all(task.auxiliary for task in tasks.values()):
            raise DataError(
                f"{where}: tasks: all are auxiliary, so that nothing is scored; "
                "at least one must not be"
            )
        used = {task.source for task in tasks.values()}
        unused = set(self.sources) - used
        if unused:
            raise DataError(f"{where}: sources.{min(unused)}: no task uses this source")
        update = {"tasks": tasks, "sources": self._sources_with_columns(where)}
        return self.model_copy(update={**update, "columns": {}, "missing": ()})

    def _sources_with_columns(self, where: str) -> Mapping[str, SourceCard]:
        """Return the sources, the only one with what the card says of its columns."""
        if not self.columns and not self.missing:
            return self.sources
        if len(self.sources) > 1:
            word = "columns" if self.columns else "missing"
            names = ", ".join(self.sources)
            raise DataError(
                f"{where}: {word}: there are several sources, so say it of one of them: {names}"
            )
        [(name, source)] = self.sources.items()
        update = {
            "columns": {**source.columns, **self.columns},
            "missing": (*source.missing, *self.missing),
        }
        return {name: source.model_copy(update=update)}

    def selected(self, where: str, flags: Sequence["TaskFlag"]) -> Self:
        """Return the card with only the flagged tasks.

        A flag overrides the kind and metric of its task where it gives them. The targets of the
        tasks left out are ignored, so that they do not become inputs.

        Raises:
            DataError: A flag names no task of the card, or a task twice.
        """
        if not flags:
            return self
        _check_distinct(where, flags)
        tasks = {}
        for flag in flags:
            task = self.tasks.get(flag.name)
            if task is None:
                raise DataError(unknown(f"{where}: task", flag.name, self.tasks))
            tasks[flag.name] = flag.override(task)
        raw = self.model_dump()
        raw["sources"] = self._sources_of(tasks)
        raw["tasks"] = _plain_tasks(tasks)
        card = validated(type(self), raw, where)
        return card.checked(where)

    def with_options(self, where: str, flags: Sequence["OptionFlag"]) -> Self:
        """Return the card with the options of its tasks that flags give.

        Raises:
            DataError: A flag names no task of the card, or its value is not allowed.
        """
        if not flags:
            return self
        tasks = dict(self.tasks)
        for flag in flags:
            task = tasks.get(flag.task)
            if task is None:
                raise DataError(unknown(f"{where}: {flag.option}", flag.task, tasks))
            raw = task.model_dump()
            raw[flag.key] = flag.value
            tasks[flag.task] = validated(TaskCard, raw, f"{flag.option} {flag.task}")
        card = self.model_copy(update={"tasks": tasks})
        return card.checked(where)

    def with_tasks(
        self,
        tasks: Mapping[str, TaskCard],
        ignored: Mapping[str, Sequence[str]],
        where: str,
    ) -> Self:
        """Return the card with other tasks, in which some more columns of sources are ignored."""
        sources = {}
        for name, source in self.sources.items():
            columns = (*source.ignore, *ignored[name])
            sources[name] = source.model_copy(update={"ignore": columns})
        card = self.model_copy(update={"tasks": dict(tasks), "sources": sources})
        return card.checked(where)

    def _sources_of(self, tasks: Mapping[str, TaskCard]) -> dict[str, dict[str, Any]]:
        """Return the sources of these tasks as plain values, without the targets of others."""
        used = {task.source for task in tasks.values()}
        left_out = [self.tasks[name] for name in self.tasks if name not in tasks]
        sources = {}
        for name, source in self.sources.items():
            if name not in used:
                continue
            ignored: list[str] = []
            for task in left_out:
                if task.source == name:
                    ignored.extend(task.target_columns)
            raw = source.model_dump()
            raw["ignore"] = (*source.ignore, *ignored)
            sources[name] = raw
        return sources

    def _completed(self, where: str, name: str, task: TaskCard) -> TaskCard:
        """Return a task with its source and target."""
        source = task.source
        if source is None:
            source = self._only_source(where)
        if source not in self.sources:
            raise DataError(unknown(f"{where}.source", source, self.sources))
        if task.metric is not None and task.metric not in METRICS:
            raise DataError(unknown(f"{where}.metric", task.metric, METRICS))
        if task.targets is not None and not task.has_labels:
            raise DataError(f"{where}.targets: is for kind {LABELS}; one column is a target")
        if task.has_labels and task.order is not None and task.targets is None:
            raise DataError(f"{where}.order: labels in lists have none; columns of labels may")
        if task.auxiliary and task.at_most_worse is not None:
            raise DataError(
                f"{where}.at_most_worse: an auxiliary task is not scored; give one of both"
            )
        update = {
            "source": source,
            "target": task.target or name,
            "kind": _joined_kind(task, where),
            "separate": None,
        }
        if task.targets is not None:
            del update["target"]
        return task.model_copy(update=update)

    def _only_source(self, where: str) -> str:
        names = sorted(self.sources)
        if len(names) > 1:
            known = ", ".join(names)
            raise DataError(f"{where}.source: is needed, since there are several sources: {known}")
        return names[0]


def _joined_kind(task: TaskCard, where: str) -> str | None:
    """Return the kind of a task once `separate` is heeded. Raises DataError where both differ."""
    if task.separate is None:
        return task.kind
    if not task.has_labels:
        raise DataError(f"{where}.separate: is for kind {LABELS}")
    if task.separate and not task.is_separate:
        raise DataError(
            f"{where}.separate: {LABEL_SET_KIND} is one task for all labels; "
            f"say kind {LABELS} for a task each"
        )
    return LABELS if task.separate else LABEL_SET_KIND


class TaskFlag(_Strict):
    """A `NAME[:KIND[:METRIC]]` of the command line; an empty part is inferred."""

    name: str
    kind: str | None = None
    metric: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the flag that `text` spells.

        Raises:
            UsageError: It has no name or more than three parts.
        """
        parts = [part.strip() for part in text.split(":")]
        if len(parts) > 3 or not parts[0]:
            raise UsageError(
                f'--task: "{text}" cannot be read; allowed is NAME[:KIND[:METRIC]], one task each '
                "time that --task is given"
            )
        missing = 3 - len(parts)
        name, kind, metric = parts + [""] * missing
        return cls(
            name=name,
            kind=kind or None,
            metric=metric or None,
        )

    def override(self, task: TaskCard) -> TaskCard:
        """Return the task with the kind and metric of this flag.

        A changed kind drops a metric that was not given with it.
        """
        kind = self.kind or task.kind
        metric = self.metric
        if metric is None and kind == task.kind:
            metric = task.metric
        raw = {
            "kind": kind,
            "metric": metric,
        }
        return validated(TaskCard, task.model_dump() | raw, f"--task {self.name}")


class OptionFlag(_Strict):
    """An option of a task on the command line, such as `--importance NAME=3`.

    Attributes:
        option: The option as the command line spells it.
        task: The name of the task.
        value: What the option is set to.
    """

    option: str
    task: str
    value: str | bool

    @property
    def key(self) -> str:
        """The option as the card spells it."""
        return self.option.removeprefix("--").replace("-", "_")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the flag that `text` spells: `--importance NAME=3` or `--auxiliary NAME`.

        Raises:
            UsageError: It has no name or no value.
        """
        option, _, words = text.partition(" ")
        if option in SWITCHES and words:
            return cls(option=option, task=words, value=True)
        task, _, value = words.rpartition("=")
        if not task or not value:
            allowed = "NAME" if option in SWITCHES else "NAME=NUMBER"
            raise UsageError(f'{option}: "{words}" cannot be read; allowed is {allowed}')
        return cls(option=option, task=task, value=value)


def from_flags(path: Path, flags: Sequence[TaskFlag]) -> Card:
    """Return the card of one table file and the tasks named by flags.

    Its split is the default, a random one. Its source has always the same name, from which random
    draws derive: the name of the file must not change what comes out.

    Raises:
        DataError: The flags make no card.
    """
    where = str(path)
    _check_distinct(where, flags)
    name, _, _ = path.name.partition(".")
    source = {"path": str(path.absolute())}
    tasks = {}
    for flag in flags:
        tasks[flag.name] = flag.override(TaskCard())
    raw = {
        "name": name,
        "sources": {SOURCE_OF_A_FILE: source},
        "tasks": _plain_tasks(tasks),
    }
    card = validated(Card, raw, where)
    return card.checked(where)


def read_card(path: Path) -> Card:
    """Return the card in the YAML file `path`, with source paths made absolute.

    Raises:
        DataError: The file is no card. The message begins with `path`.
    """
    where = str(path)
    raw = _yaml(path)
    if not isinstance(raw, dict):
        raise DataError(
            f"{where}: must be a mapping with sources, tasks and split, found {type(raw).__name__}"
        )
    given_card = validated(Card, raw, where)
    card = given_card.checked(where)
    folder = path.absolute().parent
    sources = {name: source.located(folder) for name, source in card.sources.items()}
    update = {
        "name": card.name or path.stem,
        "sources": sources,
    }
    return card.model_copy(update=update)


def validated(model: type[Model], raw: object, where: str) -> Model:
    """Return `raw` as an object of the class `model`.

    Raises:
        DataError: It has a mistake; the message says the first one in one line.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(_mistake(model, first, where)) from error


def _mistake(model: type[BaseModel], error: ErrorDetails, where: str) -> str:
    """Return a mistake in one line that says where it is, what was found and what is allowed."""
    path = [str(part) for part in error["loc"]]
    parents = path[:-1]
    place = _join_path(where, path)
    match error["type"]:
        case "extra_forbidden":
            known = _keys(model, parents)
            return unknown(_join_path(where, parents), path[-1], known)
        case "unknown_name":
            known = error["ctx"]["known"]
            return unknown(place, error["input"], known)
        case "missing":
            return f"{place}: is needed"
    reason = error["msg"].lower()
    return f"{place}: {reason}, found {SHORTENED.repr(error['input'])}"


def _join_path(where: str, path: Sequence[str]) -> str:
    if not path:
        return where
    keys = ".".join(path)
    return f"{where}: {keys}"


def _keys(model: type[BaseModel], path: Sequence[str]) -> Iterable[str]:
    """Return the keys that are allowed at a path of a card, or in another model."""
    sections: dict[str, type[BaseModel]] = {
        "sources": SourceCard,
        "tasks": TaskCard,
        "split": SplitCard,
    }
    if path:
        model = sections.get(path[0], model)
    if "columns" in path:
        model = ColumnCard
    return model.model_fields


def _plain_tasks(tasks: Mapping[str, TaskCard]) -> dict[str, dict[str, Any]]:
    """Return tasks as plain values."""
    plain = {}
    for name, task in tasks.items():
        plain[name] = task.model_dump()
    return plain


def _check_distinct(where: str, flags: Sequence[TaskFlag]) -> None:
    counts = Counter(flag.name for flag in flags)
    for name, count in counts.items():
        if count > 1:
            raise DataError(f'{where}: task "{name}" is named twice')


class _Loader(CarefulLoader):
    """YAML in which every word stays as it is spelled, but for null.

    So `yes`, `on` and `010` are names like any other; the card's fields say what is a number.
    """

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,
    ) -> dict[Hashable, Any]:
        """Return a mapping of the YAML file, whose keys are text, null among them."""
        for key, _ in node.value:
            if key.tag == NULL_TAG:
                key.tag = TEXT_TAG
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _first, _resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items():
    _kept = [resolver for resolver in _resolvers if resolver[0] in (NULL_TAG, MERGE_TAG)]
    _Loader.yaml_implicit_resolvers[_first] = _kept


def _yaml(path: Path) -> object:
    """Return what a YAML file holds. Raises DataError where it cannot be read."""
    try:
        text = path.read_text("utf-8")
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise DataError(f"{path}: {line}{error.problem}") from error
    except RecursionError as error:
        raise DataError(f"{path}: cannot be read (values are nested too deeply)") from error
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: a tag that does not fit
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read ({reason})") from error
