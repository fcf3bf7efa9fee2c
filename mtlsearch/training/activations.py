"""How much memory a training step takes for each row: what the forward pass keeps."""

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.training.plain.network import Network
from mtlsearch.training.signature import Signature

FEW = 2  # rows, of which a signature has an example
TIMES = 16  # as many rows, for what grows with rows


def bytes_per_row(network: Network, signature: Signature) -> float:
    """The bytes that a network keeps of a row in a forward pass, for the backward pass."""
    few = _bytes_kept(network, signature, 1)
    many = _bytes_kept(network, signature, TIMES)
    return (many - few) / (FEW * (TIMES - 1))


def _bytes_kept(network: Network, signature: Signature, times: int) -> int:
    """The bytes of the tensors that a forward pass keeps of an example, repeated so many times."""
    inputs = {}
    for source in network.wiring.sources:
        example = signature.example(source)
        inputs[source] = NetworkInput.concatenate([example] * times)
    kept: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    def as_it_is(tensor: Tensor) -> Tensor:
        return tensor

    network.train()
    with torch.enable_grad(), saved_tensors_hooks(count, as_it_is):
        outputs = network(inputs)
    assert outputs
    return sum(kept.values())
