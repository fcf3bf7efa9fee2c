"""Replicates by their index, for tests that train a few."""

from mtlsearch.records import Replicate


def searched(index: int) -> Replicate:
    """A replicate of the search."""
    return Replicate("search", index)


def confirmed(index: int) -> Replicate:
    """A replicate of the confirmation, of which predictions and weights are handed over."""
    return Replicate("confirmation", index)
