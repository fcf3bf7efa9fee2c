"""The examples in docstrings of the Python API and in its documentation are run."""

import doctest
import importlib
import pkgutil

import pytest

import mtlsearch.api
from mtlsearch import Search
from tests.support.running_program import ROOT
from tests.support.small_search import penguins

ROOMS = [f"mtlsearch.api.{room.name}" for room in pkgutil.iter_modules(mtlsearch.api.__path__)]


@pytest.mark.parametrize("room", ["mtlsearch", *ROOMS])
def test_examples_come_out_as_they_say(room: str) -> None:
    results = doctest.testmod(importlib.import_module(room), optionflags=doctest.ELLIPSIS)
    assert results.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    examples = 0
    for room in ROOMS:
        for test in finder.find(importlib.import_module(room)):
            examples += len(test.examples)
    assert examples >= 8


def test_the_page_on_python_comes_out_as_it_says(fitted: Search) -> None:
    results = doctest.testfile(
        str(ROOT / "docs" / "python.md"),
        module_relative=False,
        globs={"search": fitted, "birds": penguins()},
        optionflags=doctest.ELLIPSIS,
    )
    assert results.attempted >= 7
    assert results.failed == 0
