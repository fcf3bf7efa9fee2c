"""What the tests of several rooms share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_program import Session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Runs in `tmp_path`; at the end none of their processes is left."""
    opened = Session(tmp_path)
    try:
        yield opened
    finally:
        opened.close()
