"""Where randomness comes from: every draw is a pure function of a replicate's seed and what it is drawn for."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch


def derive(*parts: object) -> int:
    """A 63-bit seed from the parts' spelling; equal in every process and on every platform."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def task_seeds(seed: int, tasks: Sequence[int]) -> list[int]:
    """For each task (numbers within the dataset) the seed of what is random about its weight in a replicate."""
    return [derive(seed, "weight", task) for task in tasks]


@contextmanager
def own_randomness() -> Iterator[None]:
    """Let the block seed torch's generator of the CPU, where weights are drawn; the caller's state is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        yield
