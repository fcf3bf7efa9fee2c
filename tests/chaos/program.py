"""The program in a fork of an interpreter that has imported the libraries, to be disturbed."""

import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.running_program import CLI, HEAVY, Finished

LONGEST = 180.0  # seconds of a run
PAUSE = 0.02  # seconds between two looks

Prelude = Callable[[], None]


def undisturbed() -> None:
    """What is done in the process before the program begins: nothing."""


class Run:
    """One run of the program, in a process group of its own.

    Args:
        arguments: The command and its options.
        folder: Where it runs, and where its two streams are kept.
        prelude: A function of a module, called in the process before the program begins.
    """

    def __init__(
        self,
        *arguments: str | Path,
        folder: Path,
        prelude: Prelude = undisturbed,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(HEAVY)
        self._folder = folder
        argv = [str(CLI), *map(str, arguments)]
        self._process = context.Process(target=_live, args=(argv, str(folder), prelude))
        self._process.start()

    def wait_until(self, condition: Callable[[], bool]) -> bool:
        """Wait for a condition; False where the program ended before it held."""
        until = time.monotonic() + LONGEST
        while not condition():
            if not self._process.is_alive():
                return False
            assert time.monotonic() < until, "the moment never came"
            time.sleep(PAUSE)
        return True

    def wait(self, seconds: float) -> bool:
        """Wait so long; False where the program ended meanwhile."""
        self._process.join(seconds)
        return self._process.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        if self._process.is_alive():
            os.kill(self._process.pid or 0, number)

    def kill(self) -> None:
        """Kill -9 the program and what it started."""
        try:
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        except ProcessLookupError:  # it has ended, or has no group yet
            self._process.kill()
        self._process.join()

    def finish(self) -> Finished:
        """Its end; a run that takes too long is killed, which is a fault."""
        self._process.join(LONGEST)
        late = self._process.is_alive()
        if late:
            self.kill()
        assert not late, f"still running after {LONGEST} s"
        out = self._folder / "out.txt"
        err = self._folder / "err.txt"
        code = self._process.exitcode or 0
        return Finished(code, out.read_text("utf-8"), err.read_text("utf-8"))


def _live(argv: list[str], folder: str, prelude: Prelude) -> None:
    os.setsid()
    os.chdir(folder)
    for stream, name in ((1, "out.txt"), (2, "err.txt")):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        target = os.open(name, flags)
        os.dup2(target, stream)
        os.close(target)
    prelude()
    sys.argv = argv
    runpy.run_path(argv[0], run_name="__main__")
