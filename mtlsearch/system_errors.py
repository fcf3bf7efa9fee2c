"""What stops a program that is neither its user's mistake nor told by an error of ours.

Failures of the machine, such as a full disk, can be said in one line. Everything else is a fault of
the program, whose traceback belongs into a log.
"""

import errno

from mtlsearch.errors import MtlsearchError

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
STORAGE_MODULES = ("sqlalchemy", "optuna.exceptions")  # whose errors come of a database
WHAT_NOW = "what was recorded is kept; mend it and use resume"


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
        cause = error.__cause__ or error
        first_line = str(cause).strip().splitlines()[0]
        return f"the study's storage failed: {first_line}; {WHAT_NOW}"
    return None
