"""Failures of the machine rather than of the program, said in one line: a full disk, a lost database, no permission."""

import errno


def describe_system_error(error: BaseException) -> str | None:
    """One line for the user, or None when the error is a fault of the program and deserves its traceback."""
    kept = "what was recorded is kept; mend it and use resume"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full ({error.filename or 'unknown file'}); {kept}"
    if isinstance(error, PermissionError):
        return f"{error.filename}: permission denied"
    if type(error).__module__.startswith(("sqlalchemy", "optuna.exceptions")):
        cause = getattr(error, "__cause__", None) or error
        return f"the study's storage failed: {str(cause).strip().splitlines()[0]}; {kept}"
    return None
