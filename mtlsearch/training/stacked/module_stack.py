"""A part of a forest: one stack of modules with all its weights in one tensor, a row per module."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mtlsearch.training.plain.network import Network
from mtlsearch.training.stacked.plan import Place
from mtlsearch.training.stacked.stacking import NotStackableError, dropouts, stack

Find = Callable[[Network, int], nn.Module]
Rows = Tensor | None  # an index of rows; None: all of them in their order
ALIGNMENT = 16  # numbers, 64 bytes: where every parameter of every row begins


@dataclass(frozen=True)
class Slot:
    """A parameter of the stacked module: who holds it under what name, and its shape within one row."""

    holder: nn.Module
    name: str
    shape: torch.Size

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers in a row, and zeros after them."""
        return self.shape.numel(), -self.shape.numel() % ALIGNMENT


class Part:
    """N modules of one make. `weights` [N, P] holds all their parameters; `places` and `members` [N] say whose each row is.

    One tensor instead of one per parameter spares the optimizer, and what copies rows, hundreds of small operations.
    """

    def __init__(self, places: Sequence[Place], find: Find, networks: Sequence[Network]) -> None:
        """`find` gives a network's module of an index. Raises NotStackableError."""
        modules = [find(networks[k], index) for k, index in places]
        self.find, self.module = find, stack(modules)
        self.names = [name for name, _ in modules[0].named_parameters()]
        own = [
            (holder, name, p)
            for holder in self.module.modules()
            for name, p in holder._parameters.items()
            if p is not None
        ]
        if not own:
            raise NotStackableError(f"{type(self.module).__name__} has no weights")
        self.slots = [Slot(holder, name, parameter.shape[1:]) for holder, name, parameter in own]
        padded = [
            nn.functional.pad(p.detach().reshape(len(p), -1), (0, slot.sizes[1]))
            for slot, (_, _, p) in zip(self.slots, own, strict=True)
        ]
        for slot in self.slots:
            del slot.holder._parameters[slot.name]
        self.weights = torch.cat(padded, 1).requires_grad_()
        self.constants = [
            (holder, name, x)
            for holder in self.module.modules()
            for name, x in holder._buffers.items()
            if x is not None
        ]
        self._place(places)

    def _place(self, places: Sequence[Place]) -> None:
        self.places, self.dropouts = list(places), dropouts(self.module)
        self.members = torch.tensor([member for member, _ in places], device=self.weights.device)

    def parameters(self, rows: Rows = None) -> list[Tensor]:
        """The stacked parameters [N, *P], in the order of those of one module, as views of the weights."""
        weights = self.weights if rows is None else self.weights.index_select(0, rows)
        pieces = torch.split(weights, [size for slot in self.slots for size in slot.sizes], 1)[::2]
        return [piece.view(-1, *slot.shape) for piece, slot in zip(pieces, self.slots, strict=True)]

    def named(self) -> dict[str, Tensor]:
        """The stacked parameters [N, *P] by their names in one module."""
        return dict(zip(self.names, self.parameters(), strict=True))

    def run(self, h: Tensor, rows: Rows, at: int) -> Tensor:
        """h[S, B, *F], each through the module of its row; `at` is the moment of the dropouts."""
        for slot, parameter in zip(self.slots, self.parameters(rows), strict=True):
            slot.holder.__dict__[slot.name] = parameter
        for holder, name, numbers in self.constants:
            holder._buffers[name] = numbers if rows is None else numbers[rows]
        for dropout in self.dropouts:
            dropout.moment = at
        out: Tensor = self.module(h)
        return out

    @torch.no_grad()
    def extract(self, row: int, module: nn.Module) -> None:
        """Copy a row into a module of its network."""
        for own, stacked in zip(module.parameters(), self.parameters(), strict=True):
            own.copy_(stacked[row])

    def keep(self, places: Sequence[Place], rows: Tensor) -> None:
        """Leave out all but these rows, whose places are now others."""
        self.weights = self.weights.detach()[rows].requires_grad_()
        self.constants = [(holder, name, numbers[rows]) for holder, name, numbers in self.constants]
        self._place(places)
