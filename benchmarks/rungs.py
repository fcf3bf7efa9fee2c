"""What rungs save and what they cost: epochs spent and hypervolume reached on validation, with and without them.

    python -m benchmarks.rungs

Cohorts of 27 candidates x 2 replicates, 60 epochs, patience off, over 20 seeds. To be affordable, a pool of candidates is
trained once by the forest, with the validation scores so far recorded at every epoch at which a rung looks; then for each
seed a cohort is drawn from the pool without replacement and `Rung.survivors` decides on the recorded scores. That is what
the engine would do, since members do not influence each other; for one cohort it is checked with the engine itself.

Epochs are those of members (a component on a replicate). The hypervolume is that of the candidates with final scores, their
means over replicates, each task scaled so that the pool's best is 0 and the reference point 1: the pool's worst, and more
strictly its median, as nobody searches for the worse half. The control spends the epochs of the rungs on fewer candidates,
which are trained to their end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import moocore
import numpy as np
import torch

from benchmarks.machine import DEVICE, plain_space, publish, random_trainings
from mtlsearch.data import load
from mtlsearch.evidence.interval import interval
from mtlsearch.records import TrainingJob
from mtlsearch.tasks.metrics import METRICS
from mtlsearch.tasks.task import Task
from mtlsearch.training import Engine, TrainingData
from mtlsearch.training.chunks import Chunks
from mtlsearch.training.halving import Rung
from mtlsearch.training.member import Member
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.training.stacked.trainer import StackedTrainer

PROBLEMS = {"vowel": 64, "penguins": 64}  # rows per batch
EPOCHS, POOL, COHORT, REPLICATES, SEEDS, CHUNK = 60, 81, 27, 2, 20, 32
HALFWAY = (9, 12, 15, 18)  # epochs after which a synthetic late bloomer has lost half its error
COLUMNS = [
    "problem",
    "figure",
    "without rungs",
    "with rungs",
    "share of it",
    "lowest of 95%",
    "highest of 95%",
    "seeds",
]

Scores = Mapping[int, Mapping[str, float]]  # per training its score per task


@dataclass(frozen=True)
class Pool:
    """Trained trainings: their scores after each epoch looked at, and how many members each one has."""

    trainings: list[TrainingJob]
    tasks: tuple[Task, ...]
    scores: dict[int, Scores]

    def cohort(self, seed: int, size: int) -> list[TrainingJob]:
        """All replicates of candidates drawn without replacement."""
        drawn = np.random.default_rng(seed).permutation(POOL)[:size]
        return [
            self.trainings[REPLICATES * number + r] for number in drawn for r in range(REPLICATES)
        ]

    def points(self, trainings: Sequence[TrainingJob]) -> np.ndarray:
        """Final scores of the candidates, lower is better, [K, tasks]."""
        signs = [-1.0 if METRICS[task.metric].higher_is_better else 1.0 for task in self.tasks]
        final = self.scores[EPOCHS]
        each = [
            [
                sign * final[t.number][task.name]
                for sign, task in zip(signs, self.tasks, strict=True)
            ]
            for t in trainings
        ]
        return np.asarray(np.array(each).reshape(-1, REPLICATES, len(self.tasks)).mean(1))

    def hypervolume(self, trainings: Sequence[TrainingJob], reference: str) -> float:
        """What their final scores dominate up to the pool's `worst` or `median`; `worst` for a task whose median is its best."""
        everything = self.points(self.trainings)
        best, worst, median = everything.min(0), everything.max(0), np.median(everything, 0)
        limit = np.where(median > best, median, worst) if reference == "median" else worst
        return float(moocore.hypervolume((self.points(trainings) - best) / (limit - best), ref=1.0))


def train(problem: str) -> tuple[Pool, Engine]:
    """The pool of a problem, and an engine with rungs for the check."""
    dataset = load(problem)
    data, space = (
        TrainingData(dataset, 0, DEVICE),
        plain_space(len(dataset.tasks), EPOCHS, PROBLEMS[problem]),
    )
    trainings = random_trainings(dataset, space, POOL, REPLICATES)
    schedule, tasks = space.training, dataset.tasks
    members = {
        t.number: [Member.of(part, t, len(tasks), schedule) for part in t.composition]
        for t in trainings
    }
    rungs = Rung.ladder(EPOCHS, COHORT, len(tasks))
    looks = sorted(
        {epoch for rung in rungs for epoch in (rung.quarter, rung.half, rung.epoch)} | {EPOCHS}
    )
    found: dict[int, dict[Member, dict[str, float]]] = {epoch: {} for epoch in looks}
    chunks = Chunks(data, schedule, StackedTrainer, PlainTrainer, CHUNK)
    for trainer in chunks.trainers(member for own in members.values() for member in own):
        for epoch in looks:
            trainer.advance(epoch)
            found[epoch].update(trainer.scores(None))
    merged: dict[int, Scores] = {
        epoch: {
            n: {task: v for m in own for task, v in scores[m].items()} for n, own in members.items()
        }
        for epoch, scores in found.items()
    }
    return Pool(trainings, tasks, merged), Engine(data, schedule, "forest", CHUNK, rungs=True)


def replay(pool: Pool, cohort: Sequence[TrainingJob]) -> tuple[list[TrainingJob], int]:
    """Who is left after all rungs, and the epochs that members spent."""
    waiting, spent, reached = list(cohort), 0, 0
    for rung in Rung.ladder(EPOCHS, len(cohort) // REPLICATES, len(pool.tasks)):
        epochs = [
            max(epoch, reached) for epoch in (rung.quarter, rung.half, rung.epoch)
        ]  # the engine cannot look back
        looks = [{t.number: pool.scores[epoch][t.number] for t in waiting} for epoch in epochs]
        kept = rung.survivors(waiting, pool.tasks, looks)
        spent += rung.epoch * sum(len(t.composition) for t in waiting if t.number not in kept)
        waiting, reached = [training for training in waiting if training.number in kept], rung.epoch
    return waiting, spent + EPOCHS * sum(len(t.composition) for t in waiting)


def measure(problem: str) -> list[list[object]]:
    """Rows of epochs and hypervolume, means over the seeds, and intervals of their paired quotients."""
    pool, engine = train(problem)
    pairs: dict[str, list[tuple[float, float]]] = {}
    for seed in range(SEEDS):
        cohort = pool.cohort(seed, COHORT)
        left, spent = replay(pool, cohort)
        full = EPOCHS * sum(len(t.composition) for t in cohort)
        fewer = pool.cohort(seed, round(COHORT * spent / full))
        found = {"member-epochs": (float(full), float(spent))}
        for reference in ("worst", "median"):
            whole, kept, alone = (pool.hypervolume(own, reference) for own in (cohort, left, fewer))
            found[f"hypervolume up to the pool's {reference}"] = whole, kept
            found[f"hypervolume up to the pool's {reference}, same epochs on fewer candidates"] = (
                whole,
                alone,
            )
        same = pool.points(left).min(0) <= pool.points(cohort).min(0)
        found["share of tasks whose best candidate is kept"] = 1.0, float(same.mean())
        for figure, pair in found.items():
            pairs.setdefault(figure, []).append(pair)
    cohort = pool.cohort(0, COHORT)
    stopped = {outcome.number for outcome in engine.train(cohort) if outcome and outcome.stopped}
    agree = stopped == {t.number for t in cohort} - {t.number for t in replay(pool, cohort)[0]}
    print(
        f"{problem}: the engine itself stops {'the same' if agree else 'OTHER'} trainings of the first cohort ({len(stopped)})",
        flush=True,
    )
    return [_row(problem, figure, own) for figure, own in pairs.items()]


def _row(problem: str, figure: str, pairs: Sequence[tuple[float, float]]) -> list[object]:
    without, with_rungs = np.array(pairs, float).T
    share = interval(list(with_rungs / without))
    return [
        problem,
        figure,
        float(without.mean()),
        float(with_rungs.mean()),
        share.mean,
        share.low,
        share.high,
        len(pairs),
    ]


def error(number: int, epoch: int, halfway: int) -> float:
    """The last candidate starts late and has lost half its error after `halfway` epochs; the others level off early."""
    return (
        1.1 / (1 + (epoch / halfway) ** 2.5)
        if number == COHORT - 1
        else 0.3 + 0.02 * number + 0.5 / epoch
    )


def late_bloomer(halfway: int) -> list[object]:
    """Synthetic curves of which the last ends as the best. How many rungs does it survive?"""
    dataset = load("bikeshare")
    waiting = random_trainings(dataset, plain_space(len(dataset.tasks), EPOCHS, 64), COHORT, 1)
    last, rungs, survived, places = (
        COHORT - 1,
        Rung.ladder(EPOCHS, COHORT, len(dataset.tasks)),
        0,
        list[str](),
    )
    assert error(last, EPOCHS, halfway) < error(0, EPOCHS, halfway)
    for rung in rungs:
        looks = []
        for epoch in (rung.quarter, rung.half, rung.epoch):
            errors = {t.number: error(t.number, epoch, halfway) for t in waiting}
            looks.append(
                {
                    number: {task.name: 1 - value for task in dataset.tasks}
                    for number, value in errors.items()
                }
            )
        kept = rung.survivors(waiting, dataset.tasks, looks)
        if last in errors:
            places.append(
                f"{1 + sum(value < errors[last] for value in errors.values())} of {len(errors)} after {rung.epoch}"
            )
        survived += last in kept
        waiting = [training for training in waiting if training.number in kept]
    figure = f"rungs survived by a late bloomer, half way after {halfway} epochs (place {'; '.join(places)})"
    return ["synthetic", figure, len(rungs), survived, survived / len(rungs), "", "", 1]


if __name__ == "__main__":
    torch.set_num_threads(1)
    late = [late_bloomer(halfway) for halfway in HALFWAY]
    publish("rungs", COLUMNS, [*(row for problem in PROBLEMS for row in measure(problem)), *late])
