"""What is claimed where nothing is, and what the confirmed intervals are worth.

Whole studies with confirmation on problems of four tasks, `unrelated` (teachers of their own, in every other problem one task is
noise) and `related` (one group and a task of its own). How often sharing is claimed, and how often the 95% interval of the
confirmed gain holds the true gain, which is that of the same models over 30 fresh seeds on 5,000 other test rows.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.truth.trial import (
    FOREST,
    Budget,
    grouped,
    request,
    share,
    side_by_side,
    space,
    tested,
)
from mtlsearch.data import TEST, Dataset
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.evidence.gain import mean_gain
from mtlsearch.evidence.interval import Interval, interval
from mtlsearch.search.confirmation import compare_confirmed, confirmed, verdict
from mtlsearch.search.session import work
from mtlsearch.search.study import Study
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.space import SearchSpace

UNRELATED, RELATED = 40, 12
ARMS = ("searched", "single_task", "share_all")
BUDGET = Budget(32)  # of each arm, the command line's default
TEST_ROWS, TRUE_SEEDS = 300, 30


@dataclass(frozen=True)
class Answered:
    """A study's verdict, what it recommends, the confirmed gain of the arm that stood for sharing, and that arm's true gain."""

    decision: str
    recommended: str
    confirmed: Interval
    true: Interval


class Silent:
    """Watches nothing."""

    def begin(self, lines: Sequence[Any], queue: WorkQueue) -> None:
        """Nothing."""

    def observe(self, arm: str, outcome: Any) -> None:
        """Nothing."""


def answer(dataset: Dataset, other: Dataset, within: SearchSpace, seed: int) -> Answered:
    """The answer of a whole study of `dataset`; true gains are measured on `other`, which has the same rows to train on."""
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        study = Study.create(
            Path(folder) / "study", request(dataset, within, BUDGET, ARMS, seed), None
        )
        study.set_engine(FOREST)
        work(study, dataset, within, Silent())
        found = confirmed(study)
        said = verdict(found, dataset)
        assert said is not None and said.arm is not None
        gain = compare_confirmed(found, dataset)[said.arm].gain
        picks = {each.arm: each.composition for each in study.picks()}
    mine, single = tested(other, within, [picks[said.arm], picks["single_task"]], TRUE_SEEDS)
    reference = {
        task.name: float(np.mean([row[task.name] for row in single])) for task in other.tasks
    }
    pairs = zip(mine, single, strict=True)
    true = interval(
        [
            mean_gain(other.tasks, a, reference) - mean_gain(other.tasks, b, reference)
            for a, b in pairs
        ]
    )
    return Answered(said.decision, said.recommended, gain, true)


def _problem(kind: str, number: int) -> tuple[Dataset, Dataset]:
    """The problem as a user has it, and with other test rows for the truth."""
    groups = ((0, 1, 2), (3,)) if kind == "related" else ((0,), (1,), (2,), (3,))
    teacher = Teacher(grouped(groups, 1), unrelated=(3,) if number % 2 else ())
    return with_test_rows(planted(teacher, test_rows=TEST_ROWS + 5000, seed=number), 400)


def with_test_rows(whole: Dataset, rows: int) -> tuple[Dataset, Dataset]:
    """The dataset with the first TEST_ROWS of its test rows, which follow after `rows` others, and the whole."""
    [(name, source)], kept = whole.sources.items(), rows + TEST_ROWS
    assert (source.splits.role[kept:] == TEST).all()
    short = replace(
        source,
        inputs=source.inputs.iloc[:kept],
        splits=replace(source.splits, role=source.splits.role[:kept]),
    )
    return replace(
        whole, sources={name: short}, targets={task: y[:kept] for task, y in whole.targets.items()}
    ), whole


def _case(case: tuple[str, int]) -> Answered:
    return answer(*_problem(*case), space(4, 2), case[1])


def rows() -> list[list[Any]]:
    """How often sharing is claimed, and the share of intervals that hold the true gain."""
    cases = [("unrelated", number) for number in range(UNRELATED)] + [
        ("related", number) for number in range(RELATED)
    ]
    found, table = side_by_side(_case, cases), []
    for kind in ("unrelated", "related"):
        own = [each for case, each in zip(cases, found, strict=True) if case[0] == kind]
        claims = [each.decision.startswith("share") for each in own]
        held = [
            (each.confirmed.low or 0.0) <= each.true.mean <= (each.confirmed.high or 0.0)
            for each in own
        ]
        for what, values in (("sharing claimed", claims), ("interval holds the true gain", held)):
            table.append(
                [
                    "verdict",
                    BUDGET.trainings,
                    400,
                    f"{kind}: {what}",
                    *share(values),
                    "",
                    len(values),
                ]
            )
            print(*table[-1], flush=True)
    return table
