"""Modules as constructor calls in written code, and the definitions and imports that they need."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Mapping, Sequence
from types import GenericAlias, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from mtlsearch.errors import ExportError
from mtlsearch.export.mixing import EnsembleMixing, Mixing
from mtlsearch.export.stacked_layers import OneByOne
from mtlsearch.export.text import Argument, Call
from mtlsearch.training.dropout import SeededDropout
from mtlsearch.wording import printable

IMPORTABLE = {"torch", "numpy", *sys.stdlib_module_names}
"""The top-level modules that the written code may import."""

CONTAINERS: dict[type[nn.Module], tuple[str, str]] = {
    nn.Sequential: ("(", ")"),
    nn.ModuleList: ("([", "])"),
}
"""Modules that hold others, and the brackets that their constructor calls put around these."""

PACKAGE = "mtlsearch"
"""The top-level module whose definitions are pasted into the written code, for plugins as well."""


class Constructors:
    """Constructor calls of modules, and the definitions and imports that they need.

    Attributes:
        imports: The import lines that the calls need.
        definitions: The texts of classes, functions and constants that the calls need, in order.
    """

    def __init__(self) -> None:
        self.imports = ["from collections.abc import Mapping"]
        self.definitions: list[str] = []
        self._meanings: dict[str, object] = {
            "nn": nn,
            "Tensor": Tensor,
            "Mapping": Mapping,
            "Model": None,
        }

    def call(self, module: nn.Module) -> Call:
        """Return the call that makes such a module. Raises ExportError."""
        kind = type(module)
        if isinstance(module, SeededDropout):
            return Call(f"nn.Dropout(p={module.p})")
        if kind in CONTAINERS:
            children = [Argument("", self.call(child)) for child in module.children()]
            return Call(f"nn.{kind.__name__}", tuple(children), CONTAINERS[kind])
        if getattr(nn, kind.__name__, None) is kind:
            return Call(_torch_call(module))

        if isinstance(module, OneByOne):
            return self._call_one_by_one(module)
        if issubclass(kind, Mixing | EnsembleMixing):
            self._define_mixing(kind)
        else:
            self._define(kind.__name__, kind, kind)
        arguments = []
        for name in inspect.signature(kind).parameters:
            arguments.append(Argument(f"{name}=", self._value(module, name)))
        return Call(kind.__name__, tuple(arguments))

    def define_with_methods(
        self,
        kind: type[Any],
        attributes: Mapping[str, object],
        methods: Sequence[str],
    ) -> None:
        """Define a class of the name of `kind`, with these attributes and the methods of `kind`.

        So a method of training is written down without what it is a part of. Raises ExportError.
        """
        name = kind.__name__
        docstring = inspect.cleandoc(kind.__doc__ or "A method.")
        if "\n" in docstring:
            docstring += "\n"
        lines = [f'"""{docstring}"""', ""]
        for attribute, value in attributes.items():
            lines.append(f"{attribute} = {_literal(value, f'{name}.{attribute}')}")
        for method in methods:
            lines += ["", self._source(getattr(kind, method), kind)]
        body = textwrap.indent("\n".join(lines), "    ")
        self._meanings[name] = kind
        self.definitions.append(f"class {name}:\n{body}")

    def _call_one_by_one(self, module: OneByOne) -> Call:
        """The call that makes modules of one make, a number of times."""
        self._define(OneByOne.__name__, OneByOne, OneByOne)
        first = self.call(module.networks[0])
        times = Call(f"for _ in range({len(module.networks)})")
        arguments = (Argument("", first, comma=""), Argument("", times, comma=""))
        return Call(OneByOne.__name__, arguments, ("(*[", "])"))

    def _value(self, module: nn.Module, name: str) -> Call:
        """The value of a constructor argument, which the module keeps under the argument's name."""
        value = getattr(module, name, inspect.Parameter.empty)
        if isinstance(value, nn.Module):
            return self.call(value)
        kind = type(module).__name__
        where = f"{kind}: its constructor's {name!r} is not kept as self.{name}"
        return Call(_literal(value, where))

    def _define(
        self,
        name: str,
        thing: Any,
        owner: type[Any],
    ) -> None:
        """Make `name` mean `thing`, by an import, a pasted definition or a constant."""
        if name in self._meanings:
            if self._meanings[name] is not thing:
                raise _ambiguous(owner, name)
            return
        self._meanings[name] = thing

        home = _home(thing)
        if home is None:
            value = _literal(thing, f"{owner.__name__} uses {name}")
            self.definitions.append(f"{name} = {value}")
        elif isinstance(thing, GenericAlias):
            value = str(thing).replace("torch.", "")
            self.definitions.append(f"{name} = {value}")
        elif _top_level(home) in IMPORTABLE:
            self.imports.append(_import_line(name, thing))
        elif _is_pasted(thing, home, owner):
            self.definitions.append(self._source(thing, owner))
        else:
            raise ExportError(f"{owner.__name__} cannot be exported: it uses {name} of {home}")

    def _define_mixing(self, kind: type[Mixing] | type[EnsembleMixing]) -> None:
        """Paste the `mix` of a soft sharing into a class of the soft sharing's name."""
        base = Mixing if issubclass(kind, Mixing) else EnsembleMixing
        self._define(base.__name__, base, base)
        name = kind.__name__
        if name not in self._meanings:
            docstring = inspect.cleandoc(kind.__doc__ or "A mixing.")
            if "\n" in docstring:
                docstring += "\n"
            body = f'"""{docstring}"""\n\n{self._source(kind.mix, kind)}'
            definition = f"class {name}({base.__name__}):\n{textwrap.indent(body, '    ')}"
            self.definitions.append(definition)
            self._meanings[name] = kind.mix
        if self._meanings[name] is not kind.mix:
            raise _ambiguous(kind, "so")

    def _source(self, thing: Any, owner: type[Any]) -> str:
        """Return the text of a thing, after the names that it uses are defined."""
        try:
            text = textwrap.dedent(inspect.getsource(thing))
        except (OSError, TypeError) as error:
            raise ExportError(
                f"{owner.__name__} cannot be exported: the source of {thing} is not at hand"
            ) from error
        module_names = vars(sys.modules[thing.__module__])
        for name in _names_in(text):
            if name in module_names:
                self._define(name, module_names[name], owner)
        return text.rstrip()


def _ambiguous(owner: type[Any], name: str) -> ExportError:
    return ExportError(
        f"{owner.__name__} cannot be exported: two different things are called {name}"
    )


def _home(thing: Any) -> str | None:
    """The module in which a thing is defined; None for a constant."""
    if isinstance(thing, ModuleType):
        return thing.__name__
    home: str | None = getattr(thing, "__module__", None)
    return home


def _top_level(module: str) -> str:
    return module.split(".")[0]


def _is_pasted(
    thing: Any,
    home: str,
    owner: type[Any],
) -> bool:
    """Whether the text of a thing is pasted: it comes from the owner's package or from this one."""
    if isinstance(thing, ModuleType):
        return False
    return _top_level(home) in (_top_level(owner.__module__), PACKAGE)


def _names_in(text: str) -> list[str]:
    """The names that occur in a text of Python, ascending."""
    nodes = ast.walk(ast.parse(text))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return sorted(names)


def _torch_call(module: nn.Module) -> str:
    """Return `nn.` + the module's repr if that makes the same module. Raises ExportError."""
    text = f"nn.{module!r}"
    try:
        # The text is the repr of a class of torch.nn and never comes from outside.
        with torch.device("meta"):
            remade = eval(text, {"nn": nn})
        is_same = repr(remade) == repr(module)
    except Exception:
        is_same = False
    if not is_same:
        kind = type(module).__name__
        raise ExportError(
            f"{kind} cannot be exported: {printable(text)} is not its constructor call"
        )
    return text


def _literal(value: object, where: str) -> str:
    """Return the text of a value. Raises ExportError that begins with `where`."""
    text = repr(value)
    try:
        is_same = ast.literal_eval(text) == value
    except (ValueError, SyntaxError):
        is_same = False
    if not is_same:
        raise ExportError(f"{where}: {printable(text)} cannot be written as code")
    return text


def _import_line(name: str, thing: Any) -> str:
    """Return the line that imports a module, class or function under this name."""
    if isinstance(thing, ModuleType):
        module, _, imported = thing.__name__.rpartition(".")
    else:
        module = thing.__module__
        imported = thing.__name__
    alias = "" if name == imported else f" as {name}"
    if not module:
        return f"import {imported}{alias}"
    return f"from {module} import {imported}{alias}"
