"""Modules as constructor calls in written code, and the definitions and imports that these need."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Mapping
from types import GenericAlias, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from mtlsearch.errors import ExportError
from mtlsearch.export.mixing import Mixing
from mtlsearch.export.text import Call, one_line
from mtlsearch.training.dropout import SeededDropout

ALLOWED = {"torch", "numpy", *sys.stdlib_module_names}  # what the written code may import
OURS = "mtlsearch"  # a plugin may use what the package has


class Constructors:
    """Constructor calls of modules, and the definitions and imports that they need."""

    def __init__(self) -> None:
        self.known: dict[str, object] = {
            "nn": nn,
            "Tensor": Tensor,
            "Mapping": Mapping,
            "Model": None,
        }
        self.imports, self.definitions = ["from collections.abc import Mapping"], list[str]()

    def call(self, module: nn.Module) -> Call:
        """Return the call that makes such a module. Raises ExportError."""
        kind = type(module)
        if isinstance(module, SeededDropout):
            return Call(f"nn.Dropout(p={module.p})")
        if kind is nn.Sequential:
            return Call(
                "nn.Sequential", tuple(("", self.call(child)) for child in module.children())
            )
        if getattr(nn, kind.__name__, None) is kind:
            return Call(_plain(module))
        if issubclass(kind, Mixing):
            self._define_mixing(kind)
        else:
            self._define(kind.__name__, kind, kind)
        arguments = tuple(
            (f"{name}=", self._argument(module, name))
            for name in inspect.signature(kind).parameters
        )
        return Call(kind.__name__, arguments)

    def _argument(self, module: nn.Module, name: str) -> Call:
        value = getattr(module, name, inspect.Parameter.empty)
        if isinstance(value, nn.Module):
            return self.call(value)
        return Call(
            _literal(
                value,
                f"{type(module).__name__}: its constructor's {name!r} is not kept as self.{name}",
            )
        )

    def _define(self, name: str, thing: Any, owner: type[nn.Module]) -> None:
        """Make `name` mean `thing` in the written code: by an import, a pasted definition or a constant."""
        if name in self.known:
            if self.known[name] is not thing:
                raise ExportError(
                    f"{owner.__name__} cannot be exported: two different things are called {name}"
                )
            return
        self.known[name] = thing
        home = (
            thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
        )
        if home is None:
            self.definitions.append(f"{name} = {_literal(thing, f'{owner.__name__} uses {name}')}")
        elif isinstance(thing, GenericAlias):
            self.definitions.append(f"{name} = {str(thing).replace('torch.', '')}")
        elif home.split(".")[0] in ALLOWED:
            self.imports.append(_import(name, thing))
        elif isinstance(thing, ModuleType) or home.split(".")[0] not in (
            owner.__module__.split(".")[0],
            OURS,
        ):
            raise ExportError(f"{owner.__name__} cannot be exported: it uses {name} of {home}")
        else:
            self._paste(thing, owner)

    def _define_mixing(self, kind: type[Mixing]) -> None:
        """Paste a mechanism's `mix`, in a class of the mechanism's name."""
        self._define(Mixing.__name__, Mixing, Mixing)
        if kind.__name__ not in self.known:
            about = inspect.cleandoc(kind.__doc__ or "A mixing.")
            about += "\n" if "\n" in about else ""
            body = f'"""{about}"""\n\n{self._source(kind.mix, kind)}'
            self.definitions.append(
                f"class {kind.__name__}(Mixing):\n{textwrap.indent(body, '    ')}"
            )
        if self.known.setdefault(kind.__name__, kind.mix) is not kind.mix:
            raise ExportError(
                f"{kind.__name__} cannot be exported: two different things are called so"
            )

    def _paste(self, thing: Any, owner: type[nn.Module]) -> None:
        self.definitions.append(self._source(thing, owner))

    def _source(self, thing: Any, owner: type[nn.Module]) -> str:
        """The text of a thing, after the names that it uses are defined."""
        try:
            text = textwrap.dedent(inspect.getsource(thing))
        except (OSError, TypeError) as error:
            raise ExportError(
                f"{owner.__name__} cannot be exported: the source of {thing} is not at hand"
            ) from error
        around = vars(sys.modules[thing.__module__])
        for name in sorted(
            {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        ):
            if name in around:
                self._define(name, around[name], owner)
        return text.rstrip()


def _plain(module: nn.Module) -> str:
    """Return `nn.` + the module's repr if that makes the same module. Raises ExportError."""
    text = f"nn.{module!r}"
    try:
        with torch.device("meta"):
            same = repr(eval(text, {"nn": nn})) == repr(
                module
            )  # the repr of a class of torch.nn, never text from outside
    except Exception:
        same = False
    if not same:
        raise ExportError(
            f"{type(module).__name__} cannot be exported: {one_line(text)} is not its constructor call"
        )
    return text


def _literal(value: object, where: str) -> str:
    try:
        if ast.literal_eval(repr(value)) == value:
            return repr(value)
    except (ValueError, SyntaxError):
        pass
    raise ExportError(f"{where}: {one_line(repr(value))} cannot be written as code")


def _import(name: str, thing: Any) -> str:
    module, _, leaf = (
        thing.__name__.rpartition(".")
        if isinstance(thing, ModuleType)
        else (thing.__module__, "", thing.__name__)
    )
    alias = f" as {name}" if name != leaf else ""
    return f"from {module} import {leaf}{alias}" if module else f"import {leaf}{alias}"
