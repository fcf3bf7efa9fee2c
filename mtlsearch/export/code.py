"""Writes a model down as plain PyTorch code: the tree unrolled line by line."""

import builtins
import json
import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from torch import Tensor, nn

from mtlsearch.export.constructors import Constructors
from mtlsearch.export.mixing import mixing
from mtlsearch.export.text import assignment, wrap
from mtlsearch.structure.wiring import Stream
from mtlsearch.tasks.task import Task
from mtlsearch.training.plain.network import Model, Network

LONGEST_NAME = 40
_TEMPLATES = Path(__file__).parent / "templates"
TEMPLATES = Environment(
    loader=FileSystemLoader(_TEMPLATES), trim_blocks=True, keep_trailing_newline=True
)  # not HTML
TEMPLATES.filters["literal"] = lambda text: (
    json.dumps(text, ensure_ascii=False) if text.isprintable() else repr(text)
)


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
    calls = {
        part.name: constructors.call(part.module).lines(16 + len(part.name))
        for part in unrolled.parts
    }
    text = TEMPLATES.get_template("model.py.jinja").render(
        imports=sorted(set(constructors.imports)),
        definitions=constructors.definitions,
        tree=wrap(model.composition.spell([task.name for task in tasks])),
        parts=[
            {"name": part.name, "comments": part.comments, "lines": calls[part.name]}
            for part in unrolled.parts
        ],
        sources=unrolled.sources.values(),
    )
    return text, {
        f"{part.name}.{key}": value
        for part in unrolled.parts
        for key, value in part.module.state_dict().items()
    }


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
        self.tasks, self.parts, self.taken = (
            tasks,
            list[_Part](),
            {"self", "inputs", "given", "outputs"},
        )
        self.sources = {
            name: _Source(name, self.name("", [name]), [], {})
            for name in dict.fromkeys(t.source for t in tasks)
        }

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
                self._mix(
                    network, level, source, [at[stream] for stream in wiring.mixed[level, source]]
                )
        for position, (task, head) in enumerate(
            zip(network.component.tasks, network.heads, strict=True)
        ):
            stream, part = wiring.leaf(position), self._part("head_", [names[position]], head, [])
            self.sources[stream[1]].outputs[task] = (
                names[position],
                f"self.{part.name}({at[stream]})",
            )

    def _part(
        self, prefix: str, words: Sequence[str], module: nn.Module, comments: Iterable[str]
    ) -> _Part:
        part = _Part(
            self.name(prefix, words),
            module,
            [line for comment in comments for line in wrap(comment)],
        )
        self.parts.append(part)
        return part

    def _members(self, network: Network, level: int, node: int) -> list[str]:
        """The names of a node's tasks, or what an expert is called."""
        names = [
            self.tasks[network.component.tasks[task]].name
            for task in network.wiring.tasks(level, node)
        ]
        return names or [f"expert {network.wiring.expert(level, node) + 1}"]

    def _stage(self, network: Network, level: int, node: int) -> _Part:
        members, sharing = self._members(network, level, node), network.component.candidate.sharing
        sources = [source for number, source in network.wiring.streams[level] if number == node]
        use = {0: "owned by no task, ", 1: "only "}.get(
            len(network.wiring.tasks(level, node)), "shared by "
        )
        who = f"level {level + 1}: {use}{', '.join(members)}"
        who += (
            f"; the same weights run for the sources {', '.join(sources)}"
            if len(sources) > 1
            else ""
        )
        tie = f"tied in training to the other stages of this level: {sharing!r}; nothing to do here"
        comments = [who, *([tie] if level in network.wiring.pulled else [])]
        return self._part(f"level{level + 1}_", members, network.stages[level][node], comments)  # type: ignore[index]

    def _mix(self, network: Network, level: int, source: str, branches: Sequence[str]) -> None:
        prefix = (
            f"level{level + 1}_mix"
            if len(self.sources) == 1
            else f"level{level + 1}_mix_{identifier(source)}"
        )
        about = f"level {level + 1}: mixes its branches, {network.component.candidate.sharing!r}"
        part = self._part(prefix, [], mixing(network, level, source), [about])
        self.sources[source].steps.extend(assignment(branches, f"self.{part.name}"))

    def _run(self, part: _Part, source: str, before: str) -> str:
        after = re.sub("^level", "h", re.sub("^stem", "h0", part.name))
        self.sources[source].steps.append(f"{after} = self.{part.name}({before})")
        return after
