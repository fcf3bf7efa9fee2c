"""What the tests of the command line share: a session of runs, and a finished study."""

from pathlib import Path

import pytest

from tests.support.running_program import SMALL, TWO_ARMS, Finished, run_warm


@pytest.fixture(scope="session")
def penguins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """A finished study of the default problem, and what its search said. For reading only."""
    folder = tmp_path_factory.mktemp("penguins") / "study"
    return folder, run_warm("search", *SMALL, *TWO_ARMS, "--study", folder, cwd=folder.parent)
