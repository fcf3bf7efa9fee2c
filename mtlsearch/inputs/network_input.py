"""What a network reads of a source: one record of tensors, whatever the kind of input."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.runtime.encoded_input import EncodedInput, present_names


class NetworkInput(NamedTuple):
    """The tensors of B rows of a source; None for what its schema does not have.

    It is a tuple of tensors, which `torch.export` can take apart.
    """

    values: Tensor | None = None
    """float [B, F], [B, S, F] or [B, F, H, W]."""

    categories: Tensor | None = None
    """int64 [B, S], of which 0 is none."""

    mask: Tensor | None = None
    """bool [B, S]: the positions that a sequence or text has."""

    pictures: Tensor | None = None
    """float [B, C, H, W]: the pictures beside the values, three channels each."""

    @classmethod
    def of(cls, encoded: EncodedInput, device: torch.device) -> "NetworkInput":
        """Return encoded rows as tensors on a device."""
        tensors = {}
        for name in encoded.names:
            array = getattr(encoded, name)
            tensors[name] = torch.from_numpy(array).to(device)
        return cls(**tensors)

    @classmethod
    def concatenate(cls, inputs: Sequence["NetworkInput"]) -> "NetworkInput":
        """Return the rows of inputs of one schema, one after another."""
        tensors = {}
        for name in inputs[0].names:
            parts = [getattr(rows, name) for rows in inputs]
            tensors[name] = torch.cat(parts)
        return cls(**tensors)

    @classmethod
    def stack(cls, inputs: Sequence["NetworkInput"]) -> "NetworkInput":
        """Return inputs of one schema and number of rows along a new first axis."""
        tensors = {}
        for name in inputs[0].names:
            tensors[name] = torch.stack([getattr(rows, name) for rows in inputs])
        return cls(**tensors)

    @property
    def features(self) -> tuple[Tensor, ...]:
        """The arguments of a stem: values, categories and pictures, as far as there are any."""
        candidates = (self.values, self.categories, self.pictures)
        return tuple(tensor for tensor in candidates if tensor is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tensors that there are."""
        return present_names(self)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors that there are."""
        return tuple(tensor for tensor in self if tensor is not None)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.features[0])

    @property
    def device(self) -> torch.device:
        """The device of the tensors."""
        return self.features[0].device

    @property
    def nbytes(self) -> int:
        """The memory of all tensors, in bytes."""
        return sum(tensor.nbytes for tensor in self.tensors)

    def numbers(self, rows: Array | slice, places: Sequence[int]) -> Array:
        """Return some of the values of rows, [rows, places]."""
        assert self.values is not None
        taken: Array = self.values.cpu().numpy()[rows]
        return taken[:, list(places)]

    def map(self, function: Callable[[Tensor], Tensor]) -> "NetworkInput":
        """Return what a function makes of each tensor that there is."""
        results = {}
        for name in self.names:
            tensor = getattr(self, name)
            results[name] = function(tensor)
        return NetworkInput(**results)

    def take(self, rows: Tensor | slice) -> "NetworkInput":
        """Return some of the rows."""
        return self.map(lambda tensor: tensor[rows])
