"""Whether the interval of a gain that is pooled over outer folds holds what it says.

    python -m benchmarks.truth outer_folds

Two procedures are compared on tables of four tasks (two regressions by R2, two of two classes by
AUC), in points of mean skill: ridge regressions of each task on a random hidden layer, and the same
drawn towards the mean of the tasks. Both choose their settings by validation in each outer fold and
predict with ensembles of five seeds, each with a hidden layer and a fold of its own. They are cheap
stand-ins for studies, so that hundreds of them can be had. In the problem `null` both procedures
are the same one with other seeds: the true gain is zero. In `unstable` the second has bad luck in
three of ten outer folds and predicts with a ridge that is far too large: their picks differ.

The truth is the mean gain of the folds' models on fresh rows, over all studies of a case: what the
procedure gains at that size. The candidates:

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
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from benchmarks.truth.experiment import side_by_side
from benchmarks.truth.finding import Estimate, Finding, share_of_true
from mtlsearch.arrays import Array
from mtlsearch.evidence.interval import Interval, centred_pseudo_values, interval
from mtlsearch.evidence.pooled import FoldWeights, between_folds, pool_intervals

OUTER_FOLDS = 5
SEEDS = 5
SAMPLES = 100
STUDIES = 300
ROWS = (150, 400, 1500)
FRESH_ROWS = 3000
INPUTS = 30
HIDDEN = 16
TASKS = 4  # of which the second half has two classes
OWN_RIDGES = (1.0, 10.0, 100.0, 1000.0)
UNLUCKY_RIDGE = 3000.0
MEAN_RIDGES = (3.0, 30.0, 300.0)
NOISE = 1.5
RELATEDNESS = {"related": 0.9, "unrelated": 0.0, "null": 0.5, "unstable": 0.9}
BAD_LUCK = 0.3  # share of the outer folds with a bad pick in the problem `unstable`


class Case(NamedTuple):
    """Studies of a problem with so many rows."""

    problem: str
    rows: int


class Table(NamedTuple):
    """Inputs [N, INPUTS] and targets [N, TASKS] of rows."""

    inputs: Array
    targets: Array


class Settings(NamedTuple):
    """The ridge of a task's own weights, and that of the mean of the tasks; None: no mean."""

    own: float
    mean: float | None


SEPARATE = tuple(Settings(own, None) for own in OWN_RIDGES)
TOGETHER = tuple(Settings(own, mean) for own in OWN_RIDGES for mean in MEAN_RIDGES)


@dataclass(frozen=True)
class Teacher:
    """What the targets are made of: a hidden layer in common, and weights [HIDDEN, TASKS]."""

    layer: Array
    weights: Array

    @classmethod
    def draw(cls, problem: str) -> "Teacher":
        """The teacher of a problem, the same in all its studies."""
        draw = np.random.default_rng(7)
        layer = draw.normal(size=(INPUTS, HIDDEN)) / math.sqrt(INPUTS)
        common = draw.normal(size=(HIDDEN, 1))
        own = draw.normal(size=(HIDDEN, TASKS))
        relatedness = RELATEDNESS[problem]
        weights = math.sqrt(relatedness) * common + math.sqrt(1 - relatedness) * own
        return cls(2 * layer, weights / np.linalg.norm(weights, axis=0) * 1.6)

    def table(self, draw: np.random.Generator, rows: int) -> Table:
        """Draw so many rows."""
        inputs = draw.normal(size=(rows, INPUTS))
        signal = np.tanh(inputs @ self.layer) @ self.weights
        targets = signal + draw.normal(0.0, NOISE, (rows, TASKS))
        half = TASKS // 2
        targets[:, half:] = np.where(targets[:, half:] > 0, 1.0, -1.0)
        return Table(inputs, targets)


class Fit(NamedTuple):
    """What ridge regressions with one hidden layer read of training rows."""

    gram: Array
    moments: Array
    centre: Array
    layer: Array

    @classmethod
    def of(cls, table: Table, layer: Array) -> "Fit":
        """Read the rows of a table."""
        features = _features(table.inputs, layer)
        centre = table.targets.mean(0)
        moments = features.T @ (table.targets - centre)
        return cls(features.T @ features, moments, centre, layer)

    def weights(self, settings: Settings) -> Array:
        """The weights [F, TASKS] with these settings."""
        mean = np.zeros((len(self.gram), 1))
        if settings.mean is not None:
            mean = _solve(self.gram, self.moments.mean(1, keepdims=True), settings.mean)
        rest = self.moments - self.gram @ mean
        return mean + _solve(self.gram, rest, settings.own)

    def predict(self, inputs: Array, settings: Settings) -> Array:
        """Predictions [N, TASKS]."""
        return _features(inputs, self.layer) @ self.weights(settings) + self.centre


def _features(inputs: Array, layer: Array) -> Array:
    return np.hstack([inputs, np.tanh(inputs @ layer)])


def _solve(gram: Array, moments: Array, ridge: float) -> Array:
    return np.linalg.solve(gram + ridge * np.eye(len(gram)), moments)


def skill(predictions: Array, targets: Array) -> float:
    """Mean skill in points: R2 of regressions, the area above one half of classes.

    Args:
        predictions: [N, TASKS].
        targets: [N, TASKS].
    """
    return float(resampled_skill(predictions, targets, np.arange(len(targets))[None])[0])


def resampled_skill(predictions: Array, targets: Array, samples: Array) -> Array:
    """Mean skill on each sample of the rows [M, N]."""
    total = np.zeros(len(samples))
    half = TASKS // 2
    for task in range(TASKS):
        predicted = predictions[:, task][samples]
        truth = targets[:, task][samples]
        if task < half:
            spread = ((truth - truth.mean(1, keepdims=True)) ** 2).sum(1)
            total += 1 - ((truth - predicted) ** 2).sum(1) / spread
        else:
            is_positive = truth > 0
            positives = is_positive.sum(1)
            ranks = stats.rankdata(predicted, axis=1)
            above = (ranks * is_positive).sum(1) - positives * (positives + 1) / 2
            total += 2 * above / (positives * (truth.shape[1] - positives)) - 1
    return 100 * total / TASKS


@dataclass(frozen=True)
class Model:
    """The chosen settings with the fits of all seeds."""

    fits: Sequence[Fit]
    settings: Settings

    def predictions(self, inputs: Array) -> list[Array]:
        """The predictions [N, TASKS] of each seed."""
        return [fit.predict(inputs, self.settings) for fit in self.fits]


def search(table: Table, known: Sequence[Settings], draw: np.random.Generator) -> Model:
    """Choose settings by validation on five folds, and fit five fresh seeds with them."""
    scores = dict.fromkeys(known, 0.0)
    for _ in range(SEEDS):
        fit, validation = _fit_part(table, draw)
        for settings in known:
            scores[settings] += skill(fit.predict(validation.inputs, settings), validation.targets)
    best = max(known, key=lambda settings: scores[settings])
    fits = [_fit_part(table, draw)[0] for _ in range(SEEDS)]
    return Model(fits, best)


def _fit_part(table: Table, draw: np.random.Generator) -> tuple[Fit, Table]:
    """A fit to four fifths of the rows with a new hidden layer, and the other rows."""
    rows = len(table.inputs)
    order = draw.permutation(rows)
    cut = rows // SEEDS
    layer = draw.normal(size=(INPUTS, HIDDEN)) * 2 / math.sqrt(INPUTS)
    train = Table(table.inputs[order[cut:]], table.targets[order[cut:]])
    validation = Table(table.inputs[order[:cut]], table.targets[order[:cut]])
    return Fit.of(train, layer), validation


class FoldAnswer(NamedTuple):
    """The gain in an outer fold with its interval, and that of the same models on fresh rows."""

    gain: Interval
    true: float


def answer(
    train: Table, test: Table, fresh: Table, problem: str, draw: np.random.Generator
) -> FoldAnswer:
    """Search both procedures on training rows and compare them on test rows."""
    baseline = search(train, SEPARATE, draw)
    arm = search(train, SEPARATE if problem == "null" else TOGETHER, draw)
    if problem == "unstable" and draw.random() < BAD_LUCK:
        arm = Model(arm.fits, Settings(UNLUCKY_RIDGE, None))
    ours = arm.predictions(test.inputs)
    theirs = baseline.predictions(test.inputs)

    def difference(seeds: Sequence[int]) -> float:
        of_arm = np.mean([ours[seed] for seed in seeds], axis=0)
        of_baseline = np.mean([theirs[seed] for seed in seeds], axis=0)
        return skill(of_arm, test.targets) - skill(of_baseline, test.targets)

    everyone = range(SEEDS)
    without = [difference([other for other in everyone if other != seed]) for seed in everyone]
    samples = draw.integers(len(test.inputs), size=(SAMPLES, len(test.inputs)))
    resampled = resampled_skill(np.mean(ours, axis=0), test.targets, samples)
    resampled -= resampled_skill(np.mean(theirs, axis=0), test.targets, samples)
    values = centred_pseudo_values(difference(everyone), without)
    true = skill(np.mean(arm.predictions(fresh.inputs), axis=0), fresh.targets)
    true -= skill(np.mean(baseline.predictions(fresh.inputs), axis=0), fresh.targets)
    return FoldAnswer(interval(values, resampled.tolist()), true)


def study(case: Case, number: int) -> list[FoldAnswer]:
    """The answers of the outer folds of one study."""
    draw = np.random.default_rng([number, case.rows, len(case.problem)])
    teacher = Teacher.draw(case.problem)
    table = teacher.table(draw, case.rows)
    fresh = teacher.table(draw, FRESH_ROWS)
    parts = np.array_split(draw.permutation(case.rows), OUTER_FOLDS)
    answers = []
    for part in parts:
        is_test = np.zeros(case.rows, bool)
        is_test[part] = True
        train = Table(table.inputs[~is_test], table.targets[~is_test])
        test = Table(table.inputs[is_test], table.targets[is_test])
        answers.append(answer(train, test, fresh, case.problem, draw))
    return answers


Pool = Callable[[Sequence[Interval]], Interval]
OVERLAPPING = 1 / (OUTER_FOLDS - 1)  # n_test / n_train
EQUAL = np.full(OUTER_FOLDS, 1 / OUTER_FOLDS)


def _within(folds: Sequence[Interval], enlarged: float) -> Interval:
    """Variances over seeds and test rows, added up and enlarged."""
    mean = float(np.mean([fold.mean for fold in folds]))
    seeds = np.array([fold.seed_variance for fold in folds]) * enlarged / len(folds) ** 2
    rows = np.array([fold.row_variance for fold in folds]) * enlarged / len(folds) ** 2
    variance = float(seeds.sum() + rows.sum())
    uncertainty = float((seeds**2).sum()) / (SEEDS - 1)
    dof = variance**2 / uncertainty if uncertainty else math.inf
    return _symmetric(mean, variance, dof)


def _corrected_t(folds: Sequence[Interval]) -> Interval:
    means = np.array([fold.mean for fold in folds])
    variance = (1 / len(folds) + OVERLAPPING) * float(means.var(ddof=1))
    return _symmetric(float(means.mean()), variance, len(folds) - 1.0)


def _larger_of_two(folds: Sequence[Interval]) -> Interval:
    means = np.array([fold.mean for fold in folds])
    variance = between_folds(means, EQUAL)
    own = _symmetric(float(means.mean()), variance, len(folds) - 1.0)
    enlarged = _within(folds, 1 + OVERLAPPING)
    return max(own, enlarged, key=_width)


def _symmetric(mean: float, variance: float, dof: float) -> Interval:
    half = float(stats.t.ppf(0.975, dof)) * math.sqrt(variance)
    return Interval(mean, mean - half, mean + half)


def _width(entry: Interval) -> float:
    assert entry.low is not None
    assert entry.high is not None
    return entry.high - entry.low


CANDIDATES: dict[str, Pool] = {
    "single split": lambda folds: folds[0],
    "naive": lambda folds: _within(folds, 1.0),
    "enlarged": lambda folds: _within(folds, 1 + OVERLAPPING),
    "enlarged K times": lambda folds: _within(folds, 1 + OUTER_FOLDS * OVERLAPPING),
    "corrected t": _corrected_t,
    "larger of two": _larger_of_two,
    "as pooled": lambda folds: pool_intervals(folds, FoldWeights(EQUAL, OVERLAPPING), SEEDS),
}


def measure(case: Case) -> list[Finding]:
    """Return coverage, width and claims of every candidate in a case."""
    studies = [study(case, number) for number in range(STUDIES)]
    true = float(np.mean([fold.true for folds in studies for fold in folds]))
    if case.problem == "null":
        true = 0.0
    findings = [_finding(case, "true gain", Estimate(true, None, None))]
    for name, pool in CANDIDATES.items():
        pooled = [pool([fold.gain for fold in folds]) for folds in studies]
        held = [_holds(entry, true) for entry in pooled]
        findings.append(_finding(case, f"{name}: holds the truth", share_of_true(held)))
        own = []
        for entry, folds in zip(pooled, studies, strict=True):
            models = folds[:1] if name == "single split" else folds
            own.append(_holds(entry, float(np.mean([fold.true for fold in models]))))
        findings.append(_finding(case, f"{name}: holds its models' truth", share_of_true(own)))
        claims = [entry.sign != "spans" for entry in pooled]
        findings.append(_finding(case, f"{name}: leaves zero out", share_of_true(claims)))
        width = float(np.median([_width(entry) for entry in pooled]))
        findings.append(_finding(case, f"{name}: width", Estimate(width, None, None)))
    return findings


def _holds(entry: Interval, value: float) -> bool:
    assert entry.low is not None
    assert entry.high is not None
    return entry.low <= value <= entry.high


def _finding(case: Case, what: str, estimate: Estimate) -> Finding:
    return Finding(
        part=f"outer folds, {case.problem}",
        trainings=0,
        what=what,
        estimate=estimate,
        problems=STUDIES,
        rows=case.rows,
    )


def findings() -> list[Finding]:
    """Measure every case."""
    cases = [Case(problem, rows) for problem in RELATEDNESS for rows in ROWS]
    measured: list[Finding] = []
    for rows in side_by_side(measure, cases):
        measured += rows
    return measured
