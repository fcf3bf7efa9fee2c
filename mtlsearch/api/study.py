"""A study that was opened from its folder, or just searched."""

from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from mtlsearch.api.announcing import Announcer
from mtlsearch.api.contents import Contents
from mtlsearch.api.findings import Findings
from mtlsearch.api.problem import Opened
from mtlsearch.search import study_loading


class Study(Findings):
    """A study: what it found, and what can be done with it."""

    def __init__(
        self,
        contents: Contents,
    ) -> None:
        self._held = contents

    def _contents(self) -> Contents:
        return self._held

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Pickle it as its folder, which is opened again where it is unpickled."""
        told = self._held.announcer
        data = self._held.stored.request.data
        again = partial(
            open_study,
            data=data if Path(data).is_absolute() else None,
            progress=told.progress,
            verbose=told.verbose,
        )
        return again, (str(self.folder.resolve()),)

    @property
    def folder(self) -> Path:
        """Its folder, which the command line takes as well."""
        return self._held.stored.folder

    def __repr__(self) -> str:
        status = self.status()
        state = "finished" if status.finished else "not finished; go on with resume()"
        return f"<Study {self.folder}: {state}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the answer, and the models that were compared."""
        verdict = self.verdict_
        if verdict is None:
            return f"<p>{escape(repr(self))}</p>"
        table = self.leaderboard_.to_html(index=False, float_format="{:.4g}".format, na_rep="")
        place = f"<p><small>{escape(str(self.folder))}</small></p>"
        return f"{verdict._repr_html_()}\n{table}\n{place}"


def open_study(
    folder: str | Path,
    *,
    data: str | Path | None = None,
    progress: bool = True,
    verbose: bool = True,
) -> Study:
    """Open a study by its folder, and read its data again.

    Args:
        folder: The study's folder.
        data: Where its data are now, if they were moved; `resume` keeps it.
        progress: Whether `resume` shows its progress.
        verbose: Whether what is to be known is told on standard error; `logging` has it anyhow.

    Raises:
        StudyError: There is none, or data, space or a plugin are no longer what they were.
        DataError: Its data are not where they were.

    Example:
        >>> open_study("no/such/folder")
        Traceback (most recent call last):
            ...
        mtlsearch.errors.StudyError: no/such/folder: no study here ...
    """
    place = None if data is None else str(data)
    opened = Opened(*study_loading.open_study(Path(folder), place))
    return Study(Contents(opened, Announcer(verbose, progress)))
