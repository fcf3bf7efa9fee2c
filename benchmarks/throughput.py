"""Forest against serial training, the share of the machine's GEMM rate, and the whole search against plain Ray Tune.

    python -m benchmarks.throughput [engines] [searches]

`engines`: K candidates x 2 replicates through `Engine.train`, start to outcome. Serial trains the same trainings one at a
time, in turn with the forest, so that both see the same machine. The forest's chunk is what `mtlsearch.training.choose` picks
for these trainings. The rate of the GEMMs is that of the three batched products (forward, weights' gradient, inputs'
gradient) of one level of the forest; its share is what the training steps do of useful multiply-adds (three times those of
the forward pass, but no gradient of the first layer's input; padded rows do not count) in their time, batches included.

`searches`: see `searches.py`; both processes after their imports, the start of Ray included.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import (
    DEVICE,
    median_and_range,
    plain_space,
    publish,
    random_trainings,
    wait,
)
from mtlsearch.candidate import TrainingSettings
from mtlsearch.data import load
from mtlsearch.records import TrainingJob
from mtlsearch.search.engine_choice import time_engines
from mtlsearch.training import Engine, TrainingData, choose
from mtlsearch.training.chunks import Chunks
from mtlsearch.training.member import Member
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.training.stacked.trainer import StackedTrainer

PROBLEMS = {"vowel": (64, 20), "bikeshare": (256, 6)}  # rows per batch, epochs
CANDIDATES = (4, 8, 16, 32)
REPLICATES = 2
REPETITIONS = 5
SEARCHES = {"vowel": (20, 64, 64)}  # epochs, rows per batch, candidates
SEARCH_REPETITIONS = 3
PLAIN = {"defaults": "plain Tune", "theirs": "plain Tune with reuse_actors"}

Row = list[Any]
COLUMNS = ["problem", "what", "unit", "ours", "theirs", "ratio", "lowest", "highest", "repetitions"]


def seconds_of(engine: Engine, trainings: Sequence[TrainingJob]) -> float:
    """Train them all; every one must succeed."""
    started = time.perf_counter()
    outcomes = [outcome for outcome in engine.train(trainings) if outcome]
    assert len(outcomes) == len(trainings) and all(outcome.complete for outcome in outcomes)
    return time.perf_counter() - started


def engines(problem: str) -> list[Row]:
    """Seconds per training of both engines."""
    batch_size, epochs = PROBLEMS[problem]
    dataset = load(problem)
    data, space = (
        TrainingData(dataset, 0, DEVICE),
        plain_space(len(dataset.tasks), epochs, batch_size),
    )
    schedule = space.training
    everything = random_trainings(dataset, space, CANDIDATES[-1], REPLICATES)
    prefixes = {candidates: everything[: candidates * REPLICATES] for candidates in CANDIDATES}
    chunks = {
        candidates: choose(data, schedule, own, "forest").chunk
        for candidates, own in prefixes.items()
    }
    serial = Engine(data, schedule, "serial", 1)
    seconds_of(serial, everything[:4])
    rounds = []
    for _ in range(REPETITIONS):
        alone, done, forest = 0.0, 0, dict[int, float]()
        times: dict[int, float] = {}
        for candidates, own in prefixes.items():
            forest[candidates] = seconds_of(
                Engine(data, schedule, "forest", chunks[candidates]), own
            ) / len(own)
            alone += seconds_of(serial, own[done:])
            done = len(own)
            times[candidates] = alone / done
        rounds.append((forest, times))
    rows: list[Row] = []
    for candidates in CANDIDATES:
        pairs = [(forest[candidates], times[candidates]) for forest, times in rounds]
        rows.append(
            _row(
                problem,
                f"K={candidates} x {REPLICATES}, chunk {chunks[candidates]}",
                "s/training",
                pairs,
            )
        )
    picked = time_engines(dataset, space, DEVICE, 0)
    print(
        problem,
        "a study would choose",
        picked.trainer,
        picked.chunk,
        {k: round(1e3 * v, 3) for k, v in picked.seconds.items()},
    )
    return rows + gemm(problem, data, schedule, everything, chunks[CANDIDATES[-1]])


def _row(
    problem: str, what: str, unit: str, pairs: Sequence[tuple[float, float]], inverse: bool = False
) -> Row:
    """Medians of both, and of the paired ratios; a ratio above 1 is good for ours."""
    ratios = [(ours / theirs if inverse else theirs / ours) for ours, theirs in pairs]
    medians = [median_and_range(each)[0] for each in zip(*pairs, strict=True)]
    return [problem, what, unit, *medians, *median_and_range(ratios), len(pairs)]


def gemm(
    problem: str,
    data: TrainingData,
    schedule: TrainingSettings,
    trainings: Sequence[TrainingJob],
    chunk: int,
) -> list[Row]:
    """GFLOP/s (two per multiply-add) of batched products and of the forest's training steps, in turn."""
    tasks = len(data.dataset.tasks)
    own = [
        Member.of(part, training, tasks, schedule)
        for training in trainings
        for part in training.composition
    ][:chunk]
    chunks = Chunks(data, schedule, StackedTrainer, PlainTrainer, chunk)
    trainer = StackedTrainer(own, chunks.networks(own), data, schedule)
    nodes, rows, seeds = (
        len(trainer.step.forest.stages[1].places),
        schedule.batch_size,
        [seed for _, seed in trainer.replicates],
    )
    work = data.fold(0).longest * _flops(chunks, own)
    batched, steps, large = [], [], []
    for epoch in range(REPETITIONS + 1):
        started = time.perf_counter()
        trainer.step.run(trainer.rows.epoch(seeds, epoch, schedule))
        wait()
        steps.append(work / (time.perf_counter() - started) / 1e9)
        batched.append(_rate(nodes, rows, 64, 64, 100))
        large.append(_rate(1, 1024, 1024, 1024, 1))
    what, shape = f"training steps of {len(own)} networks", f"{nodes} x [{rows}, 64] x [64, 64]"
    rates = ((f"{what}; GEMMs of {shape}", batched), (f"{what}; one GEMM of 1024^3", large))
    return [
        _row(problem, name, "GFLOP/s", list(zip(steps, rate, strict=True))[1:], inverse=True)
        for name, rate in rates
    ]


def _flops(chunks: Chunks, members: Sequence[Member]) -> float:
    """Floating point operations of a training step per row: 3 x forward, less the gradient of the inputs."""
    total = 0.0
    for member, network in zip(members, chunks.networks(members), strict=True):
        first = sum(
            2 * weight.numel()
            for stem in network.stems
            for weight in stem.parameters()
            if weight.dim() > 1
        )
        row = {source: x[:1] for source, x in chunks.data.fold(member.replicate).inputs.items()}
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network.eval()(row)
        total += 3 * counter.get_total_flops() - first
    return total


def _rate(stack: int, rows: int, inner: int, outer: int, times: int) -> float:
    """GFLOP/s of the three products of a linear layer."""
    h, w, g = (
        torch.randn(stack, *shape, device=DEVICE)
        for shape in ((rows, inner), (inner, outer), (rows, outer))
    )
    out = torch.empty_like(g), torch.empty_like(w), torch.empty_like(h)
    for count in (1, times):
        started = time.perf_counter()
        for _ in range(count):
            torch.bmm(h, w, out=out[0])
            torch.bmm(h.mT, g, out=out[1])
            torch.bmm(g, w.mT, out=out[2])
        wait()
        seconds = time.perf_counter() - started
    return 6 * stack * rows * inner * outer * times / seconds / 1e9


def searches(problem: str) -> list[Row]:
    """Candidates per minute of whole searches, and the scores they reach, against both ways to use plain Tune."""
    *schedule, candidates = SEARCHES[problem]
    rounds = [
        {way: _search(way, problem, *schedule, candidates) for way in ("ours", *PLAIN)}
        for _ in range(SEARCH_REPETITIONS)
    ]
    print(f"{problem}: ours chose {rounds[0]['ours']['note']}")
    return [
        row
        for way, name in PLAIN.items()
        for row in _searched(problem, name, candidates, rounds, way)
    ]


def _searched(
    problem: str, name: str, candidates: int, rounds: Sequence[dict[str, dict[str, Any]]], way: str
) -> list[Row]:
    def pairs(find: Callable[[dict[str, Any]], float]) -> list[tuple[float, float]]:
        return [(find(each["ours"]), find(each[way])) for each in rounds]

    what = f"{candidates} candidates, {name}"
    return [
        _row(
            problem,
            f"{what}: whole search",
            "candidates/min",
            pairs(lambda x: 60 * candidates / x["seconds"]),
            True,
        ),
        _row(problem, f"{what}: until the first outcomes", "s", pairs(lambda x: x["first"])),
        _row(
            problem,
            f"{what}: from then on",
            "candidates/min",
            pairs(lambda x: 60 * x["later"]),
            True,
        ),
        _row(
            problem, f"{what}: mean validation score", "metric", pairs(lambda x: x["score"]), True
        ),
    ]


def _search(*arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.searches", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    print(*arguments, found, flush=True)
    return found


def main(parts: Sequence[str]) -> None:
    """Run the parts named, or both."""
    torch.set_num_threads(1)
    for name, part, problems in (("engines", engines, PROBLEMS), ("searches", searches, SEARCHES)):
        if not parts or name in parts:
            publish(
                f"throughput-{name}",
                COLUMNS,
                [row for problem in problems for row in part(problem)],
            )


if __name__ == "__main__":
    main(sys.argv[1:])
