"""Writes a model down as plain PyTorch code: the tree unrolled line by line, every module as its constructor call."""

import ast
import builtins
import inspect
import json
import keyword
import re
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import Any

import torch
from jinja2 import Environment, FileSystemLoader
from torch import Tensor, nn

from mtlsearch.candidate import spell_tree
from mtlsearch.data import Task
from mtlsearch.engine.dropout import SeededDropout
from mtlsearch.engine.model import Model, Network
from mtlsearch.engine.wiring import Stream
from mtlsearch.errors import ExportError
from mtlsearch.results.layout import Call, assignment, one_line, wrap
from mtlsearch.results.mixing import Mixing, mixing

LONGEST_NAME = 40
ALLOWED = {"torch", "numpy", *sys.stdlib_module_names}  # what the written code may import
OURS = "mtlsearch"  # a plugin may use what the package has
EXPORTED = Path(__file__).parent / "exported"
TEMPLATES = Environment(loader=FileSystemLoader(EXPORTED), trim_blocks=True, keep_trailing_newline=True)  # not HTML
TEMPLATES.filters["literal"] = lambda text: json.dumps(text, ensure_ascii=False) if text.isprintable() else repr(text)


def identifier(text: str) -> str:
    """Return the text as part of an identifier: ASCII letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"\W+", "_", plain).strip("_") or "unnamed"


def write_code(model: Model, tasks: Sequence[Task]) -> tuple[str, dict[str, Tensor]]:
    """Return the text of model.py and its weights, for the tasks of the model's dataset. Raises ExportError."""
    unrolled, constructors = _Unrolled(tasks), Constructors()
    for number, network in enumerate(model.networks, start=1):
        assert isinstance(network, Network)
        unrolled.add(number, network)
    calls = {part.name: constructors.call(part.module).lines(16 + len(part.name)) for part in unrolled.parts}
    text = TEMPLATES.get_template("model.py.jinja").render(
        imports=sorted(set(constructors.imports)),
        definitions=constructors.definitions,
        tree=wrap(spell_tree(model.composition, [task.name for task in tasks])),
        parts=[{"name": part.name, "comments": part.comments, "lines": calls[part.name]} for part in unrolled.parts],
        sources=unrolled.sources.values(),
    )
    return text, {f"{part.name}.{key}": value for part in unrolled.parts for key, value in part.module.state_dict().items()}


@dataclass(frozen=True)
class _Part:
    """A module of the model, the attribute it is kept under and what to say about it."""

    name: str
    module: nn.Module
    comments: list[str]


@dataclass(frozen=True)
class _Source:
    """A source, its keyword in forward, the lines that run its streams and per task number its name and last call."""

    name: str
    keyword: str
    steps: list[str]
    outputs: dict[int, tuple[str, str]]


class _Unrolled:
    """The modules of the networks, and for each source how they run."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks, self.parts, self.taken = tasks, list[_Part](), {"self", "inputs", "given", "outputs"}
        self.sources = {name: _Source(name, self.name("", [name]), [], {}) for name in dict.fromkeys(t.source for t in tasks)}

    def name(self, prefix: str, words: Sequence[str]) -> str:
        """Return an unused identifier that spells the words."""
        wanted = prefix + "_".join(map(identifier, words))
        if len(wanted) > LONGEST_NAME and len(words) > 1:
            wanted = f"{prefix}{identifier(words[0])[:LONGEST_NAME]}_and_{len(words) - 1}_more"
        wanted = ("" if wanted.isidentifier() else "source_") + wanted[: LONGEST_NAME + 20]
        wanted += "_" * (keyword.iskeyword(wanted) or wanted in dir(builtins))
        names = (f"{wanted}_{count}" if count > 1 else wanted for count in range(1, 1_000_000))
        name = next(name for name in names if name not in self.taken)
        self.taken.add(name)
        return name

    def add(self, number: int, network: Network) -> None:
        """Unroll one component."""
        wiring, names = network.wiring, [self.tasks[task].name for task in network.component.tasks]
        about = f"Component {number}: {', '.join(names)}; {network.component.candidate.backbone!r}"
        at: dict[Stream, str] = {}
        for (node, source), stem in zip(wiring.streams[0], network.stems, strict=True):
            members = self._members(network, 0, node)
            comments = [about, f"the inputs from {source} for {', '.join(members)}"]
            part = self._part(f"stem_{identifier(source)}_", members, stem, comments)
            at[node, source], about = self._run(part, source, "x"), ""
        for level, streams in enumerate(wiring.streams):
            stages = [self._stage(network, level, node) for node in range(wiring.nodes(level))]
            before = {(n, s): at[wiring.parent(level, n), s] for n, s in streams}
            at = {(n, s): self._run(stages[n], s, before[n, s]) for n, s in streams}
            for source in (source for number, source in wiring.mixed if number == level):
                self._mix(network, level, source, [at[stream] for stream in wiring.mixed[level, source]])
        for position, (task, head) in enumerate(zip(network.component.tasks, network.heads, strict=True)):
            stream, part = wiring.leaf(position), self._part("head_", [names[position]], head, [])
            self.sources[stream[1]].outputs[task] = (names[position], f"self.{part.name}({at[stream]})")

    def _part(self, prefix: str, words: Sequence[str], module: nn.Module, comments: Iterable[str]) -> _Part:
        part = _Part(self.name(prefix, words), module, [line for comment in comments for line in wrap(comment)])
        self.parts.append(part)
        return part

    def _members(self, network: Network, level: int, node: int) -> list[str]:
        """The names of a node's tasks, or what an expert is called."""
        names = [self.tasks[network.component.tasks[task]].name for task in network.wiring.tasks(level, node)]
        return names or [f"expert {network.wiring.expert(level, node) + 1}"]

    def _stage(self, network: Network, level: int, node: int) -> _Part:
        members, sharing = self._members(network, level, node), network.component.candidate.sharing
        sources = [source for number, source in network.wiring.streams[level] if number == node]
        use = {0: "owned by no task, ", 1: "only "}.get(len(network.wiring.tasks(level, node)), "shared by ")
        who = f"level {level + 1}: {use}{', '.join(members)}"
        who += f"; the same weights run for the sources {', '.join(sources)}" if len(sources) > 1 else ""
        tie = f"tied in training to the other stages of this level: {sharing!r}; nothing to do here"
        comments = [who, *([tie] if level in network.wiring.pulled else [])]
        return self._part(f"level{level + 1}_", members, network.stages[level][node], comments)  # type: ignore[index]

    def _mix(self, network: Network, level: int, source: str, branches: Sequence[str]) -> None:
        prefix = f"level{level + 1}_mix" if len(self.sources) == 1 else f"level{level + 1}_mix_{identifier(source)}"
        about = f"level {level + 1}: mixes its branches, {network.component.candidate.sharing!r}"
        part = self._part(prefix, [], mixing(network, level, source), [about])
        self.sources[source].steps.extend(assignment(branches, f"self.{part.name}"))

    def _run(self, part: _Part, source: str, before: str) -> str:
        after = re.sub("^level", "h", re.sub("^stem", "h0", part.name))
        self.sources[source].steps.append(f"{after} = self.{part.name}({before})")
        return after


class Constructors:
    """Constructor calls of modules, and the definitions and imports that they need."""

    def __init__(self) -> None:
        self.known: dict[str, object] = {"nn": nn, "Tensor": Tensor, "Mapping": Mapping, "Model": None}
        self.imports, self.definitions = ["from collections.abc import Mapping"], list[str]()

    def call(self, module: nn.Module) -> Call:
        """Return the call that makes such a module. Raises ExportError."""
        kind = type(module)
        if isinstance(module, SeededDropout):
            return Call(f"nn.Dropout(p={module.p})")
        if kind is nn.Sequential:
            return Call("nn.Sequential", tuple(("", self.call(child)) for child in module.children()))
        if getattr(nn, kind.__name__, None) is kind:
            return Call(_plain(module))
        if issubclass(kind, Mixing):
            self._define_mixing(kind)
        else:
            self._define(kind.__name__, kind, kind)
        arguments = tuple((f"{name}=", self._argument(module, name)) for name in inspect.signature(kind).parameters)
        return Call(kind.__name__, arguments)

    def _argument(self, module: nn.Module, name: str) -> Call:
        value = getattr(module, name, inspect.Parameter.empty)
        if isinstance(value, nn.Module):
            return self.call(value)
        return Call(_literal(value, f"{type(module).__name__}: its constructor's {name!r} is not kept as self.{name}"))

    def _define(self, name: str, thing: Any, owner: type[nn.Module]) -> None:
        """Make `name` mean `thing` in the written code: by an import, a pasted definition or a constant."""
        if name in self.known:
            if self.known[name] is not thing:
                raise ExportError(f"{owner.__name__} cannot be exported: two different things are called {name}")
            return
        self.known[name] = thing
        home = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
        if home is None:
            self.definitions.append(f"{name} = {_literal(thing, f'{owner.__name__} uses {name}')}")
        elif isinstance(thing, GenericAlias):
            self.definitions.append(f"{name} = {str(thing).replace('torch.', '')}")
        elif home.split(".")[0] in ALLOWED:
            self.imports.append(_import(name, thing))
        elif isinstance(thing, ModuleType) or home.split(".")[0] not in (owner.__module__.split(".")[0], OURS):
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
            self.definitions.append(f"class {kind.__name__}(Mixing):\n{textwrap.indent(body, '    ')}")
        if self.known.setdefault(kind.__name__, kind.mix) is not kind.mix:
            raise ExportError(f"{kind.__name__} cannot be exported: two different things are called so")

    def _paste(self, thing: Any, owner: type[nn.Module]) -> None:
        self.definitions.append(self._source(thing, owner))

    def _source(self, thing: Any, owner: type[nn.Module]) -> str:
        """The text of a thing, after the names that it uses are defined."""
        try:
            text = textwrap.dedent(inspect.getsource(thing))
        except (OSError, TypeError) as error:
            raise ExportError(f"{owner.__name__} cannot be exported: the source of {thing} is not at hand") from error
        around = vars(sys.modules[thing.__module__])
        for name in sorted({node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}):
            if name in around:
                self._define(name, around[name], owner)
        return text.rstrip()


def _plain(module: nn.Module) -> str:
    """Return `nn.` + the module's repr if that makes the same module. Raises ExportError."""
    text = f"nn.{module!r}"
    try:
        with torch.device("meta"):
            same = repr(eval(text, {"nn": nn})) == repr(module)  # the repr of a class of torch.nn, never text from outside
    except Exception:
        same = False
    if not same:
        raise ExportError(f"{type(module).__name__} cannot be exported: {one_line(text)} is not its constructor call")
    return text


def _literal(value: object, where: str) -> str:
    try:
        if ast.literal_eval(repr(value)) == value:
            return repr(value)
    except (ValueError, SyntaxError):
        pass
    raise ExportError(f"{where}: {one_line(repr(value))} cannot be written as code")


def _import(name: str, thing: Any) -> str:
    module, _, leaf = thing.__name__.rpartition(".") if isinstance(thing, ModuleType) else (thing.__module__, "", thing.__name__)
    alias = f" as {name}" if name != leaf else ""
    return f"from {module} import {leaf}{alias}" if module else f"import {leaf}{alias}"
