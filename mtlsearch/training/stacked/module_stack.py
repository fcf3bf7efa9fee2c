"""A stack of modules of one make, with all their weights in one tensor, a row per module."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mtlsearch.training.plain.network import Network
from mtlsearch.training.stacked.plan import Place
from mtlsearch.training.stacked.stacking import dropouts, stack
from mtlsearch.training.trainer import NotStackableError

FindModule = Callable[[Network, int], nn.Module]  # a network's module of an index
Rows = Tensor | None  # an index of rows; None: all of them in their order

ALIGNMENT = 16  # numbers, 64 bytes: where every parameter of every row begins


@dataclass(frozen=True)
class ParameterSlot:
    """A parameter of the stacked module: its holder, its name, and its shape within one row."""

    holder: nn.Module
    name: str
    shape: torch.Size

    @property
    def size(self) -> int:
        """Numbers in a row."""
        return self.shape.numel()

    @property
    def padding(self) -> int:
        """Zeros after them, up to where the next parameter begins."""
        return -self.size % ALIGNMENT


@dataclass(frozen=True)
class StackedBuffer:
    """A buffer [N, ...] of the stacked module: who holds it under what name."""

    holder: nn.Module
    name: str
    value: Tensor


class ModuleStack:
    """N modules of one make.

    One tensor instead of one per parameter spares the optimizer, and what copies rows, hundreds of
    small operations.

    Attributes:
        weights: All parameters of all modules, [N, P].
        places: Whose module each row is.
        members: The member of each row, [N].
    """

    def __init__(
        self, places: Sequence[Place], find: FindModule, networks: Sequence[Network]
    ) -> None:
        """Stack the modules at these places of the networks. Raises NotStackableError."""
        modules = [find(networks[member], index) for member, index in places]
        self.find = find
        self.module = stack(modules)
        self.names = [name for name, _ in modules[0].named_parameters()]
        self.slots: list[ParameterSlot] = []
        self.weights = self._take_parameters()
        self.buffers = self._find_buffers()
        self._set_places(places)

    def _take_parameters(self) -> Tensor:
        """Take the parameters out of the stacked module and lay them side by side, [N, P]."""
        pieces = []
        for holder in self.module.modules():
            for name, parameter in list(holder._parameters.items()):
                if parameter is None:
                    continue
                slot = ParameterSlot(holder, name, parameter.shape[1:])
                rows = parameter.detach().reshape(len(parameter), -1)
                self.slots.append(slot)
                padding = (0, slot.padding)
                pieces.append(nn.functional.pad(rows, padding))
        if not pieces:
            raise NotStackableError(f"{type(self.module).__name__} has no weights")
        for slot in self.slots:
            del slot.holder._parameters[slot.name]
        return torch.cat(pieces, 1).requires_grad_()

    def _find_buffers(self) -> list[StackedBuffer]:
        buffers = []
        for holder in self.module.modules():
            for name, value in holder._buffers.items():
                if value is not None:
                    buffers.append(StackedBuffer(holder, name, value))
        return buffers

    def _set_places(self, places: Sequence[Place]) -> None:
        members = [member for member, _ in places]
        self.places = list(places)
        self.members = torch.tensor(members, device=self.weights.device)
        self.dropouts = dropouts(self.module)

    def parameters(self, rows: Rows = None) -> list[Tensor]:
        """The stacked parameters [N, *P] as views of the weights, in the order of one module's."""
        weights = self.weights if rows is None else self.weights.index_select(0, rows)
        sizes: list[int] = []
        for slot in self.slots:
            sizes.extend((slot.size, slot.padding))
        pieces = torch.split(weights, sizes, 1)
        parameters = []
        for slot, piece in zip(self.slots, pieces[::2], strict=True):
            parameters.append(piece.view(-1, *slot.shape))
        return parameters

    def named_parameters(self) -> dict[str, Tensor]:
        """The stacked parameters [N, *P] by their names in one module."""
        return dict(zip(self.names, self.parameters(), strict=True))

    def run(
        self,
        arguments: Sequence[Tensor | None],
        rows: Rows,
        dropout_key: int,
    ) -> Tensor:
        """Run arguments [S, B, ...], each through the module of its row."""
        parameters = self.parameters(rows)
        for slot, parameter in zip(self.slots, parameters, strict=True):
            slot.holder.__dict__[slot.name] = parameter
        for buffer in self.buffers:
            value = buffer.value if rows is None else buffer.value[rows]
            buffer.holder._buffers[buffer.name] = value
        for dropout in self.dropouts:
            dropout.dropout_key = dropout_key
        output: Tensor = self.module(*arguments)
        return output

    @torch.no_grad()
    def extract(
        self,
        row: int,
        module: nn.Module,
    ) -> None:
        """Copy a row into a module of its network."""
        stacked = self.parameters()
        for parameter, rows in zip(module.parameters(), stacked, strict=True):
            parameter.copy_(rows[row])

    def rows_of(self, members: Sequence[int]) -> Tensor:
        """The rows of some members, ascending."""
        rows = []
        for row, (member, _) in enumerate(self.places):
            if member in members:
                rows.append(row)
        return torch.tensor(rows, device=self.weights.device)

    def keep(
        self,
        places: Sequence[Place],
        rows: Tensor,
    ) -> None:
        """Leave out all but these rows, whose places are now others."""
        self.weights = self.weights.detach()[rows].requires_grad_()
        kept = []
        for buffer in self.buffers:
            kept.append(
                StackedBuffer(
                    buffer.holder,
                    buffer.name,
                    buffer.value[rows],
                )
            )
        self.buffers = kept
        self._set_places(places)
