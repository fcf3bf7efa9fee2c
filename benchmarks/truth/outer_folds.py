"""Whether the interval of a gain that is pooled over outer folds holds what it says.

    python -m benchmarks.truth outer_folds

Two procedures are compared (`ridge_tables.py`): each task by itself, and drawn towards the mean of
the tasks. Both choose their settings anew in each outer fold. They are cheap stand-ins for studies,
so that hundreds of them can be had. In the problem `null` both procedures are the same one with
other seeds: the true gain is zero. In `unstable` the second has bad luck in three of ten outer
folds, and predicts with a ridge that is far too large.

The truth is the mean gain of the folds' models on fresh rows, over all studies of a case: what the
procedure gains at that size. Beside it stands how often the interval holds the gain of the very
models of its study on fresh rows. The candidates:

- `single split`: the first outer fold alone, which is what a study without outer folds says.
- `naive`: variances over seeds and test rows of the folds, added up.
- `enlarged`: the same, times 1 + n_test / n_train.
- `enlarged K times`: the same, times 1 + K n_test / n_train (Nadeau & Bengio 2003).
- `corrected t`: (1 / K + n_test / n_train) times the variance of the K folds' gains, Student's t.
- `larger of two`: `enlarged`, or the folds' own variance with Student's t, whichever is wider.
- `as pooled`: what studies do: `enlarged`, and the excess of the folds' own variance added.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from benchmarks.truth.experiment import side_by_side
from benchmarks.truth.finding import Estimate, Finding, share_of_true
from benchmarks.truth.ridge_tables import (
    SEEDS,
    Procedure,
    Settings,
    Table,
    Teacher,
    resampled_skill,
    search,
    separate,
    skill,
    together,
)
from mtlsearch.arrays import Array
from mtlsearch.evidence.interval import (
    UPPER_QUANTILE,
    Interval,
    centred_pseudo_values,
    interval,
)
from mtlsearch.evidence.pooled import FoldWeights, between_folds, pool_intervals

OUTER_FOLDS = 5
SAMPLES = 100  # of the test rows
STUDIES = 200  # of a case
ROWS = (150, 400, 1500)
FRESH_ROWS = 3000
RELATEDNESS = {
    "related": 0.9,
    "unrelated": 0.0,
    "null": 0.5,
    "unstable": 0.9,
}
BAD_LUCK = 0.3  # share of the outer folds with a bad pick in the problem `unstable`
UNLUCKY = Settings(3000.0, None)
OVERLAP = 1 / (OUTER_FOLDS - 1)  # n_test / n_train
EQUAL = np.full(OUTER_FOLDS, 1 / OUTER_FOLDS)

Folds = Sequence[Interval]
Pool = Callable[[Folds], Interval]


class Case(NamedTuple):
    """Studies of a problem with so many rows."""

    problem: str
    rows: int


class FoldAnswer(NamedTuple):
    """The gain in an outer fold with its interval, and that of the same models on fresh rows."""

    gain: Interval
    true: float


class Data(NamedTuple):
    """What an outer fold trains on and is tested on, and fresh rows for the truth."""

    train: Table
    test: Table
    fresh: Table


def study(case: Case, number: int) -> list[FoldAnswer]:
    """The answers of the outer folds of one study."""
    draw = np.random.default_rng([number, case.rows, len(case.problem)])
    teacher = Teacher.draw(RELATEDNESS[case.problem])
    table = teacher.table(draw, case.rows)
    fresh = teacher.table(draw, FRESH_ROWS)
    parts = np.array_split(draw.permutation(case.rows), OUTER_FOLDS)
    answers = []
    for part in parts:
        is_test = np.zeros(case.rows, bool)
        is_test[part] = True
        data = Data(
            train=table.part(~is_test),
            test=table.part(is_test),
            fresh=fresh,
        )
        answer = _answer(data, case.problem, draw)
        answers.append(answer)
    return answers


def _answer(
    data: Data,
    problem: str,
    draw: np.random.Generator,
) -> FoldAnswer:
    """Search both procedures on the training rows and compare them on the test rows."""
    baseline = search(data.train, separate(), draw)
    known = separate() if problem == "null" else together()
    arm = search(data.train, known, draw)
    if problem == "unstable" and draw.random() < BAD_LUCK:
        arm = Procedure(arm.fits, UNLUCKY)
    everyone = list(range(SEEDS))
    ours = arm.predictions(data.test.inputs)
    theirs = baseline.predictions(data.test.inputs)

    def difference(seeds: Sequence[int], samples: Array) -> Array:
        scores = []
        for predictions in (ours, theirs):
            members = [predictions[seed] for seed in seeds]
            mean = np.mean(members, axis=0)
            score = resampled_skill(mean, data.test.targets, samples)
            scores.append(score)
        return np.asarray(scores[0] - scores[1])

    rows = len(data.test.inputs)
    all_rows = np.arange(rows)[None]
    without = []
    for seed in everyone:
        others = [other for other in everyone if other != seed]
        [gain] = difference(others, all_rows)
        without.append(float(gain))
    [whole] = difference(everyone, all_rows)
    samples = draw.integers(rows, size=(SAMPLES, rows))
    resampled = difference(everyone, samples)
    values = centred_pseudo_values(float(whole), without)
    gain = interval(values, resampled.tolist())
    of_arm = _score(arm, data.fresh)
    of_baseline = _score(baseline, data.fresh)
    return FoldAnswer(gain, true=of_arm - of_baseline)


def _score(procedure: Procedure, table: Table) -> float:
    predictions = procedure.predictions(table.inputs)
    mean = np.mean(predictions, axis=0)
    return skill(mean, table.targets)


def _single_split(folds: Folds) -> Interval:
    return folds[0]


def _naive(folds: Folds) -> Interval:
    return _within(folds, 1.0)


def _enlarged(folds: Folds) -> Interval:
    return _within(folds, 1 + OVERLAP)


def _enlarged_k_times(folds: Folds) -> Interval:
    return _within(folds, 1 + OUTER_FOLDS * OVERLAP)


def _within(folds: Folds, enlarged: float) -> Interval:
    """Variances over seeds and test rows, added up and enlarged."""
    factor = enlarged / len(folds) ** 2
    variance = 0.0
    uncertainty = 0.0
    for fold in folds:
        seeds = factor * fold.seed_variance
        rows = factor * fold.row_variance
        variance += seeds + rows
        uncertainty += seeds**2 / (SEEDS - 1)
    dof = math.inf
    if uncertainty:
        dof = variance**2 / uncertainty
    return _symmetric(_means(folds), variance, dof)


def _corrected_t(folds: Folds) -> Interval:
    means = _means(folds)
    factor = 1 / len(folds) + OVERLAP
    variance = factor * float(means.var(ddof=1))
    return _symmetric(means, variance, len(folds) - 1.0)


def _larger_of_two(folds: Folds) -> Interval:
    means = _means(folds)
    variance = between_folds(means, EQUAL)
    of_means = _symmetric(means, variance, len(folds) - 1.0)
    return max(of_means, _enlarged(folds), key=_width)


def _as_pooled(folds: Folds) -> Interval:
    weights = FoldWeights(EQUAL, OVERLAP)
    return pool_intervals(folds, weights, SEEDS)


def _means(folds: Folds) -> Array:
    return np.array([fold.mean for fold in folds])


def _symmetric(
    means: Array,
    variance: float,
    dof: float,
) -> Interval:
    mean = float(means.mean())
    quantile = float(stats.t.ppf(UPPER_QUANTILE, dof))
    half_width = quantile * math.sqrt(variance)
    return Interval(mean, mean - half_width, mean + half_width)


CANDIDATES: dict[str, Pool] = {
    "single split": _single_split,
    "naive": _naive,
    "enlarged": _enlarged,
    "enlarged K times": _enlarged_k_times,
    "corrected t": _corrected_t,
    "larger of two": _larger_of_two,
    "as pooled": _as_pooled,
}


def measure(case: Case) -> list[Finding]:
    """Return coverage, width and claims of every candidate in a case."""
    return describe(case, [study(case, number) for number in range(STUDIES)])


def describe(case: Case, studies: Sequence[Sequence[FoldAnswer]]) -> list[Finding]:
    """Return coverage, width and claims of every candidate in studies of a case."""
    true = 0.0
    if case.problem != "null":
        gains = [fold.true for folds in studies for fold in folds]
        true = float(np.mean(gains))
    table = _Table(case, len(studies))
    table.add("true gain", true)
    for name, pool in CANDIDATES.items():
        pooled = []
        of_models = []
        for folds in studies:
            entry = pool([fold.gain for fold in folds])
            tested = folds[:1] if name == "single split" else folds
            models = float(np.mean([fold.true for fold in tested]))
            pooled.append(entry)
            of_models.append(_holds(entry, models))
        held = [_holds(entry, true) for entry in pooled]
        claims = [entry.sign != "spans" for entry in pooled]
        wrong = [_is_wrong(entry, true) for entry in pooled]
        widths = [_width(entry) for entry in pooled]
        table.add_share(f"{name}: holds the truth", held)
        table.add_share(f"{name}: holds its models' truth", of_models)
        table.add_share(f"{name}: leaves zero out", claims)
        table.add_share(f"{name}: with the wrong sign", wrong)
        table.add(f"{name}: median width", float(np.median(widths)))
    return table.findings


class _Table:
    """The findings of a case."""

    def __init__(
        self,
        case: Case,
        studies: int,
    ) -> None:
        self.findings: list[Finding] = []
        self._case = case
        self._studies = studies

    def add(
        self,
        what: str,
        value: float,
    ) -> None:
        """Add a value without an interval."""
        self._add(what, Estimate(value, None, None))

    def add_share(
        self,
        what: str,
        values: Sequence[bool],
    ) -> None:
        """Add the share of true values."""
        self._add(what, share_of_true(values))

    def _add(
        self,
        what: str,
        estimate: Estimate,
    ) -> None:
        finding = Finding(
            part=f"outer folds, {self._case.problem}",
            trainings=0,
            what=what,
            estimate=estimate,
            problems=self._studies,
            rows=self._case.rows,
        )
        self.findings.append(finding)


def _ends(entry: Interval) -> tuple[float, float]:
    assert entry.low is not None
    assert entry.high is not None
    return entry.low, entry.high


def _holds(entry: Interval, value: float) -> bool:
    low, high = _ends(entry)
    return low <= value <= high


def _width(entry: Interval) -> float:
    low, high = _ends(entry)
    return high - low


def _is_wrong(entry: Interval, true: float) -> bool:
    """Whether an interval leaves zero out on the side on which the truth is not."""
    low, high = _ends(entry)
    return (low > 0 and true <= 0) or (high < 0 and true >= 0)


def findings() -> list[Finding]:
    """Measure every case."""
    cases = []
    for problem in RELATEDNESS:
        for rows in ROWS:
            cases.append(Case(problem, rows))
    measured: list[Finding] = []
    for rows_of_case in side_by_side(measure, cases):
        measured += rows_of_case
    return measured
