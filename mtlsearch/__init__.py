"""mtlsearch: search what the tasks of a multi-task network should share, and whether they should
share at all.

To import it costs nothing and changes nothing: what is named here is loaded when it is first used.

Example:
    >>> import mtlsearch
    >>> search = mtlsearch.Search("quick", trainings=8)
    >>> search.trainings
    8
"""

import importlib
import logging
from typing import TYPE_CHECKING

from mtlsearch.version import __version__

if TYPE_CHECKING:
    from mtlsearch.api.checking import check
    from mtlsearch.api.estimator import Search
    from mtlsearch.api.prediction import predict
    from mtlsearch.api.spaces import spaces
    from mtlsearch.api.state import status
    from mtlsearch.api.study import Study, open_study
    from mtlsearch.errors import (
        DataError,
        ExportError,
        InterruptedSearchError,
        MtlsearchError,
        NoCandidateError,
        SpaceError,
        StudyError,
        UsageError,
    )

__all__ = [
    "DataError",
    "ExportError",
    "InterruptedSearchError",
    "MtlsearchError",
    "NoCandidateError",
    "Search",
    "SpaceError",
    "Study",
    "StudyError",
    "UsageError",
    "__version__",
    "check",
    "open_study",
    "predict",
    "spaces",
    "status",
]

_ROOMS = {
    "Search": "mtlsearch.api.estimator",
    "Study": "mtlsearch.api.study",
    "check": "mtlsearch.api.checking",
    "open_study": "mtlsearch.api.study",
    "predict": "mtlsearch.api.prediction",
    "spaces": "mtlsearch.api.spaces",
    "status": "mtlsearch.api.state",
}
"""Where the public names are that are no errors."""

# what is logged goes where the caller wants it, and into the log of a study
logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> object:
    """Load a public name when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = importlib.import_module(_ROOMS.get(name, "mtlsearch.errors"))
    value = getattr(room, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
