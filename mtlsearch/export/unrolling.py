"""A model unrolled: its modules, each under a name, and the lines that run them."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from torch import nn

from mtlsearch.export.identifiers import Identifiers, identifier
from mtlsearch.export.mixing import mixing
from mtlsearch.export.text import assignment, wrap
from mtlsearch.inputs import InputSchema
from mtlsearch.structure.wiring import Link, Stream, Wiring
from mtlsearch.tasks import Task
from mtlsearch.training.plain.network import Network

RESERVED = ("self", "inputs", "given", "outputs")
"""The names that the methods of the written code use."""

MASK = "mask"
"""The tensor of `EncodedInput` that says which positions are there."""

Variables = dict[Stream, str]
"""The name of the variable that holds what flows in a stream."""

Stage = tuple[int, int]
"""A level and a node of it."""


@dataclass(frozen=True)
class Part:
    """A module of the model, the name of the attribute that holds it, and comments on it."""

    name: str
    module: nn.Module
    comments: list[str]


@dataclass(frozen=True)
class TaskOutput:
    """The name of a task and the call that gives its raw outputs."""

    task: str
    call: str


@dataclass(frozen=True)
class SourceMethod:
    """The method that predicts the tasks of one source.

    Attributes:
        name: The name of the source.
        keyword: The name of the argument that holds its inputs.
        tensors: The names of the tensors that its inputs consist of.
        steps: The lines of the method.
        outputs: What it returns, by the numbers of the tasks.
    """

    name: str
    keyword: str
    tensors: tuple[str, ...]
    steps: list[str] = field(default_factory=list)
    outputs: dict[int, TaskOutput] = field(default_factory=dict)


@dataclass
class UnrolledComponent:
    """The names of the parts that the network of a component has become.

    What no exported task needs has none.

    Attributes:
        network: The network.
        stems: By stream of level 0.
        stages: By level and node.
        mixings: By level and source.
        heads: By the place of the task in the component.
    """

    network: Network
    stems: dict[Stream, str] = field(default_factory=dict)
    stages: dict[Stage, str] = field(default_factory=dict)
    mixings: dict[Link, str] = field(default_factory=dict)
    heads: dict[int, str] = field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        """The names of all parts."""
        by_kind = (self.stems, self.stages, self.mixings, self.heads)
        return [name for names in by_kind for name in names.values()]


class Unrolling:
    """The modules of networks that are added one by one, and for each source how they run.

    Attributes:
        parts: The modules, in the order in which they are made.
        sources: The methods, by the names of the sources.
        components: The networks, each with the names of its parts.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        schemas: Mapping[str, InputSchema],
        wanted: Collection[str],
    ) -> None:
        """Prepare for networks of these tasks, of which those with a `wanted` name are exported."""
        self.parts: list[Part] = []
        self.sources: dict[str, SourceMethod] = {}
        self.components: list[UnrolledComponent] = []
        self._tasks = tasks
        self._wanted = wanted
        self._identifiers = Identifiers(RESERVED)
        for task in tasks:
            if task.name in wanted and task.source not in self.sources:
                argument = self._identifiers.unused("", [task.source])
                tensors = schemas[task.source].example(1).names
                self.sources[task.source] = SourceMethod(task.source, argument, tensors)

    def add(self, number: int, network: Network) -> None:
        """Unroll the network of a component, which has this number among the model's, from 1.

        A branch that no wanted task reads is left out, unless others take something of it.
        """
        positions = []
        for position, task in enumerate(network.component.tasks):
            if self._tasks[task].name in self._wanted:
                positions.append(position)
        if not positions:
            return
        component = UnrolledComponent(network)
        self.components.append(component)
        needed = _needed_streams(network.wiring, positions)
        variables = self._run_stems(number, component, needed[0])
        for level in range(network.wiring.depth):
            variables = self._run_level(component, level, variables, needed[level])
        self._run_heads(component, variables, positions)

    def _run_stems(
        self,
        number: int,
        unrolled: UnrolledComponent,
        needed: Collection[Stream],
    ) -> Variables:
        network = unrolled.network
        candidate = network.component.candidate
        names = [self._tasks[task].name for task in network.component.tasks]
        component = f"Component {number}: {', '.join(names)}; {candidate.backbone!r}"
        variables: Variables = {}
        for stream, stem in zip(network.wiring.streams[0], network.stems, strict=True):
            if stream not in needed:
                continue
            node, source = stream
            members = self._members(network, 0, node)
            inputs = f"the inputs from {source} for {', '.join(members)}"
            comments = [inputs] if variables else [component, inputs]
            part = self._add_part(f"stem_{identifier(source)}_", members, stem, comments)
            unrolled.stems[stream] = part.name
            tensors = [name for name in self.sources[source].tensors if name != MASK]
            variables[stream] = self._run(part, source, self._arguments(network, source, tensors))
        return variables

    def _run_level(
        self,
        unrolled: UnrolledComponent,
        level: int,
        variables: Variables,
        needed: set[Stream],
    ) -> Variables:
        """Run the stages of a level and then its soft sharing; returns what flows out of it."""
        network = unrolled.network
        wiring = network.wiring
        stages = {}
        for node in sorted({node for node, _ in needed}):
            stages[node] = self._add_stage(network, level, node)
            unrolled.stages[level, node] = stages[node].name
        results: Variables = {}
        for stream in wiring.streams[level]:
            if stream not in needed:
                continue
            node, source = stream
            before = variables[wiring.parent(level, node), source]
            arguments = self._arguments(network, source, [before])
            results[stream] = self._run(stages[node], source, arguments)
        for link, streams in wiring.mixed_streams.items():
            if link[0] == level and needed.issuperset(streams):
                part = self._add_mixing(network, level, link[1], results)
                unrolled.mixings[link] = part.name
        return results

    def _run_heads(
        self,
        unrolled: UnrolledComponent,
        variables: Variables,
        positions: Sequence[int],
    ) -> None:
        network = unrolled.network
        for position in positions:
            number = network.component.tasks[position]
            name = self._tasks[number].name
            part = self._add_part("head_", [name], network.heads[position], [])
            unrolled.heads[position] = part.name
            leaf = network.wiring.leaf(position)
            _, source = leaf
            arguments = self._arguments(network, source, [variables[leaf]])
            call = f"self.{part.name}({arguments})"
            self.sources[source].outputs[number] = TaskOutput(name, call)

    def _add_part(
        self,
        prefix: str,
        words: Sequence[str],
        module: nn.Module,
        comments: Iterable[str],
    ) -> Part:
        """Add a module whose name begins with the prefix and spells the words."""
        name = self._identifiers.unused(prefix, words)
        lines: list[str] = []
        for comment in comments:
            lines.extend(wrap(comment))
        part = Part(name, module, lines)
        self.parts.append(part)
        return part

    def _add_stage(
        self,
        network: Network,
        level: int,
        node: int,
    ) -> Part:
        members = self._members(network, level, node)
        comments = [self._describe_stage(network, level, node)]
        if level in network.wiring.penalized_levels:
            sharing = network.component.candidate.sharing
            others = "tied in training to the other stages of this level"
            comments.append(f"{others}: {sharing!r}; nothing to do here")
        stages = cast("nn.ModuleList", network.stages[level])
        return self._add_part(f"level{level + 1}_", members, stages[node], comments)

    def _describe_stage(
        self,
        network: Network,
        level: int,
        node: int,
    ) -> str:
        """Who uses a stage and for which sources."""
        tasks = network.wiring.tasks(level, node)
        if not tasks:
            owners = "owned by no task, "
        elif len(tasks) == 1:
            owners = "only "
        else:
            owners = "shared by "
        members = self._members(network, level, node)
        text = f"level {level + 1}: {owners}{', '.join(members)}"

        streams = network.wiring.streams[level]
        sources = [source for other, source in streams if other == node]
        if len(sources) > 1:
            text += f"; the same weights run for the sources {', '.join(sources)}"
        return text

    def _add_mixing(
        self,
        network: Network,
        level: int,
        source: str,
        variables: Variables,
    ) -> Part:
        """Mix the streams of a source on a level: each variable gets what becomes of it."""
        prefix = f"level{level + 1}_mix"
        if len(self.sources) > 1:
            prefix += f"_{identifier(source)}"
        sharing = network.component.candidate.sharing
        comment = f"level {level + 1}: mixes its branches, {sharing!r}"
        part = self._add_part(prefix, [], mixing(network, level, source), [comment])

        streams = network.wiring.mixed_streams[level, source]
        branches = [variables[stream] for stream in streams]
        lines = assignment(branches, f"self.{part.name}")
        self.sources[source].steps.extend(lines)
        return part

    def _arguments(
        self,
        network: Network,
        source: str,
        variables: Sequence[str],
    ) -> str:
        """Return the arguments of a module: the variables, and the mask if it takes one."""
        arguments = list(variables)
        if network.component.candidate.backbone.masked:
            has_mask = MASK in self.sources[source].tensors
            arguments.append(MASK if has_mask else "None")
        return ", ".join(arguments)

    def _run(
        self,
        part: Part,
        source: str,
        arguments: str,
    ) -> str:
        """Run a module; returns the name of the variable that holds the result."""
        result = re.sub("^stem", "h0", part.name)
        result = re.sub("^level", "h", result)
        self.sources[source].steps.append(f"{result} = self.{part.name}({arguments})")
        return result

    def _members(
        self,
        network: Network,
        level: int,
        node: int,
    ) -> list[str]:
        """The names of a node's tasks, or what an expert is called."""
        tasks = network.wiring.tasks(level, node)
        if not tasks:
            return [f"expert {network.wiring.expert(level, node) + 1}"]
        numbers = [network.component.tasks[task] for task in tasks]
        return [self._tasks[number].name for number in numbers]


def _needed_streams(wiring: Wiring, positions: Iterable[int]) -> list[set[Stream]]:
    """The streams of each level that the tasks at these places in the component depend on."""
    needed: list[set[Stream]] = [set() for _ in range(wiring.depth)]
    needed[-1].update(wiring.leaf(position) for position in positions)
    for level in reversed(range(wiring.depth)):
        for (mixed_level, _), streams in wiring.mixed_streams.items():
            if mixed_level == level and not needed[level].isdisjoint(streams):
                needed[level].update(streams)
        if level > 0:
            for node, source in needed[level]:
                needed[level - 1].add((wiring.parent(level, node), source))
    return needed
