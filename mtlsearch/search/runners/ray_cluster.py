"""Ray's start and end. It comes up in a thread while other things are imported, read and timed.

Only `import ray` is light: what imports Tune, or torch, is in `ray`.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 starves workers beside any other job

import ray

from mtlsearch.errors import MtlsearchError, UsageError
from mtlsearch.program import PACKAGE
from mtlsearch.scratch import scratch_folder, short_base
from mtlsearch.search.request import count_workers
from mtlsearch.search.runners.starter import LONGEST_FOLDER, Starter

OBJECT_STORE_BYTES = 200 * 2**20


@dataclass(frozen=True)
class Cluster:
    """What Ray is to be connected to.

    Attributes:
        workers: The CPUs that it gets, where it is started on this machine.
        address: The address of a cluster that runs; None: Ray is started on this machine.
    """

    workers: int
    address: str | None = None

    @classmethod
    def of_this_machine(cls, workers: int) -> "Cluster":
        """One on this machine; 0 workers are one for each core."""
        return cls(count_workers(workers))


class Start:
    """A start of Ray.

    Attributes:
        cluster: What it is to be connected to.
        folder: Where Ray's temporary files are, if it is started on this machine.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._stack = ExitStack()
        self.folder = self._stack.enter_context(scratch_folder(short_base(LONGEST_FOLDER)))
        begin = partial(_start, cluster, str(self.folder))
        self._starter = self._stack.enter_context(Starter(begin))

    def wait(self, stopped: threading.Event) -> None:
        """Wait until Ray is up, or is known not to come up; for a cluster, until somebody stops it.

        Raises MtlsearchError for a cluster that does not answer in time.
        """
        self._starter.wait(self.cluster.address, stopped)

    def check(self, gpus_per_worker: float) -> None:
        """Raise what went wrong: MtlsearchError where Ray did not come up.

        UsageError where a cluster has too few GPUs, so that no worker would ever begin.
        """
        self._starter.outcome.result()
        if self.cluster.address is None:
            return
        present = ray.cluster_resources().get("GPU", 0.0)
        if gpus_per_worker > present:
            raise UsageError(
                f"--gpus-per-worker: found {gpus_per_worker:g}, but the cluster at "
                f"{self.cluster.address} has {present:g} GPUs; add a node that has some, or name "
                "another cluster"
            )

    def stop(self) -> None:
        """Leave the cluster, or end the local one; half-started, it would not end."""
        if self.cluster.address is None:
            self.wait(threading.Event())
        if self._starter.outcome.done():
            ray.shutdown()
        self._stack.close()


_starts: list[Start] = []  # one at most: a process has one Ray


@contextmanager
def coming_up(cluster: Cluster) -> Iterator[Start]:
    """Ray comes up inside of the block, and is stopped behind it.

    Within another such block for the same cluster it is that one's, and this one's end stops it.
    """
    if _starts and _starts[0].cluster != cluster:
        _stop_all()
    if not _starts:
        _starts.append(Start(cluster))
    try:
        yield _starts[0]
    finally:
        _stop_all()


def _stop_all() -> None:
    while _starts:
        _starts.pop().stop()


def _start(cluster: Cluster, folder: str) -> None:
    """Connect to a cluster, or start one on this machine with its files in a folder.

    Here it gets just the CPUs that the workers take. Raises MtlsearchError when Ray does not come
    up.
    """
    if ray.is_initialized():
        return
    settings: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if not cluster.address:
        settings["num_cpus"] = cluster.workers
        settings["include_dashboard"] = False
        settings["object_store_memory"] = OBJECT_STORE_BYTES
        settings["_temp_dir"] = folder
    try:
        with _without_command_line():
            ray.init(address=cluster.address, **settings)
    except (OSError, RuntimeError, ValueError, ConnectionError, TimeoutError) as error:
        raise MtlsearchError(f"Ray does not start: {str(error).splitlines()[0]}") from error


@contextmanager
def _without_command_line() -> Iterator[None]:
    """Let Ray write a name into its job table, which the whole cluster reads.

    It would write the command line, whose options may hold a password.
    """
    utils = ray._private.utils
    entrypoint = utils.get_entrypoint_name
    utils.get_entrypoint_name = lambda: PACKAGE
    try:
        yield
    finally:
        utils.get_entrypoint_name = entrypoint
