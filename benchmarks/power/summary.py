"""What the records of many studies come to: false claims, power, answers, coverage, minutes.

Both conditions stand on the same problems: a study counts once its other condition is there. A
problem has a gain where the mean of the true gains in the two conditions is GAIN points or more.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from scipy import stats

from benchmarks.power.problems import OUTER_FOLDS, SINGLE_SPLIT
from benchmarks.power.studies import BUDGET, Record
from benchmarks.truth.finding import Estimate, Finding, share_of_true
from benchmarks.truth.verdicts import BASELINE
from mtlsearch.evidence.verdict import OPEN

GAIN = 1.0  # points of mean skill that are worth seeing
MARGIN = 1.0  # the default one
CONDITIONS = {SINGLE_SPLIT: "one split", OUTER_FOLDS: "outer folds"}
SHARING = ("share", "share some")
SEPARATE = "do not share"
EQUAL = "equal"

Pair = tuple[Record, Record]  # with one split, with outer folds
Statement = Callable[[Record], bool]


def pairs(records: Iterable[Record]) -> list[Pair]:
    """Return the studies that are there in both conditions, of problems with a truth."""
    by_condition: dict[int, dict[tuple[str, int, int], Record]] = {}
    for record in records:
        case = record.case
        if case.has_truth:
            studies = by_condition.setdefault(case.outer_folds, {})
            studies[case.problem, case.seed, case.rows] = record
    single = by_condition.get(SINGLE_SPLIT, {})
    folded = by_condition.get(OUTER_FOLDS, {})
    return [(single[key], folded[key]) for key in single if key in folded]


def true_gain(record: Record) -> float:
    """The true gain of the arm that stands for sharing."""
    return record.true[record.arm]


def recommended_gain(record: Record) -> float:
    """The true gain of the model that is recommended, as it is handed over."""
    if record.recommended == BASELINE:
        return 0.0
    return record.handed_over[record.recommended]


def claims_sharing(record: Record) -> bool:
    """Whether the answer is to share, or to share some."""
    return record.decision in SHARING


def is_clear(record: Record) -> bool:
    """Whether there is an answer."""
    return record.decision != OPEN


def is_lowered(record: Record) -> bool:
    """Whether a caveat takes an answer away that the figures alone would give."""
    return not is_clear(record) and record.claim != OPEN


def falsely_shares(record: Record) -> bool:
    """Whether sharing is claimed where it truly gains nothing."""
    return claims_sharing(record) and true_gain(record) <= 0


def falsely_separates(record: Record) -> bool:
    """Whether the claim is not to share though an arm that shares truly gains."""
    return record.decision == SEPARATE and max(record.true.values()) > 0


def falsely_equal(record: Record) -> bool:
    """Whether equality is claimed where the true difference is beyond the margin."""
    return record.decision == EQUAL and abs(true_gain(record)) > MARGIN


def holds_the_truth(record: Record) -> bool:
    """Whether the interval of the gain holds the true one."""
    _, low, high = record.gain
    return low <= true_gain(record) <= high


def holds_for_the_model(record: Record) -> bool:
    """Whether it holds the true gain of the model that is handed over, which has other rows."""
    _, low, high = record.gain
    return low <= record.handed_over[record.arm] <= high


STATEMENTS: dict[str, Statement] = {
    "an answer": is_clear,
    "an answer taken away by a caveat": is_lowered,
    "share or share some": claims_sharing,
    "equal": lambda record: record.decision == EQUAL,
    "do not share": lambda record: record.decision == SEPARATE,
    "share, though there is no gain": falsely_shares,
    "do not share, though there is a gain": falsely_separates,
    "equal, though beyond the margin": falsely_equal,
    "the interval holds the true gain": holds_the_truth,
    "the interval holds that of the model handed over": holds_for_the_model,
}
MEANS: dict[str, Callable[[Record], float]] = {
    "width of the interval": lambda record: record.gain[2] - record.gain[1],
    "seeds": lambda record: record.seeds,
    "true gain of the recommended model": recommended_gain,
    "true gain of the best sharing arm by validation": lambda record: record.handed_over[
        record.arm
    ],
    "true gain of one trunk": lambda record: record.handed_over["share_all"],
    "minutes": lambda record: record.minutes,
}


def has_gain(pair: Pair) -> bool:
    """Whether sharing truly gains so much that an answer should see it."""
    single, folded = pair
    return (true_gain(single) + true_gain(folded)) / 2 >= GAIN


def findings(records: Iterable[Record]) -> list[Finding]:
    """Return the table: both conditions, at each size and over all sizes."""
    paired = pairs(records)
    sizes = sorted({single.case.rows for single, _ in paired})
    table = []
    for rows in sizes:
        table += _at(rows, [pair for pair in paired if pair[0].case.rows == rows])
    if paired:
        table += _at(None, paired)
    return table


def _at(rows: int | None, paired: Sequence[Pair]) -> list[Finding]:
    """The part of the table for one size; for all of them where it is None."""
    table = []
    for place, condition in enumerate(CONDITIONS.values()):
        records = [pair[place] for pair in paired]
        with_gain = [pair[place] for pair in paired if has_gain(pair)]
        for what, statement in STATEMENTS.items():
            values = [statement(record) for record in records]
            named = f"{condition}: {what}"
            table.append(_finding(rows, named, share_of_true(values), len(values)))
        if with_gain:
            seen = [claims_sharing(record) for record in with_gain]
            named = f"{condition}: share or share some, of gains of a point"
            table.append(_finding(rows, named, share_of_true(seen), len(seen)))
        for what, value in MEANS.items():
            numbers = [value(record) for record in records]
            named = f"{condition}: {what}"
            table.append(_finding(rows, named, mean(numbers), len(numbers)))
    return table


def mean(numbers: Sequence[float]) -> Estimate:
    """Return the mean over problems with its interval, Student's t; of one number without."""
    count = len(numbers)
    average = float(np.mean(numbers))
    if count == 1:
        return Estimate(average, None, None)
    quantile = float(stats.t.ppf(0.975, count - 1))
    half_width = quantile * float(np.std(numbers, ddof=1)) / math.sqrt(count)
    return Estimate(average, average - half_width, average + half_width)


def _finding(
    rows: int | None,
    what: str,
    estimate: Estimate,
    problems: int,
) -> Finding:
    return Finding("power", BUDGET.trainings, what, estimate, problems, rows)
