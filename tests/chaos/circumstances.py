"""Folders and data that move, clocks that jump, a program that is updated."""

import os
import shutil
import subprocess
from pathlib import Path

import mtlsearch
from mtlsearch.export import readme
from mtlsearch.search import versions
from tests.chaos.bench import Bench, CannotTry, Outcome
from tests.chaos.refusals import refused
from tests.chaos.studies import SEARCH, make_half, make_whole
from tests.support import running_program

ROWS = Path(mtlsearch.__file__).parent / "data" / "embedded" / "penguins.csv"
TASKS = ("--task", "species", "--task", "sex", "--split-column", "split")
LATER = "99.0.0"
CLOCK = Path(__file__).with_name("jumping_clock.c")


def moved_folder(bench: Bench) -> list[Outcome]:
    """The folder of a half study is moved before it is resumed."""
    disturbed = bench.half_done()
    elsewhere = bench.new()
    elsewhere.take(disturbed.study)
    shutil.rmtree(disturbed.folder)
    return bench.outcome("search", elsewhere)


def moved_data(bench: Bench) -> list[Outcome]:
    """The table of a half study is moved; `resume --data` says where."""
    disturbed = bench.new()
    table = disturbed.folder / "rows.csv"
    shutil.copyfile(ROWS, table)
    data = (table, *TASKS)
    whole = make_whole(disturbed.folder / "whole", data)
    disturbed.take(make_half(disturbed.folder / "half", data))
    moved = table.rename(disturbed.folder / "moved.csv")
    refused(disturbed.go_on().finish(), (3,), "--data PATH")
    done = disturbed.run("resume", disturbed.study, "--data", moved)
    assert done.code == 0, done.err
    disturbed.look()
    return [Outcome("search", disturbed.lost, disturbed.comes_to(whole))]


def jumping_clock(bench: Bench) -> list[Outcome]:
    """The clock of the machine jumps by days, on and back, during the whole search."""
    disturbed = bench.new()
    library = _build_clock(disturbed.folder)
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    done = running_program.run(
        "search",
        *disturbed.data,
        *SEARCH,
        "--study",
        disturbed.study,
        cwd=disturbed.folder,
        env=environment,
    )
    assert done.code == 0, done.err
    return bench.outcome("the whole", disturbed)


def updated(bench: Bench) -> list[Outcome]:
    """A half study is resumed by a later version of the program."""
    disturbed = bench.half_done()
    done = disturbed.go_on(_be_later).finish()
    assert done.code == 0, done.err
    assert f"goes on with {LATER}" in done.err
    disturbed.look()
    return [Outcome("search", disturbed.lost, disturbed.equals(bench.whole))]


def _be_later() -> None:
    for module in (mtlsearch, versions, readme):
        module.__version__ = LATER


def _build_clock(folder: Path) -> Path:
    library = folder / "jumping_clock.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(CLOCK)]
    try:
        subprocess.run(command, capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise CannotTry("no C compiler makes the clock that jumps") from error
    return library
