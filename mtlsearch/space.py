"""The search space: what may vary, read from YAML by three words (choice, range, log), and sampled into candidates."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from json import JSONEncoder
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

from optuna.trial import BaseTrial
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from mtlsearch.backbones.plugins import Plugin, load_plugins
from mtlsearch.candidate import SETTING_GROUPS, Candidate, TrainingSettings
from mtlsearch.errors import SpaceError, unknown
from mtlsearch.structure.tree import SharingTree
from mtlsearch.yaml_file import read_yaml

DEFAULTS = {
    "backbone": "mlp",
    "sharing": "none",
    "weighting": "fixed",
    "optimizer": "adamw",
    "initialization": "random",
}
COSTS = ("none", "parameters", "macs")
FOLDERS = (Path(__file__).parent / "_spaces", Path(__file__).parent.parent / "search_spaces")
_text = JSONEncoder(default=str).encode


@dataclass(frozen=True)
class TreeLimits:
    """How many levels the network has and into how many branches it may part (None: as many as there are tasks)."""

    levels: Annotated[int, Field(ge=1, le=64)] = 4
    max_branches: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True)
class Spec:
    """What a field may be: `word` is choice, range, log, "" (a constant) or "each" (`values` holds one spec per task)."""

    word: str
    values: tuple[Any, ...]

    def suggest(self, trial: BaseTrial, name: str) -> Any:
        """Ask the trial for a value; a constant asks nothing, one per task asks for `name.0`, `name.1`, ..."""
        if not self.word:
            return self.values[0]
        if self.word == "each":
            return tuple(
                spec.suggest(trial, f"{name}.{task}") for task, spec in enumerate(self.values)
            )
        if self.word == "choice":
            return trial.suggest_categorical(name, self.values)
        ask = (
            trial.suggest_int
            if all(isinstance(end, int) for end in self.values)
            else trial.suggest_float
        )
        return ask(name, *self.values, log=self.word == "log")

    def to_mapping(self) -> Any:
        """The spec as YAML spells it."""
        plain = [value.to_mapping() if isinstance(value, Spec) else value for value in self.values]
        if self.word == "each":
            return plain[0] if len(set(self.values)) == 1 else plain
        return (
            {self.word: plain}
            if self.word
            else list(plain[0])
            if isinstance(plain[0], tuple)
            else plain[0]
        )


@dataclass(frozen=True)
class Option:
    """One named entry of a part's table and what its fields may be; its parameters are named `prefix.field`."""

    name: str
    kind: type[Any]
    prefix: str
    specs: tuple[tuple[str, Spec], ...]

    def examples(self) -> Iterator[dict[str, Any]]:
        """Settings in which every choice, and every end of a range, comes up once."""
        specs = {key: spec for key, spec in self.specs if spec.word != "each"}
        first = {key: spec.values[0] for key, spec in specs.items()}
        yield first
        yield from (
            {**first, key: value} for key, spec in specs.items() for value in spec.values[1:]
        )

    def to_mapping(self) -> dict[str, Any]:
        """`{"name": ..., field: spec}`."""
        return {"name": self.name, **{field: spec.to_mapping() for field, spec in self.specs}}


@dataclass(frozen=True)
class SearchSpace:
    """What may vary for T tasks: the options of each part of a candidate. `pins` fixes parts or the tree, for control arms."""

    tasks: int
    tree: TreeLimits
    options: Mapping[str, tuple[Option, ...]]
    training: TrainingSettings
    cost: str
    pins: Mapping[str, Any] = field(default_factory=dict)
    plugins: tuple[Plugin, ...] = ()

    @classmethod
    def from_mapping(
        cls, mapping: Any, tasks: int, where: str = "space", folders: Sequence[Path] = ()
    ) -> "SearchSpace":
        """Validate what YAML gives, and load its plugins from the folders, the working directory or what is installed.

        Raises SpaceError, one line that begins with `where`, StudyError for a plugin that has changed; ValueError for no tasks.
        """
        if tasks < 1:
            raise ValueError(f"a search space needs at least one task, found {tasks}")
        given = _mapping(mapping, where, ["tree", *SETTING_GROUPS, "training", "cost", "plugins"])
        if (cost := given.get("cost", "none")) not in COSTS:
            raise SpaceError(unknown(f"{where}: cost", cost, COSTS))
        plugins = load_plugins(
            given.get("plugins", []), given.get("backbone"), [*folders, Path.cwd()], where
        )
        options = {
            p: _options(p, given.get(p, {"name": name}), tasks, f"{where}: {p}")
            for p, name in DEFAULTS.items()
        }
        tree = _constants(TreeLimits, given.get("tree", {}), f"{where}: tree")
        training = _constants(TrainingSettings, given.get("training", {}), f"{where}: training")
        return cls(tasks, tree, options, training, cost, plugins=plugins)

    def to_mapping(self) -> dict[str, Any]:
        """The JSON-able mapping, defaults filled in and pins left out; inverse of `from_mapping`."""
        plain = {
            part: [option.to_mapping() for option in options]
            for part, options in self.options.items()
        }
        parts = {
            part: options[0] if len(options) == 1 else {"choice": options}
            for part, options in plain.items()
        }
        plugged = (
            {"plugins": [plugin.to_mapping() for plugin in self.plugins]} if self.plugins else {}
        )
        return {
            "tree": asdict(self.tree),
            **parts,
            "training": asdict(self.training),
            "cost": self.cost,
            **plugged,
        }

    def pinned(self, tree: SharingTree | None = None, **parts: Any) -> "SearchSpace":
        """A copy in which the tree and the given parts are fixed. Raises ValueError for what does not fit this space."""
        if tree is not None and (tree.tasks, tree.depth) != (self.tasks, self.tree.levels):
            raise ValueError(
                f"the pinned tree must hold {self.tasks} tasks on {self.tree.levels} levels"
            )
        for part, settings in parts.items():
            if part not in SETTING_GROUPS or type(settings) not in SETTING_GROUPS[part].values():
                raise ValueError(f"{settings!r} is no {part}")
        return replace(self, pins={**self.pins, **({"tree": tree} if tree else {}), **parts})

    def sample(self, trial: BaseTrial) -> Candidate:
        """Draw a candidate; the trial is asked only for what varies, is not pinned and belongs to a chosen option."""
        parts = dict(self.pins) if "tree" in self.pins else {"tree": self._tree(trial), **self.pins}
        for part, options in self.options.items():
            if part not in parts:
                named = {option.name: option for option in options}
                chosen = (
                    named[trial.suggest_categorical(part, [*named])]
                    if len(named) > 1
                    else options[0]
                )
                parts[part] = chosen.kind(
                    **{
                        key: spec.suggest(trial, f"{chosen.prefix}.{key}")
                        for key, spec in chosen.specs
                    }
                )
        return Candidate(**parts)

    def _tree(self, trial: BaseTrial) -> SharingTree:
        hosts = [trial.suggest_int(f"host_{task}", 0, task - 1) for task in range(1, self.tasks)]
        splits = [
            trial.suggest_int(f"split_{task}", 0, self.tree.levels) for task in range(1, self.tasks)
        ]
        return SharingTree.decode(hosts, splits, self.tree.levels, self.tree.max_branches)

    def parameters(self) -> list[tuple[str, str]]:
        """Human readable (name, spec) of every setting, spelled as in the file; constants and pins included."""
        rows = {
            option.prefix: option.to_mapping()
            for options in self.options.values()
            for option in options
        }
        rows = {"tree": asdict(self.tree), **rows, "training": asdict(self.training)}
        free = [
            (f"{start}.{key}", _text(spec).replace('"', ""))
            for start, keys in rows.items()
            for key, spec in keys.items()
        ]
        free = [(name, spec) for name, spec in free if name.split(".")[0] not in self.pins]
        loaded = [("plugin", plugin.file or plugin.module) for plugin in self.plugins]
        return [
            *((part, f"pinned: {value}") for part, value in self.pins.items()),
            *free,
            ("cost", self.cost),
            *loaded,
        ]


def known_spaces() -> dict[str, Path]:
    """The spaces that come with the package: name -> file."""
    return {
        file.stem: file for folder in reversed(FOLDERS) for file in sorted(folder.glob("*.yaml"))
    }


def load_space(name_or_path: str | None, tasks: int) -> SearchSpace:
    """Read a space by the path of its file or by its name (None: `default`). Raises SpaceError."""
    given, known = name_or_path or "default", known_spaces()
    try:
        path = Path(given) if Path(given).is_file() else known.get(given)
    except OSError:  # longer than any file name may be
        path = None
    if path is None:
        raise SpaceError(unknown("search space (no such file)", given, known))
    return SearchSpace.from_mapping(read_yaml(path), tasks, path.name, [path.parent])


def _options(part: str, value: Any, tasks: int, where: str) -> tuple[Option, ...]:
    several = isinstance(value, dict) and "choice" in value
    entries = (
        _list(_mapping(value, where, ["choice"])["choice"], f"{where}.choice")
        if several
        else [value]
    )
    options = tuple(_option(part, entry, tasks, where, len(entries) > 1) for entry in entries)
    if twice := _repeated([option.name for option in options]):
        raise SpaceError(f'{where}.choice: "{twice[0]}" is given twice')
    return options


def _option(part: str, value: Any, tasks: int, where: str, among: bool) -> Option:
    table = SETTING_GROUPS[part]
    name = _mapping(value, where).get("name", DEFAULTS[part] if len(table) == 1 else "(missing)")
    if not isinstance(name, str) or name not in table:
        raise SpaceError(unknown(f"{where}.name", name, table))
    kind, specs = table[name], []
    _mapping(value, where, ["name", *(each.name for each in fields(kind))])
    types, given = get_type_hints(kind, include_extras=True), {**vars(kind()), **value}
    for key, per in ((each.name, each.metadata.get("per")) for each in fields(kind)):
        specs.append(
            (
                key,
                (_each if per == "task" else _spec)(
                    given[key], types[key], f"{where}.{key}", tasks
                ),
            )
        )
    return Option(name, kind, f"{part}.{name}" if among else part, tuple(specs))


def _each(value: Any, kind: Any, where: str, tasks: int) -> Spec:
    if value in ([], ()):
        return Spec("", ((),))
    values = value if isinstance(value, list | tuple) else [value] * tasks
    if len(values) != tasks:
        raise SpaceError(f"{where}: found {len(values)} values for {tasks} tasks")
    return Spec("each", tuple(_spec(entry, get_args(kind)[0], where, tasks) for entry in values))


def _spec(value: Any, kind: Any, where: str, tasks: int) -> Spec:
    if not isinstance(value, dict):
        return Spec("", (_valid(value, kind, where),))
    if len(_mapping(value, where, ["choice", "range", "log"])) != 1:
        raise SpaceError(f"{where}: found {_text(value)}; it should hold one of choice, range, log")
    [(word, entries)], where = value.items(), f"{where}.{next(iter(value))}"
    values = tuple(_valid(entry, kind, where) for entry in _list(entries, where))
    low, high = values if len(values) == 2 else (0, 0)
    if word == "choice" and (_repeated(values) or any(isinstance(each, tuple) for each in values)):
        raise SpaceError(
            f"{where}: found {_text(entries)}; entries should be plain values, each given once"
        )
    if word != "choice" and not (
        {type(low), type(high)} <= {int, float} and low < high and (word == "range" or low > 0)
    ):
        raise SpaceError(
            f"{where}: found {_text(entries)}; it should be [low, high], two numbers with {'0 < ' * (word == 'log')}low < high"
        )
    return Spec(word, values)


def _valid(value: Any, kind: Any, where: str) -> Any:
    try:
        checker = TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))
        return checker.validate_python(tuple(value) if isinstance(value, list) else value)
    except ValidationError as error:
        raise SpaceError(
            f"{where}: found {_text(value)}; {error.errors()[0]['msg'].lower()}"
        ) from error


def _constants(kind: type[Any], value: Any, where: str) -> Any:
    types = get_type_hints(kind, include_extras=True)
    return kind(
        **{
            key: _valid(entry, types[key], f"{where}.{key}")
            for key, entry in _mapping(value, where, types).items()
        }
    )


def _mapping(value: Any, where: str, known: Iterable[str] | None = None) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise SpaceError(f"{where}: found {_text(value)}; it should be a mapping")
    if known is not None and (strange := [key for key in value if key not in known]):
        raise SpaceError(unknown(where, strange[0], known))
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise SpaceError(
            f"{where}: found {_text(value)}; it should be a list with at least one entry"
        )
    return value


def _repeated(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if values.count(value) > 1]
