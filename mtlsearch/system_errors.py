"""What stops a program that is neither its user's mistake nor told by an error of ours.

Failures of the machine, such as a full disk, can be said in one line. Everything else is a fault of
the program, whose traceback belongs into a log.
"""

import errno

from mtlsearch.errors import MtlsearchError

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
STORAGE_MODULES = ("sqlalchemy", "optuna.exceptions")  # whose errors come of a database
WHAT_NOW = "what was recorded is kept; mend it and use resume"
DAMAGED = (
    "the database is damaged: put back a copy of study.db, or what SQLite's own program saves of "
    'it (`sqlite3 study.db ".recover" | sqlite3 saved.db`), and use resume'
)
HELD = "another program holds the database: end it and use resume"
REMEDIES = {
    "malformed": DAMAGED,
    "is not a database": DAMAGED,
    "is locked": HELD,
}


class ProgramFault(MtlsearchError):
    """A fault of the program, of which the traceback is in a log; the message says in which."""


def describe_system_error(error: BaseException) -> str | None:
    """One line for the user about a failure of the machine.

    None when the error is a fault of the program.
    """
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        return f"the disk is full ({error.filename or 'unknown file'}); {WHAT_NOW}"
    if isinstance(error, PermissionError):
        return f"{error.filename}: permission denied"
    if type(error).__module__.startswith(STORAGE_MODULES):
        return f"the study's storage failed: {describe_storage_error(error, WHAT_NOW)}"
    return None


def describe_storage_error(error: BaseException, otherwise: str | None = None) -> str:
    """One line about an error that comes of a database: its first cause, and what is to be done.

    Args:
        error: The error, of whatever library.
        otherwise: What is to be done where nothing better is known.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    reason = lines[0] if lines else type(error).__name__
    for words, remedy in REMEDIES.items():
        if words in reason:
            return f"{reason}; {remedy}"
    return reason if otherwise is None else f"{reason}; {otherwise}"
