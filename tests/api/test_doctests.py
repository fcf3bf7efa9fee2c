"""The examples in docstrings of the Python API and in its documentation are run."""

import doctest
import importlib
import pkgutil

import pytest

import mtlsearch
import mtlsearch.api

ROOMS = [f"mtlsearch.api.{room.name}" for room in pkgutil.iter_modules(mtlsearch.api.__path__)]
FLAGS = doctest.ELLIPSIS


@pytest.mark.parametrize("room", ["mtlsearch", *ROOMS])
def test_examples_come_out_as_they_say(room: str) -> None:
    results = doctest.testmod(importlib.import_module(room), optionflags=FLAGS)
    assert results.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    examples = 0
    for room in ROOMS:
        for test in finder.find(importlib.import_module(room)):
            examples += len(test.examples)
    assert examples >= 8
