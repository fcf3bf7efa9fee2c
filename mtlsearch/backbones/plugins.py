"""Backbones of the user's own: the modules that hold them, found, loaded and checked, in this process and in every worker."""

import dataclasses
import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

from mtlsearch.backbones import BACKBONES, Backbone
from mtlsearch.errors import SpaceError, StudyError, unknown
from mtlsearch.inputs.schema import InputKind

PLUGGED: dict[
    str, type[Backbone]
] = {}  # beside BACKBONES: by the names of the modules' own tables, and by `module:Class`
NEEDED = ("takes", "stem", "stage", "head")
_loaded: dict[str, str] = {}  # the digests of the modules that were loaded here from their text


@dataclass(frozen=True)
class Plugin:
    """A module with backbones: its file (None: it is installed) and its text, which goes with the work to every worker."""

    module: str
    file: str | None
    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        """Of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def to_mapping(self) -> dict[str, Any]:
        """What a study remembers: where the module was and what it was."""
        return {"module": self.module, "file": self.file, "digest": self.digest}

    @classmethod
    def find(cls, module: str, folders: Iterable[Path], where: str) -> "Plugin":
        """Look for `module`.py in the folders, then among what is installed. Raises SpaceError."""
        places = list(dict.fromkeys(folder.resolve() for folder in folders))
        for file in (place / f"{module}.py" for place in places):
            if file.is_file():
                return cls(module, str(file), _text(file, where))
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            spec = None
        if spec is None or spec.origin is None:
            looked = " or ".join(map(str, places))
            raise SpaceError(
                f"{where}: {module}.py is not found in {looked}, nor is such a module installed"
            )
        return cls(module, None, _text(Path(spec.origin), where))

    def load(self, where: str = "plugins") -> ModuleType:
        """Import the module and let its backbones be named. Raises SpaceError, also for whatever goes wrong in the module."""
        try:
            module = (
                importlib.import_module(self.module) if self.file is None else self._executed(where)
            )
        except SpaceError:
            raise
        except (Exception, SystemExit) as error:
            raise SpaceError(
                f"{where}: {self.file or self.module} fails when it is imported: {self._mistake(error)}"
            ) from error
        for name, kind in self._table(module, where).items():
            _check(kind, f'{where}: {self.module}: BACKBONES["{name}"]')
            PLUGGED[name] = kind
        for name, kind in vars(module).items():
            own = (
                isinstance(kind, type)
                and kind.__module__.split(".")[0] == self.module.split(".")[0]
            )
            if (
                own
                and dataclasses.is_dataclass(kind)
                and all(hasattr(kind, needed) for needed in NEEDED)
            ):
                PLUGGED[f"{self.module}:{name}"] = kind  # type: ignore[assignment]
        return module

    def _executed(self, where: str) -> ModuleType:
        """The module of this text, whether or not there is a file here: on another machine there is none."""
        if _loaded.get(self.module) == self.digest:
            return sys.modules[self.module]
        if self.module not in _loaded and (
            self.module in sys.modules or self.module in sys.stdlib_module_names
        ):
            raise SpaceError(
                f'{where}: "{self.module}" is the name of another module already; rename {self.file}'
            )
        assert self.file is not None
        spec = importlib.util.spec_from_file_location(self.module, self.file)
        assert spec is not None
        module = sys.modules[self.module] = importlib.util.module_from_spec(spec)
        try:
            exec(compile(self.text, self.file, "exec"), vars(module))
        except BaseException:
            del sys.modules[self.module]
            _loaded.pop(self.module, None)
            raise
        _loaded[self.module] = self.digest
        return module

    def _table(self, module: ModuleType, where: str) -> dict[str, type[Backbone]]:
        """What the module calls BACKBONES, if it has that."""
        table = getattr(module, "BACKBONES", {})
        if not isinstance(table, dict) or not all(isinstance(name, str) for name in table):
            raise SpaceError(
                f'{where}: {self.module}: BACKBONES should be a dictionary {{"name": Class}}'
            )
        for name in table:
            if name in BACKBONES:
                raise SpaceError(_taken(where, self.module, name, BACKBONES[name].__module__))
        return table

    def _mistake(self, error: BaseException) -> str:
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == self.file
        ]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        words = " ".join(str(error).split())
        return f"{f'line {line}: ' if line else ''}{type(error).__name__}: {words}"


def load_plugins(
    listed: Any, backbone: Any, folders: Sequence[Path], where: str
) -> tuple[Plugin, ...]:
    """Load what a space lists under `plugins`, and the modules of backbones that it names `module:Class`.

    An entry of the list is a module's name, or what `Plugin.to_mapping` gave. Raises SpaceError for what cannot be used and
    StudyError for a module that is no longer what it was.
    """
    if not isinstance(listed, list):
        raise SpaceError(f"{where}: plugins: found {listed!r}; it should be a list of modules")
    named, found, owners = _named(backbone), list[Plugin](), dict[str, str]()
    modules = {
        (entry["module"] if _stored(entry) else entry): entry
        for entry in listed
        if _stored(entry) or _is_module(entry)
    }
    if len(modules) < len(listed):
        raise SpaceError(
            f"{where}: plugins: found {listed!r}; each entry should be the name of a module, given once"
        )
    for name, entry in {**dict.fromkeys(module for module, _ in named), **modules}.items():
        at = f"{where}: plugins" if name in modules else f"{where}: backbone.name"
        found.append(_found(name, entry, folders, at))
        module, kinds = found[-1].load(at), [kind for of, kind in named if of == name]
        if not kinds and not hasattr(module, "BACKBONES"):
            raise SpaceError(f'{at}: {name} has no table BACKBONES = {{"name": Class}}')
        for key in getattr(module, "BACKBONES", {}):
            if owners.setdefault(key, name) != name:
                raise SpaceError(_taken(at, name, key, owners[key]))
        for kind in kinds:
            _check_class(module, kind, f"{where}: backbone.name")
    return tuple(found)


def _check_class(module: ModuleType, name: str, where: str) -> None:
    """Raise SpaceError for what is no backbone, or is not there."""
    if not hasattr(module, name):
        known = [key.partition(":")[2] for key in PLUGGED if key.startswith(f"{module.__name__}:")]
        raise SpaceError(unknown(f"{where}: class of {module.__name__}", name, known))
    _check(getattr(module, name), f"{where}: {module.__name__}:{name}")


def _taken(where: str, module: str, name: str, owner: str) -> str:
    return f'{where}: {module}: the name "{name}" is taken by {owner}; choose another'


def _found(name: str, entry: Any, folders: Sequence[Path], where: str) -> Plugin:
    if not _stored(entry):
        return Plugin.find(name, folders, where)
    known = [Path(entry["file"]).parent, *folders] if entry["file"] else []
    try:
        plugin = Plugin.find(name, known, where)
    except SpaceError as error:
        raise StudyError(str(error)) from error
    if plugin.digest != entry["digest"]:
        raise StudyError(
            f"{where}: {plugin.file or name} has changed since the study was made; restore it, or begin another study"
        )
    return plugin


def _stored(entry: Any) -> bool:
    return isinstance(entry, Mapping) and set(entry) == {"module", "file", "digest"}


def _is_module(entry: Any) -> bool:
    return isinstance(entry, str) and all(part.isidentifier() for part in entry.split("."))


def _named(backbone: Any) -> list[tuple[str, str]]:
    """Module and class of each backbone that is named so, in a section that may hold anything."""
    section = backbone if isinstance(backbone, dict) else {}
    entries = section["choice"] if isinstance(section.get("choice"), list) else [section]
    names = [
        entry["name"]
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    ]
    pairs = [
        (module, kind) for module, colon, kind in (name.partition(":") for name in names) if colon
    ]
    return [(module, kind) for module, kind in pairs if _is_module(module)]


def _check(kind: Any, where: str) -> None:
    """Raise SpaceError for what is no backbone."""
    if not (
        isinstance(kind, type)
        and dataclasses.is_dataclass(kind)
        and kind.__dataclass_params__.frozen
    ):  # type: ignore[attr-defined]
        raise SpaceError(f"{where} is no frozen dataclass: it needs @dataclass(frozen=True)")
    if lacking := [name for name in NEEDED if not hasattr(kind, name)]:
        raise SpaceError(f"{where} lacks {', '.join(lacking)}; a backbone has {', '.join(NEEDED)}")
    kinds, known = kind.takes, get_args(InputKind)  # type: ignore[attr-defined]
    if not isinstance(kinds, tuple) or not kinds or not set(kinds) <= set(known):
        raise SpaceError(
            f"{where}.takes: found {kinds!r}; it should be a tuple of some of {', '.join(known)}"
        )
    try:
        get_type_hints(kind, include_extras=True)
        hash(kind())
    except Exception as error:
        raise SpaceError(
            f"{where} cannot be made with defaults alone: {type(error).__name__}: {error}"
        ) from error


def _text(file: Path, where: str) -> str:
    try:
        return file.read_text("utf-8") if file.suffix == ".py" else ""
    except (OSError, ValueError) as error:
        raise SpaceError(f"{where}: {file} cannot be read: {error}") from error
