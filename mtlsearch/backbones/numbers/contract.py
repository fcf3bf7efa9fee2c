"""The contract of numbers: what the stem of any backbone reads of the numbers of a table."""

import abc
from dataclasses import replace
from typing import TypeGuard

import torch
from torch import Tensor, nn

from mtlsearch.backbones.numbers.scaling import SCALINGS, Scaling
from mtlsearch.backbones.numbers.training_numbers import TrainingNumbers
from mtlsearch.inputs import InputSchema, TableSchema


class NumbersApart(nn.Module):
    """What a stem makes of a row whose numbers are scaled and become vectors first.

    `numbers` are their places among the values of the row, `rest` those of all other values.
    """

    elementwise = True

    def __init__(
        self,
        numbers: tuple[int, ...],
        rest: tuple[int, ...],
        scaling: nn.Module,
        vectors: nn.Module,
        stem: nn.Module,
    ) -> None:
        super().__init__()
        self.numbers = numbers
        self.rest = rest
        self.scaling = scaling
        self.vectors = vectors
        self.stem = stem

    def forward(self, values: Tensor, *others: Tensor) -> Tensor:
        """Map [B, F], and categories and pictures where there are any, to [B, outputs]."""
        numbers = values[..., list(self.numbers)]
        features = self.vectors(self.scaling(numbers))
        if self.rest:
            rest = values[..., list(self.rest)]
            features = torch.cat([features, rest], -1)
        output: Tensor = self.stem(features, *others)
        return output


class Numbers(abc.ABC):
    """What a network reads of the numbers of a table, which the preparation has standardised.

    It is a frozen dataclass that derives from this class; its fields are its keys in YAML. Numbers
    are what `TableSchema.numbers` says; other values reach the stem as they are. So do all inputs
    that are no tables.

    First a scaling is applied to each number, whose constants are fitted to the training rows and
    belong to the network as buffers. Then a number may become a vector.
    """

    scaling: Scaling = "standard"

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """How many features the stem reads of each number."""

    @abc.abstractmethod
    def vectors(self, numbers: int) -> nn.Module:
        """Return a module that maps so many numbers [B, N] to their features [B, N * size]."""

    @property
    def changes(self) -> bool:
        """Whether the stem reads anything but the standardised numbers."""
        return self.scaling != Numbers.scaling

    def schema_for_stem(self, schema: InputSchema) -> InputSchema:
        """Return the schema of what the backbone's stem reads."""
        if not self._acts_on(schema):
            return schema
        numbers = len(schema.numbers)
        rest = schema.features - numbers
        return replace(
            schema,
            features=numbers * self.size + rest,
            numbers=(),
        )

    def before(
        self,
        stem: nn.Module,
        schema: InputSchema,
        training: TrainingNumbers | None,
    ) -> nn.Module:
        """Return a module that maps the inputs of a source as the stem does.

        `stem` takes the schema `schema_for_stem`. `training` are the numbers of the training rows;
        None where the source has no numbers.
        """
        if not self._acts_on(schema):
            return stem
        assert training is not None
        numbers = set(schema.numbers)
        rest = [place for place in range(schema.features) if place not in numbers]
        make_scaling = SCALINGS[self.scaling]
        return NumbersApart(
            schema.numbers,
            tuple(rest),
            scaling=make_scaling(training),
            vectors=self.vectors(len(numbers)),
            stem=stem,
        )

    def _acts_on(self, schema: InputSchema) -> TypeGuard[TableSchema]:
        return self.changes and isinstance(schema, TableSchema) and bool(schema.numbers)
