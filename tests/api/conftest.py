"""What the tests of the Python API share: a fitted search of a DataFrame. For reading only."""

import pytest

from mtlsearch import Search
from tests.support.small_search import SMALL_SETTINGS, TASKS, penguins


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Search:
    folder = tmp_path_factory.mktemp("api") / "study"
    search = Search(**SMALL_SETTINGS, study=folder, progress=False, verbose=False)
    return search.fit(penguins(), tasks=TASKS)
