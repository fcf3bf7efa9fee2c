"""A model, or an ensemble of models of one composition, as plain PyTorch code."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from mtlsearch.candidate import Composition
from mtlsearch.export.constructors import Constructors
from mtlsearch.export.stacking import runs_one_by_one, stack
from mtlsearch.export.templates import render
from mtlsearch.export.text import wrap
from mtlsearch.export.unrolling import Part, UnrolledComponent, Unrolling
from mtlsearch.inputs import InputSchema
from mtlsearch.tasks import Task
from mtlsearch.training.plain.network import CompositionNetwork, Network

ASSIGNMENT_COLUMN = 16
"""The column at which the value of `self.NAME = VALUE` begins, less the length of the name."""


@dataclass(frozen=True)
class Code:
    """The text of a module with a class `Model`, and what it is made of.

    Attributes:
        text: The text.
        weights: The weights that the model loads, by their names.
        components: The components of each network, with the names of their parts.
    """

    text: str
    weights: dict[str, Tensor]
    components: Sequence[Sequence[UnrolledComponent]]


@dataclass(frozen=True)
class WrittenPart:
    """A part of the model as the template writes it, with the lines of its constructor call."""

    name: str
    comments: Sequence[str]
    lines: Sequence[str]


def write_code(
    models: Sequence[CompositionNetwork],
    tasks: Sequence[Task],
    schemas: Mapping[str, InputSchema],
    wanted: Collection[str] | None = None,
) -> Code:
    """Return a model of a dataset with these tasks and sources as code. Raises ExportError.

    Several models are of one composition: they are written as an ensemble. Of the tasks those whose
    names are `wanted` are predicted, with what they need; None: all.
    """
    if wanted is None:
        wanted = [task.name for task in tasks]
    unrollings = []
    for model in models:
        unrolling = Unrolling(tasks, schemas, wanted)
        _unroll(model, unrolling)
        unrollings.append(unrolling)
    first = unrollings[0]
    parts = first.parts
    if len(models) > 1:
        parts = _stack_parts([unrolling.parts for unrolling in unrollings])

    constructors = Constructors()
    written = [_written(part, constructors) for part in parts]
    names = [task.name for task in tasks]
    kept = [unrolled.network.component for unrolled in first.components]
    text = render(
        "model.py.jinja",
        networks=len(models),
        one_by_one=any(runs_one_by_one(part.module) for part in parts),
        imports=sorted(set(constructors.imports)),
        definitions=constructors.definitions,
        tree=wrap(Composition(tuple(kept)).spell(names)),
        parts=written,
        sources=first.sources.values(),
        tuples=any(len(source.tensors) > 1 for source in first.sources.values()),
    )
    components = [unrolling.components for unrolling in unrollings]
    return Code(text, _weights(parts), components)


def _unroll(model: CompositionNetwork, unrolling: Unrolling) -> None:
    for number, network in enumerate(model.networks, start=1):
        assert isinstance(network, Network)
        unrolling.add(number, network)


def _stack_parts(unrolled: Sequence[Sequence[Part]]) -> list[Part]:
    """The parts of several models as those of their ensemble, which runs as each of them does."""
    parts = []
    for same_parts in zip(*unrolled, strict=True):
        first = same_parts[0]
        module = stack([part.module for part in same_parts])
        parts.append(Part(first.name, module, first.comments))
    return parts


def _written(part: Part, constructors: Constructors) -> WrittenPart:
    call = constructors.call(part.module)
    lines = call.lines(ASSIGNMENT_COLUMN + len(part.name))
    return WrittenPart(part.name, part.comments, lines)


def _weights(parts: Sequence[Part]) -> dict[str, Tensor]:
    weights = {}
    for part in parts:
        for name, tensor in part.module.state_dict().items():
            weights[f"{part.name}.{name}"] = tensor
    return weights
