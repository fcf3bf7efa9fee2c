"""Inputs at random: each is read right, or refused in one line before anything is trained.

A few of each family run always; `-m slow` tries hundreds.
"""

import re
import tracemalloc
import warnings

import pytest
from hypothesis import HealthCheck, given, settings

from mtlsearch.errors import MtlsearchError
from tests.fuzz.families import FAMILIES

FEW = 12
MANY = 240
REFUSED = 100  # distinct ones of a family, at least, of so many
LONGEST = 2_000  # characters of a message
MOST_BYTES = 200 * 2**20  # of memory at a time, for files of some kilobytes
EXIT_CODES = (2, 3)
CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
)  # what breaks a line or a screen


def refused(family, folder, examples):
    """Read so many inputs of a family; the contents that were refused."""
    contents = set()

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(family.contents)
    def read(content):
        path = folder / family.file
        path.write_bytes(content)
        tracemalloc.start()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                family.read(path)
        except MtlsearchError as error:
            message = str(error)
            assert not CONTROL.search(message)
            assert 0 < len(message) <= LONGEST
            assert error.exit_code in EXIT_CODES
            contents.add(content)
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < MOST_BYTES

    read()
    return contents


@pytest.mark.parametrize("name", FAMILIES)
def test_a_few_inputs_at_random(name, tmp_path):
    assert refused(FAMILIES[name], tmp_path, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_many_inputs_at_random(name, tmp_path):
    assert len(refused(FAMILIES[name], tmp_path, MANY)) >= REFUSED
