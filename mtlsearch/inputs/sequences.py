"""Sequences: one array [N, S, C] of S steps, of which a row may have fewer."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.errors import DataError
from mtlsearch.inputs.array_columns import describe_array, fit_channels, only_array, select_array
from mtlsearch.inputs.contract import (
    FittedInput,
    InputKind,
    InputSchema,
    SelectedColumns,
    SourceColumns,
)
from mtlsearch.inputs.lengths import check_lengths, find_lengths
from mtlsearch.runtime.encoded_input import EncodedInput
from mtlsearch.runtime.encoding import SequenceArray, present_positions


@dataclass(frozen=True)
class SequenceSchema(InputSchema):
    """A network reads `values`, float [B, S, C], and `mask`, bool [B, S].

    Each channel is standardised. The mask tells which steps a sequence has; the values of the
    others are 0.
    """

    steps: int
    channels: int

    def __str__(self) -> str:
        return f"sequences of {self.steps} steps x {self.channels} channels"

    def example(self, rows: int) -> EncodedInput:
        """Return sequences of zeros, of every step there can be."""
        positions = (rows, self.steps)
        return EncodedInput(
            values=np.zeros((*positions, self.channels), np.float32),
            mask=np.ones(positions, bool),
        )

    def flatten(self, inputs: EncodedInput, train: Array) -> Array:
        """Return the steps one after another: channels, and whether the step is there."""
        assert inputs.values is not None
        assert inputs.mask is not None
        mark = inputs.mask[..., None]
        steps = np.concatenate([inputs.values, mark], axis=2, dtype=np.float32)
        return steps.reshape(len(steps), -1)


class Sequences(InputKind):
    """An array of rows (S, C) that are neither bytes nor booleans is taken for sequences."""

    name = "sequences"
    schema: ClassVar[type[InputSchema]] = SequenceSchema
    has_lengths = True
    default_space = "sequences"

    def claims(self, cell: Array | None) -> bool:
        """Take cells of two axes that are neither bytes nor booleans."""
        if cell is None:
            return False
        return cell.ndim == 2 and cell.dtype not in (np.uint8, np.bool_)

    def doubts(self, cell: Array | None) -> list[str]:
        """Say that rows of two axes may be grey images."""
        if cell is None:
            return []
        steps, channels = cell.shape
        return [
            f"arrays of {steps} x {channels} are taken for sequences of {steps} steps; "
            "if they are grey images, say input: images"
        ]

    def select(self, source: SourceColumns) -> SelectedColumns:
        """Return the one array and the column of lengths if there is one."""
        lengths = find_lengths(source)
        name, shape = only_array(source, self.name)
        if len(shape) != 2:
            raise DataError(f"{describe_array(source, name)}; sequences are (N, steps, channels)")
        check_lengths(source, lengths, shape[0])
        return select_array(source, name, lengths, self.name)

    def fit(
        self,
        selected: SelectedColumns,
        non_test: Array,
        train: Array,
    ) -> FittedInput:
        """Standardise each channel over the steps that the sequences have."""
        [name] = selected.names_without_lengths
        columns = selected.take(train).arrays
        values = columns[name]
        rows, steps, channels = values.shape
        mask = present_positions(columns, selected.lengths, rows, steps)
        numbers = values[mask]
        mean, scale = fit_channels(numbers.T)
        encoding = SequenceArray(
            names=[name],
            shape=(steps, channels),
            mean=mean,
            scale=scale,
            lengths=selected.lengths,
        )
        return FittedInput(SequenceSchema(steps, channels), (encoding,))
