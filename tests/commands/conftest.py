"""What the tests of the command line share: a session of runs, and a finished study."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_program import SMALL, TWO_ARMS, Finished, Session, run_warm


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Runs in `tmp_path`; at the end none of their processes is left."""
    opened = Session(tmp_path)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture(scope="session")
def penguins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """A finished study of the default problem, and what its search said. For reading only."""
    folder = tmp_path_factory.mktemp("penguins") / "study"
    return folder, run_warm("search", *SMALL, *TWO_ARMS, "--study", folder, cwd=folder.parent)
