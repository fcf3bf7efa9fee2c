"""What a network costs: its trained weights and the multiply-accumulates of a forward pass."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from mtlsearch.inputs.network_input import NetworkInput

# LSTM and GRU, of which torch has no formula.
RECURRENT_OPERATIONS = (
    torch.ops.aten.mkldnn_rnn_layer,
    torch.ops.aten._cudnn_rnn,
)


def count_parameters(model: nn.Module) -> int:
    """Number of trained weights."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_macs(
    model: nn.Module,
    inputs: Mapping[str, NetworkInput],
) -> int:
    """Multiply-accumulates of one forward pass of these inputs per source.

    They are half of its floating point operations.
    """
    with torch.no_grad(), _FlopCounter() as counter:
        model(inputs)
    flops: int = counter.total
    return flops // 2


class _FlopCounter(TorchDispatchMode):
    """Adds up floating point operations by torch's own formulas.

    Torch's `FlopCounterMode` would import torch's compiler, which takes a second.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total: int = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self,
        operation: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        output = operation(*args, **kwargs)
        formula: Callable[..., int] | None = flop_registry.get(operation.overloadpacket)
        if formula is not None:
            self.total += int(formula(*args, **kwargs, out_val=output))
        elif operation.overloadpacket in RECURRENT_OPERATIONS:
            self.total += _recurrent_flops(*args)
        return output


def _recurrent_flops(inputs: Tensor, weights: Tensor | list[Tensor], *others: Any) -> int:
    """Floating point operations of a recurrent layer for inputs [S, B, F].

    Every step multiplies all matrices. The weights are a list, or the first four of the arguments
    after the inputs.
    """
    tensors = weights
    if isinstance(weights, Tensor):
        tensors = [weights, *others[:3]]
    steps = inputs[..., 0].numel()
    multiplications = 0
    for tensor in tensors:
        if tensor.dim() == 2:
            multiplications += tensor.numel()
    return 2 * steps * multiplications
