"""Does it ever harm? The model recommended for export against tuned single-task.

The embedded problems are searched in the space `default`, 20 planted ones in that of
`experiment.py`: groups, chains, unrelated and conflicting tasks, few labels, other kinds. The true
gain is that of 30 fresh seeds; for the planted ones on 5,000 other test rows, for the embedded ones
on the test rows they have. Recommended is single-task itself, with a gain of 0, unless the verdict
claims a gain; so the table also shows what would have been lost had the best sharing structure been
exported always.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.truth import verdicts
from benchmarks.truth.experiment import grouped, side_by_side, space
from benchmarks.truth.finding import Estimate, Finding, share_of_true
from benchmarks.truth.verdicts import (
    BASELINE,
    BUDGET,
    OTHER_TEST_ROWS,
    TEST_ROWS,
    Answered,
    Problem,
    answer,
    with_test_rows,
)
from mtlsearch.data import load
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.evidence.interval import Interval, interval
from mtlsearch.space import load_space
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import Binary, Multiclass, Regression

EMBEDDED = ("iris+breast_cancer", "penguins", "tecator", "vowel", "digits", "bikeshare")
ROWS = 400
COPIES = 4
ALL = (0, 1, 2, 3)
DEEP = SharingTree(((ALL,), ((0, 1), (2, 3))))
NO_GAIN = Interval(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Planted:
    """A teacher, and the share of the rows that have a label, for tasks that lack some."""

    teacher: Teacher
    labelled: dict[int, float] = field(default_factory=dict)


ONE_GROUP = grouped((ALL,), 1)
ONE_ALONE = grouped(((0, 1, 2), (3,)), 1)
TWO_PAIRS = grouped(((0, 1), (2, 3)), 1)
FEW = {1: 0.15, 3: 0.15}
PLANTED = {
    "one group, one noise": Planted(Teacher(ONE_ALONE, unrelated=(3,))),
    "parting on level 2": Planted(Teacher(DEEP)),
    "one in conflict": Planted(Teacher(ONE_GROUP, conflicting=(3,))),
    "few labels": Planted(Teacher(TWO_PAIRS), labelled=FEW),
    "mixed kinds": Planted(
        Teacher(ONE_GROUP, kinds=(Regression(), Binary(), Multiclass(), Binary())),
    ),
}


def problem(name: str, seed: int) -> Problem:
    """Return an embedded problem, or a planted one of this seed."""
    if name in EMBEDDED:
        dataset = load(name)
        return Problem(dataset, for_truth=dataset)

    made = PLANTED[name]
    test_rows = TEST_ROWS + OTHER_TEST_ROWS
    whole = planted(made.teacher, ROWS, test_rows, labelled=made.labelled, seed=seed)
    return with_test_rows(whole, ROWS)


def posed(name: str, seed: int) -> Problem:
    """Return the problem of a study of this part or of `verdicts`. KeyError for another name."""
    if name in verdicts.GROUPS:
        return verdicts.problem(name, seed)
    return problem(name, seed)


def _case(case: tuple[str, int]) -> Answered:
    name, seed = case
    posed = problem(name, seed)
    searched = space(4, 2)
    if name in EMBEDDED:
        searched = load_space("default", len(posed.dataset.tasks))
    return answer(posed, searched, seed)


def findings() -> list[Finding]:
    """Return per problem the true gain of the best sharing structure; then the sums."""
    cases = []
    for name in PLANTED:
        for seed in range(COPIES):
            cases.append((name, seed))
    for name in EMBEDDED:
        cases.append((name, 0))
    answers = side_by_side(_case, cases)

    table = []
    for (name, seed), answered in zip(cases, answers, strict=True):
        what = f"{name} {seed}: true gain of sharing, {answered.decision}"
        finding = _finding(what, _estimate(answered.true), 1, answered.recommended)
        print(*finding.cells(), flush=True)
        table.append(finding)

    always = [answered.true for answered in answers]
    exported = [_gain_of_export(answered) for answered in answers]
    table += _sums("recommended", exported)
    table += _sums("sharing always", always)
    return table


def _gain_of_export(answered: Answered) -> Interval:
    if answered.recommended == BASELINE:
        return NO_GAIN
    return answered.true


def _sums(exported: str, gains: Sequence[Interval]) -> list[Finding]:
    problems = len(gains)
    mean = interval([gain.mean for gain in gains])
    worse = [gain.sign == "below" for gain in gains]
    gained = _finding(f"{exported}: mean true gain", _estimate(mean), problems)
    harmed = _finding(
        f"{exported}: significantly worse",
        share_of_true(worse),
        problems,
        sum(worse),
    )
    return [gained, harmed]


def _estimate(gain: Interval) -> Estimate:
    return Estimate(gain.mean, gain.low, gain.high)


def _finding(
    what: str,
    estimate: Estimate,
    problems: int,
    exact: object = "",
) -> Finding:
    return Finding("harm", BUDGET.trainings, what, estimate, problems, exact=exact)
