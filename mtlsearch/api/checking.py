"""Validates data and space before a search."""

from collections.abc import Iterator
from typing import Any

from mtlsearch.api.estimator import Search
from mtlsearch.api.words import TaskNames


def check(
    X: object,
    y: object = None,
    *,
    tasks: TaskNames = None,
    **settings: Any,
) -> Iterator[str]:
    """Validate data and space, train one step, and estimate time and memory.

    Args:
        X: The data, as `Search.fit` takes them.
        y: Target columns that `X` does not hold.
        tasks: The tasks, as `Search.fit` takes them.
        settings: Parameters of `Search`: what is said of columns and tasks, the space, epochs and
            device; others change nothing.

    Yields:
        What was understood, found and estimated, line by line; the last line is `ok`.

    Raises:
        DataError: The data cannot be used.
        SpaceError: The space cannot be used, or not for these data.
        NoCandidateError: A training fails.

    Example:
        >>> for line in check("penguins", space="quick"):  # doctest: +SKIP
        ...     print(line)
    """
    return Search(**settings).check(X, y, tasks=tasks)
