"""Errors in the words of whoever called: the command line's options, or Python's parameters."""

from collections.abc import Iterator
from contextlib import contextmanager

from mtlsearch.errors import MtlsearchError
from mtlsearch.program import spelled_for_caller


@contextmanager
def errors_spelled() -> Iterator[None]:
    """Spell the options in an error that leaves the block, or the function that it decorates."""
    try:
        yield
    except MtlsearchError as error:
        error.args = (spelled_for_caller(str(error)), *error.args[1:])
        raise
