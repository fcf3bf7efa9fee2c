"""The precision of products in a training step.

Weights, optimizer, losses, validation and scores stay in float32.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def forward_precision(
    precision: str,
    device: torch.device,
) -> torch.autocast:
    """The context of a step's forward pass.

    With `bfloat16`, matrix products and convolutions run in it.
    """
    return torch.autocast(
        device.type,
        torch.bfloat16,
        enabled=precision == "bfloat16",
    )


@contextmanager
def step_precision(precision: str) -> Iterator[None]:
    """The context of whole steps.

    With `tf32`, float32 products and convolutions keep 10 bits of the mantissa where the hardware
    knows it. Torch has one such setting of each for the process, so it is put back as it was.
    """
    products = torch.get_float32_matmul_precision()
    convolutions = torch.backends.cudnn.allow_tf32
    if precision == "tf32":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        torch.backends.cudnn.allow_tf32 = convolutions


def forbid_rounded_convolutions() -> None:
    """Make convolutions on GPUs float32 in this process, but for steps that are said to be less.

    Left alone, torch rounds what they multiply to 10 bits of the mantissa, though not products.
    """
    torch.backends.cudnn.allow_tf32 = False
