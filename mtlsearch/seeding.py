"""Randomness: every draw is a pure function of a replicate's seed and its purpose."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager


def derive_seed(*parts: object) -> int:
    """A 63-bit seed from the parts' spelling; equal in every process and on every platform."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@contextmanager
def fork_rng() -> Iterator[None]:
    """Let the block seed torch's generator of the CPU, where weights are drawn.

    The caller's state is put back afterwards.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        yield
