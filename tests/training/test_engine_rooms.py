"""The plain engine can be used, and read, without the stacked one."""

import subprocess
import sys

import pytest

NO_STACKED_MODULE = """
import sys
import {module}
loaded = [name for name in sys.modules if name.startswith("mtlsearch.training.stacked.")]
assert not loaded, loaded
"""


@pytest.mark.parametrize(
    "module",
    [
        "mtlsearch.training",
        "mtlsearch.training.plain.trainer",
        "mtlsearch.training.engine",
        "mtlsearch.training.trainers",
    ],
)
def test_the_plain_engine_does_not_load_the_stacked_one(module):
    code = NO_STACKED_MODULE.format(module=module)
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_stacked_engine_is_loaded_when_it_is_asked_for():
    code = (
        "import sys\n"
        "from mtlsearch.training.trainers import TRAINERS\n"
        "assert TRAINERS['forest']().__module__ in sys.modules\n"
        "assert 'mtlsearch.training.stacked.trainer' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
