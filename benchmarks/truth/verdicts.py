"""What is claimed where nothing is, and what the confirmed intervals are worth.

Whole studies with confirmation on problems of four tasks: `unrelated` (teachers of their own; in
every other problem one task is noise) and `related` (one group and a task by itself). Counted is
how often sharing is claimed, and how often the 95% interval of the confirmed gain holds the true
gain. Both are gains of ensembles of five seeds, which is what the verdict compares; the true one is
the mean over six of them, of 30 fresh seeds in all, on 5,000 other test rows.
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.truth.experiment import (
    FOREST,
    Budget,
    Scores,
    grouped,
    request,
    side_by_side,
    space,
    test_scores,
)
from benchmarks.truth.finding import Finding, share_of_true
from mtlsearch.data import TEST, Dataset
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.evidence.comparison import Comparison
from mtlsearch.evidence.interval import Interval, interval
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.session import Observer, work
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace

BASELINE = "single_task"
ARMS = ("searched", BASELINE, "share_all")
BUDGET = Budget(32)  # of each arm, the command line's default
ROWS = 400
TEST_ROWS = 300
OTHER_TEST_ROWS = 5000
TRUE_ENSEMBLES = 6
PROBLEMS = {"unrelated": 40, "related": 12}
GROUPS = {
    "unrelated": ((0,), (1,), (2,), (3,)),
    "related": ((0, 1, 2), (3,)),
}


@dataclass(frozen=True)
class Answered:
    """A study's verdict, and the gain of the arm that stood for sharing: confirmed and true."""

    decision: str
    recommended: str
    confirmed: Interval
    true: Interval

    @property
    def claims_sharing(self) -> bool:
        """Whether the verdict says that sharing pays."""
        return self.decision.startswith("share")

    @property
    def holds_the_truth(self) -> bool:
        """Whether the confirmed interval holds the true gain."""
        low = self.confirmed.low or 0.0
        high = self.confirmed.high or 0.0
        return low <= self.true.mean <= high


class Problem(NamedTuple):
    """A dataset as a user has it, and the same with other test rows for the truth."""

    dataset: Dataset
    for_truth: Dataset


def answer(
    problem: Problem,
    searched: SearchSpace,
    seed: int,
) -> Answered:
    """Return the answer of a whole study, beside the truth."""
    dataset = problem.dataset
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        asked = request(dataset, searched, BUDGET, ARMS, seed)
        study = Study.create(Path(folder) / "study", asked, None)
        study.set_engine(FOREST)
        work(study, dataset, searched, Observer())
        analysis = Analysis(study, dataset)
        statement = analysis.verdict
        assert statement is not None
        assert statement.arm is not None
        comparison = analysis.ensemble_comparisons[statement.arm]
        assert isinstance(comparison, Comparison)
        members = comparison.seeds
        confirmed_gain = comparison.gain
        picks = {pick.arm: pick.composition for pick in analysis.picks}

    compositions = [picks[statement.arm], picks[BASELINE]]
    sharing, single = test_scores(
        problem.for_truth,
        searched,
        compositions,
        seeds=TRUE_ENSEMBLES * members,
        members=members,
    )
    true = true_gain(SkillScales.on_test_rows(problem.for_truth), sharing, single)
    return Answered(statement.decision, statement.recommended, confirmed_gain, true)


def true_gain(
    scales: SkillScales,
    sharing: Scores,
    single: Scores,
) -> Interval:
    """Return the gain of mean skill of one model over another, in points.

    It is paired over seeds, or over ensembles of seeds.
    """
    pairs = zip(sharing, single, strict=True)
    gains = [scales.gain(ours, theirs) for ours, theirs in pairs]
    return interval(gains)


def with_test_rows(whole: Dataset, rows: int) -> Problem:
    """Keep the first TEST_ROWS of a dataset's test rows, which follow after `rows` others."""
    [(name, source)] = whole.sources.items()
    kept = rows + TEST_ROWS
    role = source.splits.role
    assert (role[kept:] == TEST).all()

    splits = replace(source.splits, role=role[:kept])
    short = replace(source, inputs=source.inputs.iloc[:kept], splits=splits)
    targets = {task: values[:kept] for task, values in whole.targets.items()}
    dataset = replace(whole, sources={name: short}, targets=targets)
    return Problem(dataset, for_truth=whole)


def problem(relation: str, seed: int) -> Problem:
    """Return the planted problem of this seed whose tasks are so related."""
    has_noise = seed % 2 == 1
    teacher = Teacher(grouped(GROUPS[relation], 1), unrelated=(3,) if has_noise else ())
    whole = planted(teacher, test_rows=TEST_ROWS + OTHER_TEST_ROWS, seed=seed)
    return with_test_rows(whole, ROWS)


def _case(case: tuple[str, int]) -> Answered:
    relation, seed = case
    return answer(problem(relation, seed), space(4, 2), seed)


def findings() -> list[Finding]:
    """Return how often sharing is claimed, and the share of intervals that hold the true gain."""
    cases = []
    for relation, problems in PROBLEMS.items():
        for seed in range(problems):
            cases.append((relation, seed))
    answers = side_by_side(_case, cases)

    table = []
    for relation, problems in PROBLEMS.items():
        pairs = zip(cases, answers, strict=True)
        related = [item for case, item in pairs if case[0] == relation]
        shares = {
            "sharing claimed": [item.claims_sharing for item in related],
            "interval holds the true gain": [item.holds_the_truth for item in related],
        }
        for what, values in shares.items():
            estimate = share_of_true(values)
            named = f"{relation}: {what}"
            finding = Finding("verdict", BUDGET.trainings, named, estimate, problems, ROWS)
            print(*finding.cells(), flush=True)
            table.append(finding)
    return table
