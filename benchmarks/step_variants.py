"""What a training step of a forest costs, and what other ways to run it would give.

    python -m benchmarks.step_variants

Each way runs the same steps of the same networks, one after another in each round, and is compared
with the step as it is. `compiled` and `graph` run forward and backward passes alone, without the
optimizer, on one batch again and again: what torch.compile and a CUDA graph would give at best. A
way that torch refuses is in the table with the reason.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.machine import (
    DEVICE,
    median_and_range,
    plain_space,
    publish,
    random_trainings,
    wait,
)
from benchmarks.throughput import PROBLEMS, Sizes, members_of
from mtlsearch.data import load
from mtlsearch.records import Replicate
from mtlsearch.training.chunks import Chunks
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.training.stacked.stacked_data import StackedBatch
from mtlsearch.training.stacked.step import StackedStep
from mtlsearch.training.stacked.trainer import StackedTrainer
from mtlsearch.training.training_data import TrainingData

NETWORKS = (8, 32, 128)
COMPILED = 32  # the one number of networks for which compiling is waited for
REPETITIONS = 5
STEPS = 20
WARM_UPS = 3  # before a capture, as torch asks for
REDUCED = ("tf32", "bfloat16")
COLUMNS = ["problem", "networks", "way", "ms/step", "ratio", "lowest", "highest", "note"]

Row = list[Any]
Way = Callable[[], object]


@dataclass
class Problem:
    """A forest in training: its steps, and the batch that they are taken on."""

    step: StackedStep
    batch: StackedBatch

    def whole(self) -> None:
        """A step as it is: forward, backward, optimizer, and what weightings note."""
        self.step.run([self.batch])

    def passes(self) -> Tensor:
        """The forward and the backward pass; returns the losses [H]."""
        losses = self.step.losses(self.batch)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        return losses

    def drop_gradients(self) -> None:
        """Leave the weights without gradients."""
        for stack in self.step.forest.stacks:
            stack.weights.grad = None

    def passes_alone(self) -> None:
        """The passes as they are, in eager mode."""
        self.passes()
        self.drop_gradients()


def problem_of(name: str, sizes: Sizes, networks: int) -> Problem:
    """So many networks of a problem, stacked."""
    dataset = load(name)
    data = TrainingData(dataset, 0, DEVICE)
    space = plain_space(len(dataset.tasks), sizes.epochs, sizes.batch_size)
    trainings = random_trainings(dataset, space, networks, replicates=1)
    members = members_of(trainings, len(dataset.tasks), space.training)[:networks]
    chunks = Chunks(data, space.training, StackedTrainer, PlainTrainer, networks)
    trainer = StackedTrainer(members, chunks.networks(members), data, space.training)
    assert members[0].replicate == Replicate("search", 0)
    trainer.step.forest.train(True)
    return Problem(trainer.step, next(trainer.batches(0)))


def compiled(problem: Problem) -> Way:
    """The passes with the forward pass compiled."""
    losses = torch.compile(problem.step.losses, dynamic=False)

    def way() -> None:
        losses(problem.batch).sum().backward()  # type: ignore[no-untyped-call]
        problem.drop_gradients()

    way()
    return way


def graph(problem: Problem) -> Way:
    """The passes as a CUDA graph, which is replayed."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            problem.passes_alone()
    torch.cuda.current_stream().wait_stream(side)
    recorded = torch.cuda.CUDAGraph()
    with torch.cuda.graph(recorded):
        problem.passes()
    return recorded.replay


def milliseconds(way: Way) -> float:
    """Of one run, from many."""
    wait()
    started = time.perf_counter()
    for _ in range(STEPS):
        way()
    wait()
    return 1000 * (time.perf_counter() - started) / STEPS


def ways_of(problem: Problem) -> tuple[dict[str, Way], dict[str, str]]:
    """All ways that run on this machine by name, and why others do not."""
    ways: dict[str, Way] = {"step": problem.whole}
    for precision in REDUCED:
        ways[f"step, {precision}"] = _reduced(problem, precision)
    ways["passes"] = problem.passes_alone
    refused = {}
    makers: dict[str, Callable[[Problem], Way]] = {}
    if len(problem.step.forest.networks) == COMPILED:
        makers["passes, compiled"] = compiled
    if DEVICE.type == "cuda":
        makers["passes, graph"] = graph
    for name, make in makers.items():
        try:
            ways[name] = make(problem)
        except Exception as error:  # what a library refuses is what is to be found out here
            lines = str(error).strip().splitlines()
            refused[name] = f"{type(error).__name__}: {lines[0] if lines else ''}"[:120]
            problem.drop_gradients()
    return ways, refused


def _reduced(problem: Problem, precision: str) -> Way:
    def way() -> None:
        usual = problem.step.precision
        problem.step.precision = precision
        problem.whole()
        problem.step.precision = usual

    return way


def rows_of(name: str, sizes: Sizes, networks: int) -> list[Row]:
    """Milliseconds of every way, and how many times as fast as its measure it is.

    Steps are measured by the step as it is, passes by the passes as they are.
    """
    problem = problem_of(name, sizes, networks)
    ways, refused = ways_of(problem)
    measured: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(REPETITIONS + 1):
        for way, run in ways.items():
            measured[way].append(milliseconds(run))
    rows: list[Row] = []
    for way, values in measured.items():
        plain = measured[way.split(",")[0]]
        ratios = [one / other for one, other in zip(plain[1:], values[1:], strict=True)]
        median = median_and_range(values[1:])[0]  # the first round warms up
        rows.append([name, networks, way, median, *median_and_range(ratios), ""])
    for way, reason in refused.items():
        rows.append([name, networks, way, "", "", "", "", reason])
    return rows


def main(counts: Sequence[int] = NETWORKS) -> None:
    """Measure both problems."""
    torch.set_num_threads(1)
    rows = []
    for name, sizes in PROBLEMS.items():
        for networks in counts:
            rows += rows_of(name, sizes, networks)
    publish("step-variants", COLUMNS, rows)


if __name__ == "__main__":
    main()
