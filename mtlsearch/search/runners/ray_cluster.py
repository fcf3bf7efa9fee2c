"""Ray's start and end. It comes up in a thread while other things are imported, read and timed.

Only `import ray` is light: what imports Tune, or torch, is in `ray`.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 starves workers beside any other job

import ray

from mtlsearch.errors import MtlsearchError

OBJECT_STORE_BYTES = 200 * 2**20


@dataclass(frozen=True)
class Cluster:
    """What Ray is to be connected to.

    Attributes:
        workers: The CPUs that it gets, where it is started on this machine.
        gpus_per_worker: The share of a GPU for each worker; 0: it gets none.
        address: The address of a cluster that runs; None: Ray is started on this machine.
    """

    workers: int
    gpus_per_worker: float = 0.0
    address: str | None = None

    @classmethod
    def of(cls, workers: int, gpus_per_worker: float, address: str | None) -> "Cluster":
        """The cluster that options ask for; 0 workers are one for each core."""
        return cls(workers or len(os.sched_getaffinity(0)), gpus_per_worker, address)


class Start:
    """A start of Ray.

    Ray's processes end with the thread that started them: it lives as long as they are needed.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._folder = tempfile.mkdtemp(prefix="mtl-")
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._started = self._thread.submit(_start, cluster, self._folder)

    def wait(self) -> None:
        """Wait until Ray is up, or is known not to come up."""
        self._started.exception()

    def check(self) -> None:
        """Wait for it, and raise MtlsearchError where Ray does not come up."""
        self._started.result()

    def stop(self) -> None:
        """Leave the cluster, or end the local one; half-started, it would not end."""
        self.wait()
        ray.shutdown()
        self._thread.shutdown()
        shutil.rmtree(self._folder, ignore_errors=True)


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

    Raises MtlsearchError when Ray does not come up.
    """
    if ray.is_initialized():
        return
    settings: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if not cluster.address:
        settings["num_cpus"] = cluster.workers
        settings["num_gpus"] = None if cluster.gpus_per_worker else 0
        settings["include_dashboard"] = False
        settings["object_store_memory"] = OBJECT_STORE_BYTES
        settings["_temp_dir"] = folder
    try:
        ray.init(address=cluster.address, **settings)
    except (OSError, RuntimeError, ValueError, ConnectionError, TimeoutError) as error:
        raise MtlsearchError(f"Ray does not start: {str(error).splitlines()[0]}") from error
