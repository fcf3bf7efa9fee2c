"""Peak memory and time of large tables: what a driver takes, and what a worker.

    python -m benchmarks.scaling.tables

The tables are made (`made_tables`), with three tasks. Each figure is of a process of its own; a
peak is that of its resident memory, torch and the imports included (about 400 MiB), and seconds are
those of the process on its one thread, so that other jobs disturb them less.

A driver reads the table as `search` does, times the engines and makes the forecast. A worker is
given the rows, prepares two folds of all rows, and trains four candidates (an MLP of 4 levels x
width 64, batches of 256) on both for an epoch. `search rows` is how many training rows a search
reads of the table unless it is told otherwise.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import peak_bytes, plain_space, publish
from benchmarks.scaling.made_tables import TASKS, write
from benchmarks.scaling.trainings import BATCH, CANDIDATES, REPLICATES, train

POINTS = (
    ("mixed", 30_000),
    ("mixed", 100_000),
    ("mixed", 300_000),
    ("numeric", 100_000),
    ("numeric", 1_000_000),
)
COLUMNS = [
    "table",
    "rows",
    "columns",
    "file MiB",
    "search rows",
    "driver CPU s",
    "driver peak MiB",
    "worker CPU s",
    "worker peak MiB",
    "estimate of check MiB",
]
MEBIBYTE = 2**20


def driver(path: str) -> dict[str, Any]:
    """Read a table and time a study of it, as `search` does before the first training."""
    from mtlsearch.data.search_rows import automatic_rows
    from mtlsearch.search.first_timing import FirstTiming
    from mtlsearch.search.memory import estimate_memory
    from mtlsearch.search.request import Request
    from mtlsearch.search.study_loading import load_problem
    from mtlsearch.search.worker_context import resolve_device
    from mtlsearch.training.training_data import TrainingData

    dataset, _ = load_problem(path, TASKS, None, 1)
    space = plain_space(len(TASKS), 1, BATCH)
    request = Request(path, TASKS, space.to_mapping(), "", dataset.digest, "", device="cpu")
    engine = FirstTiming.of(request, dataset, space).engine
    data = TrainingData(dataset, 0, resolve_device("cpu"), space.training.search_rows)
    [source] = dataset.sources.values()
    return {
        "columns": source.inputs.shape[1],
        "search_rows": automatic_rows(dataset) or "all",
        "estimate": estimate_memory(data, request, space, engine).worker / MEBIBYTE,
    }


def worker(path: str) -> dict[str, Any]:
    """Train a few candidates on all rows."""
    train(path)
    return {}


PARTS: dict[str, Callable[[str], dict[str, Any]]] = {"driver": driver, "worker": worker}


def part(name: str, path: str) -> dict[str, Any]:
    """Return what a part says of a table, and what it cost this process."""
    started = time.process_time()
    found = PARTS[name](path)
    peak = peak_bytes() / 2**20
    return {**found, "seconds": time.process_time() - started, "peak": peak}


def _in_a_fresh_process(name: str, path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scaling.tables", name, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent.parent,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(name, path.name, answer, flush=True)
    return answer


def table(folder: Path) -> list[list[Any]]:
    """Measure all points."""
    rows: list[list[Any]] = []
    for name, count in POINTS:
        path = write(name, count, folder)
        driving = _in_a_fresh_process("driver", path)
        working = _in_a_fresh_process("worker", path)
        size = path.stat().st_size / MEBIBYTE
        row = [name, count, driving["columns"], size, driving["search_rows"]]
        row += [driving["seconds"], driving["peak"]]
        row += [working["seconds"], working["peak"], driving["estimate"]]
        rows.append(row)
    return rows


def main(arguments: Sequence[str]) -> None:
    """Measure everything, or say in JSON what one part came to."""
    if arguments:
        print(json.dumps(part(*arguments)))
        return
    print(f"{CANDIDATES} candidates x {REPLICATES} folds")
    with tempfile.TemporaryDirectory() as folder:
        publish("scaling-tables", COLUMNS, table(Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
