"""A model as plain PyTorch code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from mtlsearch.export.constructors import Constructors
from mtlsearch.export.templates import render
from mtlsearch.export.text import wrap
from mtlsearch.export.unrolling import Part, Unrolling
from mtlsearch.inputs import InputSchema
from mtlsearch.tasks import Task
from mtlsearch.training.plain.network import CompositionNetwork, Network

ASSIGNMENT_COLUMN = 16
"""The column at which the value of `self.NAME = VALUE` begins, less the length of the name."""


@dataclass(frozen=True)
class Code:
    """The text of a module with a class `Model`, and the weights that it loads, by their names."""

    text: str
    weights: dict[str, Tensor]


@dataclass(frozen=True)
class WrittenPart:
    """A part of the model as the template writes it, with the lines of its constructor call."""

    name: str
    comments: Sequence[str]
    lines: Sequence[str]


def write_code(
    model: CompositionNetwork,
    tasks: Sequence[Task],
    schemas: Mapping[str, InputSchema],
) -> Code:
    """Return a model of a dataset with these tasks and sources as code. Raises ExportError."""
    unrolling = Unrolling(tasks, schemas)
    for number, network in enumerate(model.networks, start=1):
        assert isinstance(network, Network)
        unrolling.add(number, network)

    constructors = Constructors()
    parts = [_written(part, constructors) for part in unrolling.parts]
    names = [task.name for task in tasks]
    text = render(
        "model.py.jinja",
        imports=sorted(set(constructors.imports)),
        definitions=constructors.definitions,
        tree=wrap(model.composition.spell(names)),
        parts=parts,
        sources=unrolling.sources.values(),
        tuples=any(len(source.tensors) > 1 for source in unrolling.sources.values()),
    )
    return Code(text, _weights(unrolling.parts))


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
