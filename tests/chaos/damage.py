"""Databases that are damaged or locked, and files that are gone."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from mtlsearch.search import storage
from tests.chaos.bench import Bench, Outcome
from tests.chaos.refusals import refused
from tests.chaos.studies import Disturbed

CODES = (1, 4)  # of the program
PUT_BACK = "put back a copy of study.db"
PAGE = 4096  # bytes of a page of SQLite
SHORT_WAIT = 1  # seconds for a lock, instead of a minute


def truncated(bench: Bench) -> list[Outcome]:
    """The database is cut off at a random length."""

    def cut(database: Path) -> None:
        length = int(database.stat().st_size * bench.draw.random())
        with database.open("rb+") as file:
            file.truncate(length)

    return _with_another_database(bench, cut, "truncated", PUT_BACK)


def corrupt(bench: Bench) -> list[Outcome]:
    """Random pages of the database are overwritten with random bytes."""

    def spoil(database: Path) -> None:
        pages = range(database.stat().st_size // PAGE)
        with database.open("rb+") as file:
            for page in bench.draw.sample(pages, len(pages) // 3):
                file.seek(page * PAGE)
                file.write(random.Random(page).randbytes(PAGE))

    return _with_another_database(bench, spoil, "corrupt", PUT_BACK)


def no_database(bench: Bench) -> list[Outcome]:
    """The database is gone."""
    return _with_another_database(bench, Path.unlink, "gone", "study.db is missing")


def _with_another_database(
    bench: Bench,
    change: Callable[[Path], None],
    moment: str,
    advice: str,
) -> list[Outcome]:
    """What is asked of a study with a bad database is refused; with its own it goes on."""
    disturbed = bench.half_done()
    database = disturbed.study / "study.db"
    _fold_log_in(database)
    copy = disturbed.folder / "copy.db"
    shutil.copyfile(database, copy)
    change(database)
    for words in _commands(disturbed):
        refused(disturbed.run(*words), CODES, advice)
    for path in disturbed.study.glob("study.db*"):
        path.unlink()
    shutil.copyfile(copy, database)
    return bench.outcome(moment, disturbed)


def locked(bench: Bench) -> list[Outcome]:
    """Another program holds the database while the study is resumed."""
    disturbed = bench.half_done()
    holder = sqlite3.connect(disturbed.study / "study.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        done = disturbed.go_on(_wait_shortly).finish()
    finally:
        holder.close()
    refused(done, CODES, "another program holds the database")
    return bench.outcome("search", disturbed)


def no_report(bench: Bench) -> list[Outcome]:
    """The report of a finished study is gone."""
    disturbed = bench.finished()
    shutil.rmtree(disturbed.study / "report")
    return bench.outcome("end", disturbed)


def no_weights(bench: Bench) -> list[Outcome]:
    """The weights are gone: an export is refused, everything else goes on."""
    disturbed = bench.finished()
    _take_away(disturbed, "*.safetensors")
    done = disturbed.run("export", disturbed.study, "--to", disturbed.model)
    refused(done, CODES, "weights")
    return bench.outcome("end", disturbed)


def no_predictions(bench: Bench) -> list[Outcome]:
    """The predictions are gone: what needs them is refused, until they are put back."""
    disturbed = bench.finished()
    _take_away(disturbed, "*.npz")
    for words in (("report", disturbed.study), ("resume", disturbed.study)):
        refused(disturbed.run(*words), CODES, "predictions")
    shutil.copytree(
        bench.whole.study / "confirmed", disturbed.study / "confirmed", dirs_exist_ok=True
    )
    return bench.outcome("end", disturbed)


def no_pointer(bench: Bench) -> list[Outcome]:
    """study.json is gone: nothing begins in the folder, and nothing in it changes."""
    disturbed = bench.half_done()
    pointer = disturbed.study / "study.json"
    text = pointer.read_bytes()
    pointer.unlink()
    for words in _commands(disturbed):
        refused(disturbed.run(*words), CODES, "study.json")
    refused(disturbed.go_on().finish(), CODES, "not empty")
    pointer.write_bytes(text)
    return bench.outcome("search", disturbed)


def _commands(disturbed: Disturbed) -> list[tuple[str | Path, ...]]:
    study = disturbed.study
    return [
        ("status", study),
        ("resume", study),
        ("report", study),
        ("export", study, "--to", disturbed.model),
    ]


def _take_away(disturbed: Disturbed, pattern: str) -> None:
    for path in (disturbed.study / "confirmed").glob(pattern):
        path.unlink()


def _fold_log_in(database: Path) -> None:
    """Let the database hold what SQLite has in its log, so that one file is all."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _wait_shortly() -> None:
    storage.LOCK_SECONDS = SHORT_WAIT
