"""Is the answer true? What the search recovers of a planted structure, with the real search on synthetic problems.

    python -m benchmarks.truth [PART ...]

`gap`: six tasks in groups {0,1,2} {3,4} {5}, the last one noise. Whole studies with the arm `searched` only; the pick, the
true grouping and single-task are then trained on the same fresh seeds, with the pick's own settings, and scored on test rows.
Gap = (single-task - pick) / (single-task - truth) of the mean error, summed over problems before it is divided. `naive` is the
same search without a model: the Optuna sampler's candidates, the best mean validation score of two replicates.

`verdict`: whole studies with confirmation on problems of four tasks, `unrelated` (teachers of their own, or labels shuffled)
and `related` (one group and a task of its own). How often sharing is claimed, and how often the 95% interval of the confirmed
gain holds the true gain, which is that of the same models over 30 fresh seeds on 5,000 other test rows.
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats

from benchmarks.machine import publish
from mtlsearch.candidate import Candidate, Component, Composition
from mtlsearch.data import TEST, Dataset
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.engine import Choice, Engine, Training, TrainingData
from mtlsearch.evidence.gain import mean_gain
from mtlsearch.evidence.trained import Trained
from mtlsearch.search.confirmation import choose, compare_confirmed, confirmed, trained_arms, verdict
from mtlsearch.search.line import SearchLine
from mtlsearch.search.local_runner import run_local
from mtlsearch.search.queue import WorkQueue
from mtlsearch.search.request import Request, cohorts
from mtlsearch.search.session import work
from mtlsearch.search.study import Study
from mtlsearch.search.worker import Workplace
from mtlsearch.space import SearchSpace
from mtlsearch.tree import SharingTree

GROUPS = ((0, 1, 2), (3, 4), (5,))
SEEDS = 16  # fresh trainings of each structure that is compared
FRESH = 200_000  # replicates that no search uses
PROBLEMS = 20
TEST_ROWS = 300  # of a problem in `verdict`
TRAININGS = 32  # of each arm in `verdict`, the command line's default
FOREST = Choice("forest", 32, {})


def grouped(groups: Sequence[Sequence[int]], levels: int) -> SharingTree:
    """The tree whose tasks share all levels within their group and none beyond."""
    return SharingTree((tuple(tuple(group) for group in groups),) * levels)


def space(tasks: int, levels: int) -> SearchSpace:
    """What the planted problems are searched in: trees, learning rates, dropout; one width."""
    mapping = {
        "tree": {"levels": levels},
        "backbone": {"name": "mlp", "width": 32, "dropout": {"range": [0.0, 0.2]}},
        "optimizer": {"learning_rate": {"log": [1e-3, 1e-2]}},
        "training": {"epochs": 60, "batch_size": 64, "patience": 10},
    }
    return SearchSpace.from_mapping(mapping, tasks)


def search(
    dataset: Dataset, within: SearchSpace, trainings: int, sampler: str, rungs: bool, arms: Sequence[str], seed: int
) -> Any:
    """The picks of a study, and its trainings per arm."""
    cohort, lag = cohorts(trainings, 2, 1, len(arms))
    asked: dict[str, Any] = {"trainings": trainings, "cohort": cohort, "lag": lag, "workers": 1, "rungs": rungs, "seed": seed}
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        request = Request("", (), within.to_mapping(), "", dataset.digest, "", sampler=sampler, arms=tuple(arms), **asked)
        study = Study.create(Path(folder) / "study", request, None)
        queue = WorkQueue([SearchLine(study, arm, dataset, within) for arm in arms], lambda arm, outcome: None)
        run_local(queue, Workplace(dataset, within.training, seed, FOREST, rungs, "cpu"))
        return {pick.arm: pick for pick in choose(study, dataset)}, trained_arms(study)


def with_tree(composition: Composition, tree: SharingTree) -> Composition:
    """The tree with the settings of the composition's largest component."""
    largest = max(composition, key=lambda part: len(part.tasks)).candidate
    parts = (largest.backbone, largest.sharing, type(largest.weighting)(), largest.optimizer)
    return Candidate(tree, *parts).components()


def scores(
    dataset: Dataset, within: SearchSpace, compositions: Sequence[Composition], seeds: int
) -> list[list[dict[str, float]]]:
    """The test scores of each composition on each of so many fresh seeds."""
    data = TrainingData(dataset, 0, torch.device("cpu"))
    trainings = [
        Training(number * seeds + seed, each, FRESH + seed, 0, test=True)
        for number, each in enumerate(compositions)
        for seed in range(seeds)
    ]
    outcomes = [each for each in Engine(data, within.training, FOREST.trainer, FOREST.chunk).train(trainings) if each]
    found = [each.test_scores for each in sorted(outcomes, key=lambda each: each.number)]
    return [found[number * seeds : (number + 1) * seeds] for number in range(len(compositions))]


def same_groups(composition: Sequence[Component], groups: Sequence[Sequence[int]]) -> bool:
    """Whether the components are exactly these groups of tasks."""
    return {part.tasks for part in composition} == {tuple(group) for group in groups}


def naive(trainings: Sequence[Trained]) -> Composition:
    """The candidate with the best mean validation error, as a search without a model would choose."""
    found: dict[Candidate, list[float]] = {}
    for each in trainings:
        found.setdefault(each.candidate, []).append(float(np.mean([*each.outcome.scores.values()])))
    return min(found, key=lambda candidate: np.mean(found[candidate])).components()


def _gap(ways: Sequence[tuple[str, bool]], trainings: int, rows: int, problem: int) -> list[tuple[float, float, bool]]:
    torch.set_num_threads(1)
    dataset, within = planted(Teacher(grouped(GROUPS, 1), unrelated=(5,)), rows=rows, seed=problem), space(6, 2)
    found = []
    for sampler, rungs in ways:
        picks, trained = search(dataset, within, trainings, sampler.removeprefix("naive "), rungs, ["searched"], problem)
        own = naive(trained["searched"]) if sampler.startswith("naive") else picks["searched"].composition
        compared = [own, with_tree(own, grouped([[t] for t in range(6)], 2)), with_tree(own, grouped(GROUPS, 2))]
        tested = scores(dataset, within, compared, SEEDS)
        pick, single, truth = (np.mean([[*row.values()] for row in each]) for each in tested)
        found.append((single - pick, single - truth, same_groups(own, GROUPS)))
    return found


def gap(budgets: Sequence[tuple[int, int]] = ((128, 400), (256, 400), (128, 2000)), problems: int = PROBLEMS) -> list[list[Any]]:
    """One row per budget and way to search."""
    ways = [("affinity", False), ("affinity", True), ("tpe", False), ("naive tpe", False)]
    rows = []
    for trainings, examples in budgets:
        with get_context("spawn").Pool(2) as pool:
            found = np.array(pool.map(partial(_gap, ways, trainings, examples), range(problems), chunksize=1), float)
        for number, (sampler, rungs) in enumerate(ways):
            gained, possible, exact = found[:, number].T
            low, high = _interval(gained, possible)
            name = f"{sampler}{', rungs' if rungs else ''}"
            rows.append(["gap", trainings, examples, name, gained.sum() / possible.sum(), low, high, exact.mean(), problems])
            print(*rows[-1], flush=True)
    return rows


def _interval(gained: np.ndarray, possible: np.ndarray) -> tuple[float, float]:
    """95% bootstrap interval over problems of the ratio of sums."""
    random = np.random.default_rng(0)
    drawn = random.integers(len(gained), size=(2000, len(gained)))
    low, high = np.quantile(gained[drawn].sum(1) / possible[drawn].sum(1), [0.025, 0.975])
    return float(low), float(high)


class Silent:
    """Watches nothing."""

    def begin(self, lines: Sequence[Any], queue: WorkQueue) -> None:
        """Nothing."""

    def observe(self, arm: str, outcome: Any) -> None:
        """Nothing."""


def _problem(kind: str, number: int) -> tuple[Dataset, Dataset]:
    """The problem as a user has it, and with other test rows for the truth."""
    groups = ((0, 1, 2), (3,)) if kind == "related" else ((0,), (1,), (2,), (3,))
    teacher = Teacher(grouped(groups, 1), unrelated=(3,) if number % 2 else ())
    whole = planted(teacher, test_rows=TEST_ROWS + 5000, seed=number)
    return _first(whole, 400 + TEST_ROWS), whole


def _first(dataset: Dataset, rows: int) -> Dataset:
    """The dataset without its last rows, which are test rows."""
    [(name, source)] = dataset.sources.items()
    assert (source.splits.role[rows:] == TEST).all()
    short = replace(source, inputs=source.inputs.iloc[:rows], splits=replace(source.splits, role=source.splits.role[:rows]))
    return replace(dataset, sources={name: short}, targets={task: y[:rows] for task, y in dataset.targets.items()})


def _verdict(case: tuple[str, int]) -> tuple[str, str, float, float, float]:
    torch.set_num_threads(1)
    (dataset, other), within, arms = _problem(*case), space(4, 2), ("searched", "single_task", "share_all")
    cohort, lag = cohorts(TRAININGS, 2, 1, len(arms))
    asked: dict[str, Any] = {"trainings": TRAININGS, "cohort": cohort, "lag": lag, "arms": arms, "seed": case[1], "workers": 1}
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        request = Request(
            "", (), within.to_mapping(), "", dataset.digest, "", runner="local", references=False, device="cpu", **asked
        )
        study = Study.create(Path(folder) / "study", request, None)
        study.set_engine(FOREST)
        work(study, dataset, within, Silent())
        found = confirmed(study)
        answer = verdict(found, dataset)
        assert answer is not None and answer.arm is not None
        gain = compare_confirmed(found, dataset)[answer.arm].gain
        picks = {each.arm: each.composition for each in study.picks()}
    mine, single = scores(other, within, [picks[answer.arm], picks["single_task"]], 30)
    reference = {task.name: float(np.mean([row[task.name] for row in single])) for task in other.tasks}
    true = np.mean([mean_gain(other.tasks, row, reference) for row in mine])
    assert gain.low is not None and gain.high is not None
    return case[0], answer.decision, gain.low, gain.high, float(true)


def verdicts(unrelated: int = 40, related: int = 12) -> list[list[Any]]:
    """How often each answer is given, and the share of intervals that hold the true gain."""
    cases = [("unrelated", number) for number in range(unrelated)] + [("related", number) for number in range(related)]
    with get_context("spawn").Pool(2) as pool:
        found = pool.map(_verdict, cases, chunksize=1)
    rows = []
    for kind in ("unrelated", "related"):
        own = [each for each in found if each[0] == kind]
        claims = [each[1].startswith("share") for each in own]
        held = [low <= true <= high for _, _, low, high, true in own]
        for what, values in (("sharing claimed", claims), ("interval holds the true gain", held)):
            low, high = stats.binomtest(sum(values), len(values)).proportion_ci(method="wilson")
            rows.append(["verdict", TRAININGS, 400, f"{kind}: {what}", sum(values) / len(values), low, high, "", len(values)])
            print(*rows[-1], flush=True)
        print(kind, [(each[1], *(round(value, 2) for value in each[2:])) for each in own], flush=True)
    return rows


PARTS: dict[str, Callable[[], list[list[Any]]]] = {"gap": gap, "verdict": verdicts}


def main(parts: Sequence[str]) -> None:
    """Run the parts named, or all."""
    for name, part in PARTS.items():
        if not parts or name in parts:
            columns = ["part", "trainings", "rows", "what", "value", "low", "high", "exact", "problems"]
            publish(f"truth-{name}", columns, part())


if __name__ == "__main__":
    main(sys.argv[1:])
