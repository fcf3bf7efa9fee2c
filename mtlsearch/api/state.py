"""How far a study has come, without any data or network."""

from pathlib import Path

from mtlsearch.search.status import StudyStatus
from mtlsearch.search.study import Study


def status(folder: str | Path) -> StudyStatus:
    """Return for every arm of a study what is done, running, failed and left.

    Raises StudyError where there is no study.
    """
    return StudyStatus.of(Study.open(Path(folder)))
