"""A module says what it owns, and speaks of no machine."""

import ast
import re

import pytest

from tests.support.source import MODULES, parsed, relative


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_module_says_what_it_owns(path):
    assert ast.get_docstring(parsed(path))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_module_speaks_of_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|Users|root)/", text)
