"""The log of a study: what was done, and the traceback of what should not have happened."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mtlsearch.errors import MtlsearchError
from mtlsearch.system_errors import ProgramFault, describe_system_error

LOG = "log.txt"
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
PACKAGE = "mtlsearch"  # the logger that all of the package's loggers are below of

logger = logging.getLogger(__name__)


@contextmanager
def study_log(folder: Path) -> Iterator[None]:
    """Append what is logged meanwhile to the log in a study's folder.

    Raises ProgramFault, which names the log, for an error that is neither the user's nor the
    machine's; the log has its traceback. Other errors are raised as they are. Handlers above the
    package's hear of what they would without the log.
    """
    path = folder / LOG
    handler = _QuietFileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(FORMAT))
    package = logging.getLogger(PACKAGE)
    level = package.level
    propagates = package.propagate
    relay = _Relay(package.parent, package.getEffectiveLevel())
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    if propagates:
        package.propagate = False
        package.addHandler(relay)
    try:
        yield
    except MtlsearchError as error:
        logger.info("%s: %s", type(error).__name__, error)
        raise
    except Exception as error:
        logger.exception("the study stops")
        if describe_system_error(error) is not None:
            raise
        raise ProgramFault(
            f"{folder}: a fault of the program: {_first_line(error)}; "
            f"its traceback is in {path}. What was recorded is kept"
        ) from error
    finally:
        package.removeHandler(handler)
        package.removeHandler(relay)
        package.propagate = propagates
        package.setLevel(level)
        handler.close()


class _QuietFileHandler(logging.FileHandler):
    """Writes what it can: a study that can be recorded needs no log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record if the file can be opened, which is done with the first one."""
        with suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Do nothing, where the base class prints a traceback."""


class _Relay(logging.Handler):
    """Gives records of some level or more to the handlers of a logger and of those above it."""

    def __init__(self, above: logging.Logger | None, level: int) -> None:
        super().__init__(level)
        self._above = above

    def emit(self, record: logging.LogRecord) -> None:
        """Give a record on."""
        if self._above is not None and self._above.hasHandlers():
            self._above.callHandlers(record)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
