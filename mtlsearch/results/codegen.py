"""Writes a model down as plain PyTorch code: the tree unrolled line by line, every module as its constructor call."""

import ast
import builtins
import inspect
import keyword
import re
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from mtlsearch.candidate import spell_tree
from mtlsearch.data import Task
from mtlsearch.engine.model import Model, Network, Stream
from mtlsearch.errors import MtlsearchError

LINE, LONGEST_NAME = 110, 40
ALLOWED = {"torch", "numpy", *sys.stdlib_module_names}  # what the written code may import


class ExportError(MtlsearchError):
    """The model cannot be exported, or the export does not predict what the model predicts."""


@dataclass(frozen=True)
class Code:
    """`text` of model.py, its `weights` by the names of its state_dict, and the `keywords` of forward per source."""

    text: str
    weights: dict[str, Tensor]
    keywords: dict[str, str]


def write_code(model: Model, tasks: Sequence[Task]) -> Code:
    """Return the code of a model for these tasks of its dataset. Raises ExportError."""
    unrolled, constructors = _Unrolled(tasks), Constructors()
    for number, network in enumerate(model.networks, start=1):
        assert isinstance(network, Network)
        _check_mixing(network)
        unrolled.add(number, network)
    lines = [line for part in unrolled.parts for line in _assignment(part, constructors)]
    keywords = {source: unrolled.name("", [source]) for source in unrolled.steps}
    body = ["    def __init__(self) -> None:", "        super().__init__()", *lines, "", *_forward(keywords)]
    for source, keyword_ in keywords.items():
        body += ["", *_method(source, keyword_, unrolled.steps[source], unrolled.outputs[source])]
    tree = one_line(spell_tree(model.composition, [task.name for task in tasks]))
    head = ['"""The network of this model: plain PyTorch, one line per layer that runs."""', "", *constructors.header()]
    head += [f"# Which tasks share each level, from the inputs to the heads: {tree}", "class Model(nn.Module):"]
    doc = '    """One tensor [rows, features] per source in; the raw outputs [rows, outputs] of each task out."""'
    weights = {f"{part.name}.{key}": value for part in unrolled.parts for key, value in part.module.state_dict().items()}
    return Code("\n".join([*head, doc, "", *body]) + "\n", weights, keywords)


@dataclass(frozen=True)
class _Part:
    """A module of the model, the attribute it is kept under and what to say about it."""

    name: str
    module: nn.Module
    comments: list[str]


class _Unrolled:
    """The modules of the networks, and for each source the lines that run them and the outputs they end in."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks, self.parts, self.taken = tasks, list[_Part](), {"self", "inputs", "given", "outputs", "x", "name"}
        self.steps: dict[str, list[str]] = {source: [] for source in dict.fromkeys(task.source for task in tasks)}
        self.outputs: dict[str, dict[int, str]] = {source: {} for source in self.steps}

    def name(self, prefix: str, words: Sequence[str]) -> str:
        """Return an unused identifier that spells the words."""
        wanted = prefix + "_".join(map(_identifier, words))
        if len(wanted) > LONGEST_NAME and len(words) > 1:
            wanted = f"{prefix}{_identifier(words[0])[:LONGEST_NAME]}_and_{len(words) - 1}_more"
        wanted = wanted[: LONGEST_NAME + 20]
        wanted += "_" * (keyword.iskeyword(wanted) or wanted in dir(builtins))
        name, count = wanted, 1
        while name in self.taken:
            name, count = f"{wanted}_{(count := count + 1)}", count
        self.taken.add(name)
        return name

    def add(self, number: int, network: Network) -> None:
        """Unroll one component."""
        candidate, names = network.component.candidate, [self.tasks[task].name for task in network.component.tasks]
        about = f"Component {number}: {_list(names)}; {one_line(repr(candidate.backbone))}"
        at: dict[Stream, str] = {}
        for (node, source), stem in zip(network.streams[0], network.stems, strict=True):
            members = [names[task] for task in candidate.tree.levels[0][node]]
            part = self._part(f"stem_{_identifier(source)}_", members, stem, [about, f"input of {_list(members)} from {_list([source])}"])
            at[node, source], about = self._run(part, source, "x"), ""
        for level, streams in enumerate(network.streams):
            stages = [self._stage(network, level, node, names) for node in range(len(candidate.tree.levels[level]))]
            before = {(n, s): at[candidate.tree.parent(level, n) if level else n, s] for n, s in streams}
            at = {(n, s): self._run(stages[n], s, before[n, s]) for n, s in streams}
        for position, (task, head) in enumerate(zip(network.component.tasks, network.heads, strict=True)):
            stream = (candidate.tree.node(candidate.tree.depth - 1, position), network.task_sources[position])
            part = self._part("head_", [names[position]], head, [])
            self.outputs[stream[1]][task] = f"{self.tasks[task].name!r}: self.{part.name}({at[stream]}),"

    def _part(self, prefix: str, words: Sequence[str], module: nn.Module, comments: Iterable[str]) -> _Part:
        part = _Part(self.name(prefix, words), module, [comment for comment in comments if comment])
        self.parts.append(part)
        return part

    def _stage(self, network: Network, level: int, node: int, names: Sequence[str]) -> _Part:
        nodes, sharing = network.component.candidate.tree.levels[level], network.component.candidate.sharing
        members = [names[task] for task in nodes[node]]
        sources = [source for n, source in network.streams[level] if n == node]
        who = f"level {level + 1}: {'shared by ' if len(members) > 1 else 'only '}{_list(members)}"
        streams = f"; the same weights run for the sources {_list(sources)}" if len(sources) > 1 else ""
        tie = f"tied in training to the other stages of this level: {one_line(repr(sharing))}; nothing to do here"
        comments = [who + streams, tie if sharing.ties and len(nodes) > 1 else ""]
        return self._part(f"level{level + 1}_", members, network.stages[level][node], comments)  # type: ignore[index]

    def _run(self, part: _Part, source: str, before: str) -> str:
        after = re.sub("^(stem_|level)", "h", part.name)
        self.steps[source].append(f"{after} = self.{part.name}({before})")
        return after


def _forward(keywords: dict[str, str]) -> list[str]:
    arguments = ", ".join(f"{name}: Tensor | None = None" for name in keywords.values())
    given = [f"            {source!r}: {name}," for source, name in keywords.items()]
    runs = [f"        if given[{s!r}] is not None:\n            outputs.update(self.from_{k}(given[{s!r}]))" for s, k in keywords.items()]
    return [
        "    def forward(",
        f"        self, inputs: Mapping[str, Tensor] | None = None, *, {arguments}",
        "    ) -> dict[str, Tensor]:",
        '        """Inputs by source name, or as keywords; a source that is left out is not predicted."""',
        *["        given = {", *given, "            **(inputs or {}),", "        }"],
        *["        outputs: dict[str, Tensor] = {}", *runs, "        return outputs"],
    ]


def _method(source: str, name: str, steps: Sequence[str], outputs: dict[int, str]) -> list[str]:
    results = [f"            {outputs[task]}" for task in sorted(outputs)]
    body = [f"        {step}" for step in steps]
    comment = f"        # the inputs of {_list([source])}: x[rows, features]"
    return [f"    def from_{name}(self, x: Tensor) -> dict[str, Tensor]:", comment, *body, "        return {", *results, "        }"]


def _assignment(part: _Part, constructors: "Constructors") -> list[str]:
    first, *rest = constructors.call(part.module).lines(8 + len(f"self.{part.name} = "))
    comments = [f"        # {comment}" for comment in part.comments]
    return [*comments, f"        self.{part.name} = {first}", *(f"        {line}" for line in rest)]


@dataclass(frozen=True)
class Call:
    """A constructor call: literal text, or a name and its labelled arguments."""

    text: str
    arguments: tuple[tuple[str, "Call"], ...] | None = None

    def flat(self) -> str:
        """Return the call on one line."""
        inner = None if self.arguments is None else ", ".join(label + call.flat() for label, call in self.arguments)
        return self.text if inner is None else f"{self.text}({inner})"

    def lines(self, indent: int) -> list[str]:
        """Return the call on one line if it fits behind `indent` columns, else one line per argument."""
        if not self.arguments or len(self.flat()) + indent <= LINE:
            return [self.flat()]
        inner = [(label, call.lines(indent + 4)) for label, call in self.arguments]
        middle = [f"    {line}" for label, lines in inner for line in [label + lines[0], *lines[1:-1], *lines[1:][-1:]]]
        return [f"{self.text}(", *_with_commas(inner, middle), ")"]
