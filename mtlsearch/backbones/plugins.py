"""Modules of the user with backbones: found, loaded and checked, here and in every worker."""

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from mtlsearch.backbones import BACKBONES, Backbone
from mtlsearch.backbones.plugin_checks import check_backbone, is_frozen_dataclass
from mtlsearch.errors import SpaceError

PLUGGED: dict[str, type[Backbone]] = {}
"""The backbones of plugins that were loaded, besides BACKBONES.

Their names are those of the plugins' own tables, and `module:Class`.
"""

_loaded: dict[str, str] = {}
"""The digests of the modules that were loaded here from their text, by their names."""


def forget_plugins() -> None:
    """Unload every module that was loaded from its text, and empty PLUGGED."""
    for module in _loaded:
        sys.modules.pop(module, None)
    _loaded.clear()
    PLUGGED.clear()


@dataclass(frozen=True)
class Plugin:
    """A module with backbones.

    Attributes:
        module: The name of the module.
        file: Its file; None for a module that is installed.
        text: The text of the file, which is sent to every worker.
    """

    module: str
    file: str | None
    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        """A digest of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def to_mapping(self) -> dict[str, Any]:
        """Return what a study stores: where the module was and what it was."""
        return {"module": self.module, "file": self.file, "digest": self.digest}

    @classmethod
    def find(
        cls,
        module: str,
        folders: Iterable[Path],
        where: str,
    ) -> "Plugin":
        """Find `module`.py in the folders, or else the module among what is installed.

        Raises SpaceError.
        """
        searched = list(dict.fromkeys(folder.resolve() for folder in folders))
        for folder in searched:
            file = folder / f"{module}.py"
            if file.is_file():
                return cls(module, str(file), _read_text(file, where))
        origin = _installed_file(module)
        if origin is None:
            places = " or ".join(str(folder) for folder in searched)
            raise SpaceError(
                f"{where}: {module}.py is not found in {places}, nor is such a module installed"
            )
        return cls(module, None, _read_text(origin, where))

    def load(self, where: str = "plugins") -> ModuleType:
        """Import the module and add its backbones to PLUGGED.

        Raises SpaceError, also for whatever goes wrong in the module.
        """
        module = self._import(where)
        for name, kind in self._table(module, where).items():
            check_backbone(kind, f'{where}: {self.module}: BACKBONES["{name}"]')
            PLUGGED[name] = kind
        for name, kind in vars(module).items():
            if self._defines(kind):
                PLUGGED[f"{self.module}:{name}"] = kind
        return module

    def _import(self, where: str) -> ModuleType:
        try:
            if self.file is None:
                return importlib.import_module(self.module)
            return self._execute(where)
        except SpaceError:
            raise
        except (Exception, SystemExit) as error:  # a plugin may raise anything
            raise SpaceError(
                f"{where}: {self.file or self.module} fails when it is imported:"
                f" {self._describe(error)}"
            ) from error

    def _execute(self, where: str) -> ModuleType:
        """Return the module of the text; on another machine, its file does not exist."""
        if _loaded.get(self.module) == self.digest:
            return sys.modules[self.module]
        is_taken = self.module in sys.modules or self.module in sys.stdlib_module_names
        if is_taken and self.module not in _loaded:
            raise SpaceError(
                f'{where}: "{self.module}" is the name of another module already;'
                f" rename {self.file}"
            )
        assert self.file is not None
        spec = importlib.util.spec_from_file_location(self.module, self.file)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[self.module] = module
        try:
            exec(compile(self.text, self.file, "exec"), vars(module))
        except BaseException:
            del sys.modules[self.module]
            _loaded.pop(self.module, None)
            raise
        _loaded[self.module] = self.digest
        return module

    def _table(self, module: ModuleType, where: str) -> dict[str, Any]:
        """Return the module's table BACKBONES; an empty one if it has none."""
        table = getattr(module, "BACKBONES", {})
        is_table = isinstance(table, dict) and all(isinstance(name, str) for name in table)
        if not is_table:
            raise SpaceError(
                f'{where}: {self.module}: BACKBONES should be a dictionary {{"name": Class}}'
            )
        for name in table:
            if name in BACKBONES:
                raise taken_name(where, self.module, name, BACKBONES[name].__module__)
        return dict(table)

    def _defines(self, kind: object) -> bool:
        """Whether `kind` is a class of backbones that this module or its package defines."""
        if not (is_frozen_dataclass(kind) and isinstance(kind, type)):
            return False
        package = self.module.split(".")[0]
        return issubclass(kind, Backbone) and kind.__module__.split(".")[0] == package

    def _describe(self, error: BaseException) -> str:
        """Return the kind and text of an error of the module, and its line if that is known."""
        line = self._line_of(error)
        place = f"line {line}: " if line else ""
        words = " ".join(str(error).split())
        return f"{place}{type(error).__name__}: {words}"

    def _line_of(self, error: BaseException) -> int | None:
        if isinstance(error, SyntaxError):
            return error.lineno
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == self.file]
        return lines[-1] if lines else None


def plugin_of(backbone: Backbone) -> str | None:
    """Return the name of the module of a plugin's backbone; None for a backbone of the package."""
    kind = type(backbone)
    return kind.__module__ if kind in PLUGGED.values() else None


def taken_name(
    where: str,
    module: str,
    name: str,
    owner: str,
) -> SpaceError:
    """Return the error of a module that gives a backbone a name that is taken."""
    return SpaceError(f'{where}: {module}: the name "{name}" is taken by {owner}; choose another')


def _installed_file(module: str) -> Path | None:
    """Return the file of an installed module; None if there is none."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # its package is missing or has no spec
        return None
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin)


def _read_text(file: Path, where: str) -> str:
    """Return the text of a file of Python, and none of another."""
    if file.suffix != ".py":
        return ""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpaceError(f"{where}: {file} cannot be read: {error}") from error
