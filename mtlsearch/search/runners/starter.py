"""Starts what trains in a thread of its own, while something else is done."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from types import TracebackType
from typing import Self

from mtlsearch.errors import MtlsearchError

# Ray's sockets lie in session_DATE_TIME_PID/sockets of its folder; their paths have 107 bytes
LONGEST_FOLDER = 107 - len("/session_2026-01-31_12-00-00_000000_0000000/sockets/plasma_store")
JOIN_SECONDS = 60.0
LOOK_SECONDS = 0.2  # between two looks at whether somebody wants to stop


class Starter:
    """A thread that starts Ray, and lives as long as the block: Ray's processes end with it.

    It holds up no end of the program, since a cluster that is gone can keep it for many minutes.

    Args:
        start: What starts Ray.
        join_seconds: For how long a cluster may take to answer.

    Attributes:
        outcome: None once Ray is up, or the error of its start.
    """

    def __init__(self, start: Callable[[], object], join_seconds: float = JOIN_SECONDS) -> None:
        self.outcome: Future[None] = Future()
        self._start = start
        self._join_seconds = join_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the thread end, and wait for it unless it hangs."""
        self._ended.set()
        if self.outcome.done():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._start()
        except BaseException as error:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(None)
        self._ended.wait()

    def wait(self, address: str | None, stopped: threading.Event) -> None:
        """Wait for the outcome.

        On this machine it comes in any case: half-started, Ray would neither work nor end. A
        cluster at an address is waited for until it answers, or somebody stops it.

        Raises:
            MtlsearchError: The cluster does not answer in time.
        """
        if address is None:
            wait_for([self.outcome])
            return
        until = time.monotonic() + self._join_seconds
        while not self.outcome.done() and not stopped.is_set():
            wait_for([self.outcome], LOOK_SECONDS)
            if time.monotonic() > until:
                raise MtlsearchError(
                    f"--ray-address: the Ray cluster at {address} does not answer within "
                    f"{self._join_seconds:g} seconds; name another, or local for this machine"
                )
