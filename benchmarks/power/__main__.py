"""Do the studies that are not done yet, or print the table of those that are.

    python -m benchmarks.power run FOLDER
    python -m benchmarks.power table FOLDER

Each study is one file of FOLDER. A study that is there is not done again, so a run may be killed at
any moment and started anew. It has one thread; several may run side by side on one folder, each
takes the next study that no other is at. `table` writes the CSV as well, from whatever is there.
"""

import fcntl
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from benchmarks.machine import publish
from benchmarks.power import studies, summary
from benchmarks.power.problems import Case, cases
from benchmarks.truth.finding import COLUMNS
from mtlsearch.errors import InterruptedSearchError


def run(folder: Path) -> None:
    """Do all studies that have no record in the folder, and that nobody else is at.

    One that fails is named, and the others go on. Raises SystemExit in the end if one did, and
    InterruptedSearchError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    failed = []
    for case in cases():
        with _claim(folder / f"{case.name}.lock") as is_ours:
            if is_ours and not studies.file_of(folder, case).exists():
                is_done = _do(folder, case)
                if not is_done:
                    failed.append(case.name)
    if failed:
        sys.exit(f"{len(failed)} studies failed: {', '.join(failed)}")


@contextmanager
def _claim(path: Path) -> Iterator[bool]:
    """Lock a file, if nobody else has; a process that ends, however it does, lets go of it."""
    with path.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = True
        except BlockingIOError:
            is_ours = False
        yield is_ours


def _do(folder: Path, case: Case) -> bool:
    """Do a study and write its record; whether that went well."""
    try:
        record = studies.study(case)
    except InterruptedSearchError:
        raise
    except Exception:  # the other studies are worth having without this one
        traceback.print_exc()
        print(f"{case.name}: failed", flush=True)
        return False
    record.write(folder)
    print(f"{case.name}: {record.decision}, {record.minutes:.1f} minutes", flush=True)
    return True


def table(folder: Path) -> None:
    """Print and write what the studies come to that are there."""
    records = [studies.read(path) for path in sorted(folder.glob("*.json"))]
    cells = [finding.cells() for finding in summary.findings(records)]
    publish("power", COLUMNS, cells)


PARTS = {"run": run, "table": table}


def main(part: str, folder: str) -> None:
    """Do what is asked for. Raises KeyError for anything else."""
    PARTS[part](Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
