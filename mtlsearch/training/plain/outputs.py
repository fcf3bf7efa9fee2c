"""What a plain network makes of rows of a fold, of many rows piece by piece."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.training.plain.network import Network
from mtlsearch.training.training_data import FoldData

PIECE = 32_768
"""Rows of a forward pass without a gradient; of fewer rows the last bits are as in one pass."""

Rows = Mapping[str, Tensor]
"""Row numbers [B] per source."""


def inputs_of(fold: FoldData, rows: Rows) -> dict[str, NetworkInput]:
    """What a network reads of rows."""
    inputs = {}
    for source, numbers in rows.items():
        inputs[source] = fold.inputs[source].take(numbers)
    return inputs


@torch.no_grad()
def outputs_of(network: Network, fold: FoldData, rows: Rows, piece: int = PIECE) -> list[Tensor]:
    """The outputs [B_source, *C] of each of a network's tasks, at most so many rows at a time."""
    longest = max(len(numbers) for numbers in rows.values())
    pieces: list[list[Tensor]] = [[] for _ in network.component.tasks]
    for first in range(0, longest, piece):
        present = {}
        for source, numbers in rows.items():
            is_over = first >= len(numbers)
            present[source] = numbers[:1] if is_over else numbers[first : first + piece]
        outputs = network(inputs_of(fold, present))
        for position, output in enumerate(outputs):
            _, source = network.wiring.leaf(position)
            if first < len(rows[source]):
                pieces[position].append(output)
    return [torch.cat(parts) if len(parts) > 1 else parts[0] for parts in pieces]
