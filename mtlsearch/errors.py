"""The errors that a user can meet, each with the exit code of the command line."""

import difflib
from collections.abc import Iterable


class MtlsearchError(Exception):
    """Root of every error that is the user's to mend. Shown as one line, never as a traceback."""

    exit_code = 1

    def __str__(self) -> str:
        """The message, in which cells and files that it quotes break no line."""
        shown = [letter if letter.isprintable() else " " for letter in super().__str__()]
        return "".join(shown)

    def _render_traceback_(self) -> list[str]:
        """The one line that notebooks show, which ask an error for this."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(MtlsearchError):
    """The command line itself is wrong."""

    exit_code = 2


class DataError(MtlsearchError):
    """A data file, a dataset card or a task cannot be used as it is."""

    exit_code = 3


class SpaceError(MtlsearchError):
    """A search space file is wrong."""

    exit_code = 3


class StudyError(MtlsearchError):
    """The study exists, is locked by another process, or does not match what was asked."""

    exit_code = 4


class ExportError(MtlsearchError):
    """The model cannot be exported, or the export does not predict what the model predicts."""


class NoCandidateError(MtlsearchError):
    """No candidate could be trained to the end."""

    exit_code = 5


class InterruptedSearchError(MtlsearchError):
    """The user stopped the search; everything finished is in the study."""

    exit_code = 130


def unknown(where: str, found: object, known: Iterable[str]) -> str:
    """Return `where: "found" is unknown; did you mean "x"? Known: a, b, c`.

    Of names that are known one by one it says that the option is repeated.
    """
    names = sorted(known)
    close = difflib.get_close_matches(str(found), names, n=1)
    hint = f'; did you mean "{close[0]}"?' if close else "."
    parts = [part.partition(":")[0].strip() for part in str(found).split(",")]
    if len(parts) > 1 and set(parts) <= set(names):
        hint = f"; repeat the option for each of {', '.join(parts)}."
    return f'{where}: "{found}" is unknown{hint} Known: {", ".join(names)}'
