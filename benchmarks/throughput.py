"""Forest against serial training, the share of the GEMM rate, and the search against plain Tune.

    python -m benchmarks.throughput [engines] [searches]

`engines`: K candidates x 2 replicates through `Engine.train`, start to result. Serial trains the
same trainings one at a time, in turn with the forest, so that both see the same machine. The
forest's chunk is what `mtlsearch.training.choose` picks for these trainings. The rate of the GEMMs
is that of the three batched products (forward, weights' gradient, inputs' gradient) of one level of
the forest; its share is what the training steps do of useful multiply-adds (three times those of
the forward pass, but no gradient of the first layer's input; padded rows do not count) in their
time, batches included.

`searches`: see `searches.py`; both processes after their imports, the start of Ray included.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
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
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.search.engine_choice import time_engines
from mtlsearch.training.batches import rows_per_step
from mtlsearch.training.chunks import Chunks
from mtlsearch.training.engine import Engine
from mtlsearch.training.engine_choice import choose
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Network
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.training.stacked.trainer import StackedTrainer
from mtlsearch.training.training_data import TrainingData

CANDIDATES = {"cpu": (4, 8, 16, 32), "cuda": (4, 16, 64)}[DEVICE.type]
REPLICATES = 2
SERIAL = 16  # trainings by which the serial trainer is timed: it takes as long for any number
REPETITIONS = 5
SEARCH_REPETITIONS = 3
WIDTH = 64
GIGA = 1e9
PLAIN_TUNE = {"defaults": "plain Tune", "theirs": "plain Tune with reuse_actors"}
COLUMNS = ["problem", "what", "unit", "ours", "theirs", "ratio", "lowest", "highest", "repetitions"]

Row = list[Any]
Pair = tuple[float, float]
Answer = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """How a problem is trained; `candidates` of a whole search."""

    batch_size: int
    epochs: int
    candidates: int = 0


PROBLEMS = {
    "vowel": Sizes(batch_size=64, epochs=20),
    "bikeshare": Sizes(batch_size=256, epochs=6),
}
SEARCHES = {
    "vowel": Sizes(
        batch_size=64,
        epochs=20,
        candidates=64,
    )
}


def seconds_of(engine: Engine, trainings: Sequence[TrainingJob]) -> float:
    """Train them all; every one must succeed."""
    started = time.perf_counter()
    results = [result for result in engine.train(trainings) if result]
    seconds = time.perf_counter() - started
    assert len(results) == len(trainings)
    assert all(result.complete for result in results)
    return seconds


def engines(problem: str) -> list[Row]:
    """Compare seconds per training of both engines."""
    sizes = PROBLEMS[problem]
    dataset = load(problem)
    data = TrainingData(dataset, 0, DEVICE)
    space = plain_space(len(dataset.tasks), sizes.epochs, sizes.batch_size)
    schedule = space.training
    trainings = random_trainings(dataset, space, CANDIDATES[-1], REPLICATES)
    serial = Engine(data, schedule, "serial", 1)
    forests = {}
    for candidates in CANDIDATES:
        first = trainings[: candidates * REPLICATES]
        chunk = choose(data, schedule, first, "forest").chunk
        forests[candidates] = Engine(data, schedule, "forest", chunk)

    seconds_of(serial, trainings[:4])  # warm up
    pairs: dict[int, list[Pair]] = {candidates: [] for candidates in CANDIDATES}
    for _ in range(REPETITIONS):
        for candidates, pair in _round(serial, forests, trainings).items():
            pairs[candidates].append(pair)

    rows = []
    for candidates, forest in forests.items():
        what = f"K={candidates} x {REPLICATES}, chunk {forest.chunk}"
        rows.append(_row(problem, what, "s/training", pairs[candidates]))
    choice = time_engines(dataset, space, DEVICE, 0)
    print(problem, "a study would choose", choice.trainer, choice.chunk, choice.seconds)
    return rows + gemm(problem, data, schedule, trainings, forests[CANDIDATES[-1]].chunk)


def _round(
    serial: Engine,
    forests: dict[int, Engine],
    trainings: Sequence[TrainingJob],
) -> dict[int, Pair]:
    """Return per number of candidates the seconds per training of the forest and of serial."""
    alone = seconds_of(serial, trainings[:SERIAL]) / SERIAL
    seconds = {}
    for candidates, forest in forests.items():
        count = candidates * REPLICATES
        together = seconds_of(forest, trainings[:count])
        seconds[candidates] = (together / count, alone)
    return seconds


def _row(
    problem: str,
    what: str,
    unit: str,
    pairs: Sequence[Pair],
    more_is_better: bool = False,
) -> Row:
    """Return medians of both and of the paired ratios; a ratio above 1 is good for ours."""
    ours = [pair[0] for pair in pairs]
    theirs = [pair[1] for pair in pairs]
    ratios = []
    for our_value, their_value in pairs:
        ratio = our_value / their_value if more_is_better else their_value / our_value
        ratios.append(ratio)
    medians = [median_and_range(ours)[0], median_and_range(theirs)[0]]
    return [problem, what, unit, *medians, *median_and_range(ratios), len(pairs)]


def gemm(
    problem: str,
    data: TrainingData,
    schedule: TrainingSettings,
    trainings: Sequence[TrainingJob],
    chunk: int,
) -> list[Row]:
    """Compare GFLOP/s (two per multiply-add) of the forest's steps and of matrix products."""
    members = members_of(trainings, len(data.dataset.tasks), schedule)[:chunk]
    chunks = Chunks(data, schedule, StackedTrainer, PlainTrainer, chunk)
    networks = chunks.networks(members)
    trainer = StackedTrainer(members, networks, data, schedule)
    nodes = len(trainer.step.forest.stages[1].places)
    longest = data.fold(Replicate("search", 0)).longest
    rows = rows_per_step(schedule.batch_size, longest)
    work = longest * _flops(data, members, networks)

    batched = []
    single = []
    for epoch in range(REPETITIONS + 1):
        started = time.perf_counter()
        trainer.step.run(trainer.batches(epoch))
        wait()
        steps = work / (time.perf_counter() - started) / GIGA
        if epoch:  # the first one warms up
            batched.append((steps, _rate(nodes, (rows, WIDTH, WIDTH), times=100)))
            single.append((steps, _rate(1, (1024, 1024, 1024), times=1)))

    what = f"training steps of {len(members)} networks"
    shape = f"{nodes} x [{rows}, {WIDTH}] x [{WIDTH}, {WIDTH}]"
    unit = "GFLOP/s"
    return [
        _row(problem, f"{what}; GEMMs of {shape}", unit, batched, more_is_better=True),
        _row(problem, f"{what}; one GEMM of 1024^3", unit, single, more_is_better=True),
    ]


def members_of(
    trainings: Sequence[TrainingJob],
    tasks: int,
    schedule: TrainingSettings,
) -> list[Member]:
    """What the networks of these trainings fall apart into."""
    members = []
    for training in trainings:
        for component in training.composition:
            members.append(Member.of(component, training, tasks, schedule))
    return members


def _flops(
    data: TrainingData,
    members: Sequence[Member],
    networks: Sequence[Network],
) -> float:
    """Count operations of a step per row: 3 x forward, less the gradient of the inputs."""
    total = 0.0
    for member, network in zip(members, networks, strict=True):
        inputs = data.fold(member.replicate).inputs
        row = {source: x.take(slice(1)) for source, x in inputs.items()}
        network.eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(row)
        total += 3 * counter.get_total_flops() - _first_layer_flops(network)
    return total


def _first_layer_flops(network: Network) -> int:
    operations = 0
    for stem in network.stems:
        for weight in stem.parameters():
            if weight.dim() > 1:
                operations += 2 * weight.numel()
    return operations


def _rate(
    stack: int,
    shape: tuple[int, int, int],
    times: int,
) -> float:
    """Measure GFLOP/s of the three products of a linear layer, after one of each."""
    rows, inner, outer = shape
    inputs = torch.randn(stack, rows, inner, device=DEVICE)
    weights = torch.randn(stack, inner, outer, device=DEVICE)
    gradient = torch.randn(stack, rows, outer, device=DEVICE)
    _products(inputs, weights, gradient, times=1)
    started = time.perf_counter()
    _products(inputs, weights, gradient, times)
    seconds = time.perf_counter() - started
    operations = 6 * stack * rows * inner * outer * times
    return operations / seconds / GIGA


def _products(
    inputs: Tensor,
    weights: Tensor,
    gradient: Tensor,
    times: int,
) -> None:
    outputs = torch.empty_like(gradient)
    weights_gradient = torch.empty_like(weights)
    inputs_gradient = torch.empty_like(inputs)
    for _ in range(times):
        torch.bmm(inputs, weights, out=outputs)
        torch.bmm(inputs.mT, gradient, out=weights_gradient)
        torch.bmm(gradient, weights.mT, out=inputs_gradient)
    wait()


def searches(problem: str) -> list[Row]:
    """Compare candidates per minute of whole searches, and scores, with both ways to use Tune."""
    sizes = SEARCHES[problem]
    rounds = []
    for _ in range(SEARCH_REPETITIONS):
        answers = {name: _search(name, problem, sizes) for name in ("ours", *PLAIN_TUNE)}
        rounds.append(answers)
    print(f"{problem}: ours chose {rounds[0]['ours']['note']}")

    rows = []
    for other, name in PLAIN_TUNE.items():
        pairs = [(answers["ours"], answers[other]) for answers in rounds]
        what = f"{sizes.candidates} candidates, {name}"
        rows.extend(_search_rows(problem, what, sizes.candidates, pairs))
    return rows


def _search_rows(
    problem: str,
    what: str,
    candidates: int,
    answers: Sequence[tuple[Answer, Answer]],
) -> list[Row]:
    def pairs(value: Callable[[Answer], float]) -> list[Pair]:
        return [(value(ours), value(theirs)) for ours, theirs in answers]

    whole = pairs(lambda answer: 60 * candidates / answer["seconds"])
    first = pairs(lambda answer: answer["first"])
    later = pairs(lambda answer: 60 * answer["later"])
    score = pairs(lambda answer: answer["score"])
    per_minute = "candidates/min"
    return [
        _row(problem, f"{what}: whole search", per_minute, whole, more_is_better=True),
        _row(problem, f"{what}: until the first results", "s", first),
        _row(problem, f"{what}: from then on", per_minute, later, more_is_better=True),
        _row(problem, f"{what}: mean validation score", "metric", score, more_is_better=True),
    ]


def _search(
    which: str,
    problem: str,
    sizes: Sizes,
) -> Answer:
    numbers = [sizes.epochs, sizes.batch_size, sizes.candidates]
    words = [which, problem, *map(str, numbers)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.searches", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    last_line = done.stdout.strip().splitlines()[-1]
    answer: Answer = json.loads(last_line)
    print(*words, answer, flush=True)
    return answer


def _publish(
    name: str,
    part: Callable[[str], list[Row]],
    problems: Sequence[str],
) -> None:
    rows = []
    for problem in problems:
        rows.extend(part(problem))
    publish(f"throughput-{name}", COLUMNS, rows)


def main(parts: Sequence[str]) -> None:
    """Run the parts named, or both."""
    torch.set_num_threads(1)
    if not parts or "engines" in parts:
        _publish("engines", engines, list(PROBLEMS))
    if not parts or "searches" in parts:
        _publish("searches", searches, list(SEARCHES))


if __name__ == "__main__":
    main(sys.argv[1:])
