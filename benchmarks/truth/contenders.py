"""How several sharing arms should stand for sharing, and what should be recommended.

    python -m benchmarks.truth.contenders FOLDER [REPLAYS]

FOLDER holds finished studies, each a folder with `study` and `answer.json`: name and seed of the
problem, and under `truth` per arm the test scores of fresh ensembles on other test rows. Rules are
compared by what they answer on the studies as they came out, and on REPLAYS of each: the same
validation evidence, with test results drawn around the true gains with the study's own variances
of seeds and test rows. All gains are in points of mean skill.
"""

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import softmax

from benchmarks.truth import harm
from benchmarks.truth.verdicts import BASELINE
from mtlsearch.arrays import Array
from mtlsearch.evidence.comparison import Comparison
from mtlsearch.evidence.contenders import Contender
from mtlsearch.evidence.ensemble import JackknifedScores
from mtlsearch.evidence.interval import Interval, centred_pseudo_values, interval
from mtlsearch.evidence.recommendation import Cost, Estimate, Option
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.evidence.verdict import Question, decide
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.study import Study

MARGIN = 1.0
DRAWS = 20_000  # of correlated normal numbers, for the quantile of their largest
ERROR = 0.05
DECISIONS = ("share", "do not share", "equal", "cannot tell")
ALL = (("all",),)  # tasks in one group
LEAST = 0.975  # probability that no arm without a gain is called better
NORMAL = 1.959964


@dataclass(frozen=True)
class ArmEvidence:
    """What is known of an arm's model beside the baseline's, and what is true of it.

    Attributes:
        arm: The name of the arm.
        values: One gain per seed, [S]: pseudo-values of the ensemble.
        resampled: The gain on each bootstrap sample of the test rows, [B].
        validation: The gain that is estimated from validation rows.
        true: The true gain.
        cost: What the model costs to use.
    """

    arm: str
    values: Array
    resampled: Array
    validation: Estimate
    true: float
    cost: Cost

    @property
    def gain(self) -> Interval:
        """The gain on test rows."""
        return interval(self.values.tolist(), self.resampled.tolist())


@dataclass(frozen=True)
class Kept:
    """A finished study: its sharing arms, and what the baseline costs."""

    name: str
    arms: Sequence[ArmEvidence]
    cost: Cost

    @property
    def values(self) -> Array:
        """The gain of every arm and seed, [A, S]."""
        rows = [evidence.values for evidence in self.arms]
        return np.stack(rows)

    @property
    def resampled(self) -> Array:
        """The gain of every arm on every bootstrap sample, [A, B]."""
        rows = [evidence.resampled for evidence in self.arms]
        return np.stack(rows)

    @property
    def gains(self) -> list[Interval]:
        """The gain of every arm."""
        return [evidence.gain for evidence in self.arms]

    @property
    def true(self) -> dict[str, float]:
        """The true gains by arm."""
        return {evidence.arm: evidence.true for evidence in self.arms}


@dataclass(frozen=True)
class Answer:
    """A decision, the arm that it is about, and the arm that is recommended."""

    decision: str
    arm: str
    recommended: str = BASELINE


Rule = Callable[[Kept], Answer]


def read(home: Path) -> Kept:
    """Read a finished study. Raises KeyError for a problem that is not known."""
    answer = json.loads((home / "answer.json").read_text())
    dataset = harm.posed(answer["name"], answer["seed"]).dataset
    analysis = Analysis(Study.open(home / "study"), dataset)
    scales = SkillScales.on_test_rows(dataset)
    costs = {}
    for model in analysis.confirmed:
        result = model.trainings[0].result
        costs[model.arm] = Cost(result.macs_per_example, result.parameters)
    validation = {pick.arm: _validation(analysis, pick.arm) for pick in analysis.picks}
    baseline = _jackknifed(analysis, BASELINE)
    arms = []
    for arm, estimate in validation.items():
        if arm == BASELINE:
            continue
        ours = _jackknifed(analysis, arm)
        whole = scales.gain(ours.test.scores, baseline.test.scores)
        without = _differences(scales, ours.without, baseline.without)
        true = _differences(scales, answer["truth"][arm], answer["truth"][BASELINE])
        resampled = _differences(scales, ours.test.samples(), baseline.test.samples())
        reference = validation[BASELINE]
        evidence = ArmEvidence(
            arm=arm,
            values=np.array(centred_pseudo_values(whole, without)),
            resampled=np.array(resampled),
            validation=Estimate(
                estimate.gain - reference.gain,
                math.hypot(estimate.deviation, reference.deviation),
            ),
            true=float(np.mean(true)),
            cost=costs[arm],
        )
        arms.append(evidence)
    return Kept(home.name, arms, costs[BASELINE])


def _validation(analysis: Analysis, arm: str) -> Estimate:
    """The skill of an arm's pick that is estimated from validation rows."""
    affinity = analysis.affinity
    assert affinity is not None
    [composition] = [pick.composition for pick in analysis.picks if pick.arm == arm]
    scores: dict[str, float] = {}
    deviations: dict[str, float] = {}
    for component in composition:
        scores |= affinity.scores(component)
        deviations |= affinity.deviations(component)
    scales = analysis.search_scales
    return Estimate(scales.mean(scores), scales.deviation(deviations))


def _jackknifed(analysis: Analysis, arm: str) -> JackknifedScores:
    seeds = range(analysis.study.seeds)
    scores = analysis._jackknifed(arm, tuple(seeds))
    assert isinstance(scores, JackknifedScores)
    return scores


def _differences(
    scales: SkillScales,
    ours: Iterable[Mapping[str, float]],
    baseline: Iterable[Mapping[str, float]],
) -> list[float]:
    pairs = zip(ours, baseline, strict=True)
    return [scales.gain(scores, others) for scores, others in pairs]


def replay(kept: Kept, draw: np.random.Generator) -> Kept:
    """Draw other test results: the true gains, with errors of seeds and of test rows."""
    centres = kept.resampled.mean(axis=1, keepdims=True)
    rows = kept.resampled - centres
    arms, seeds = kept.values.shape
    errors = draw.multivariate_normal(
        np.zeros(arms),
        np.cov(kept.values),
        size=seeds,
    )
    sample = draw.integers(rows.shape[1])
    drawn = []
    for number, evidence in enumerate(kept.arms):
        centre = evidence.true + rows[number, sample]
        values = centre + errors[:, number]
        other = replace(
            evidence,
            values=values,
            resampled=rows[number] + values.mean(),
        )
        drawn.append(other)
    return replace(kept, arms=drawn)


def best_by_validation(kept: Kept) -> Answer:
    """The rule of the program."""
    contenders = []
    options = [Option(BASELINE, kept.cost)]
    for evidence in kept.arms:
        gain = evidence.gain
        seeds = len(evidence.values)
        comparison = Comparison(evidence.arm, {}, {}, gain, relative=gain, seeds=seeds)
        contender = Contender(
            comparison,
            evidence.validation.gain,
            groups=ALL,
            phrase=evidence.arm,
        )
        option = Option(
            evidence.arm,
            evidence.cost,
            gain,
            evidence.validation,
        )
        contenders.append(contender)
        options.append(option)
    question = Question(
        BASELINE,
        pretraining_control="",
        margin=MARGIN,
        options=options,
    )
    verdict = decide(contenders, question)
    assert verdict is not None
    return Answer(
        verdict.decision,
        verdict.arm,
        verdict.recommended,
    )


def pooled(kept: Kept) -> Answer:
    """One gain: the mean over arms, weighted by validation evidence."""
    scores = []
    for evidence in kept.arms:
        estimate = evidence.validation
        scores.append(estimate.gain / estimate.deviation)
    weights = softmax(scores)
    values = weights @ kept.values
    resampled = weights @ kept.resampled
    gain = interval(values.tolist(), resampled.tolist())
    heaviest = int(weights.argmax())
    return Answer(
        _decision([gain], wider=1.0),
        kept.arms[heaviest].arm,
    )


def largest(kept: Kept) -> Answer:
    """All arms jointly: the largest t statistic, corrected by how the arms' gains correlate."""
    seeds = kept.values.shape[1]
    of_seeds = np.cov(kept.values) / seeds
    of_rows = np.cov(kept.resampled)
    covariance = of_seeds + of_rows
    draw = np.random.default_rng(0)
    numbers = draw.multivariate_normal(
        np.zeros(len(kept.arms)),
        covariance,
        size=DRAWS,
    )
    numbers /= np.sqrt(np.diag(covariance))
    maxima = numbers.max(axis=1)
    quantile = float(np.quantile(maxima, LEAST))
    return _surest(kept, quantile / NORMAL)


def bonferroni(kept: Kept) -> Answer:
    """All arms jointly, corrected for their number alone: the first step of Holm's."""
    error = ERROR / len(kept.arms)
    ratios = []
    for gain in kept.gains:
        corrected = _half_width(gain.at(1 - error))
        ratios.append(corrected / _half_width(gain))
    return _surest(kept, max(ratios))


def _surest(kept: Kept, wider: float) -> Answer:
    """The answer of intervals that are so many times as wide, by the arm that is surest."""
    sure = []
    for gain in kept.gains:
        sure.append(gain.mean / _half_width(gain))
    best = int(np.argmax(sure))
    decision = _decision(kept.gains, wider)
    return Answer(decision, kept.arms[best].arm)


def _half_width(gain: Interval) -> float:
    assert gain.low is not None
    return gain.mean - gain.low


def _decision(gains: Sequence[Interval], wider: float) -> str:
    """Sharing needs one corrected interval above zero, all else every interval."""
    if all(gain.within(MARGIN) for gain in gains):
        return "equal"
    if all(gain.sign == "below" for gain in gains):
        return "do not share"
    for gain in gains:
        if gain.mean > wider * _half_width(gain):
            return "share"
    return "cannot tell"


RULES: dict[str, Rule] = {
    "best by validation": best_by_validation,
    "pooled": pooled,
    "max-T": largest,
    "Bonferroni": bonferroni,
}


def _is_false(answer: Answer, kept: Kept) -> bool:
    """Whether what is claimed is not true."""
    true = kept.true
    if answer.decision == "share":
        return true[answer.arm] < 0
    if answer.decision == "do not share":
        return max(true.values()) > 0
    if answer.decision == "equal":
        return abs(true[answer.arm]) > MARGIN
    return False


def describe(rule: Rule, studies: Sequence[Kept]) -> str:
    """Return what a rule answers on studies: power, decisions and those that are false."""
    decisions = []
    falsehoods = []
    matters = []
    for kept in studies:
        answer = rule(kept)
        decisions.append(answer.decision)
        if _is_false(answer, kept):
            falsehoods.append(answer.decision)
        if max(kept.true.values()) >= MARGIN:
            matters.append(answer.decision == "share")
    parts = []
    if matters:
        power = np.mean(matters)
        parts.append(f"share where {MARGIN:g} point is to be had {power:.1%}")
    for decision in DECISIONS:
        share = decisions.count(decision) / len(studies)
        false = falsehoods.count(decision) / len(studies)
        parts.append(f"{decision} {share:.1%} (false {false:.1%})")
    return "; ".join(parts)


def policies(studies: Sequence[Kept]) -> dict[str, list[float]]:
    """Return by policy the true gain on each study of the model that it takes."""
    gains: dict[str, list[float]] = {
        "recommended": [],
        "best by validation": [],
        "share_all": [],
    }
    for kept in studies:
        true = kept.true
        answer = best_by_validation(kept)
        recommended = true.get(answer.recommended, 0.0)
        gains["recommended"].append(recommended)
        gains["best by validation"].append(true[answer.arm])
        gains["share_all"].append(true["share_all"])
    return gains


def main(folder: str, replays: str = "200") -> None:
    """Print what rules and policies come to."""
    studies = []
    for path in sorted(Path(folder).glob("*/answer.json")):
        studies.append(read(path.parent))
    draw = np.random.default_rng(0)
    drawn = []
    for kept in studies:
        for _ in range(int(replays)):
            drawn.append(replay(kept, draw))
    _print("studies as they came out", studies)
    _print("replays", drawn)


def _print(title: str, studies: Sequence[Kept]) -> None:
    print(len(studies), title)
    for name, rule in RULES.items():
        print(f"  {name}: {describe(rule, studies)}")
    for policy, gains in policies(studies).items():
        mean = np.mean(gains)
        below = np.mean(np.array(gains) < -MARGIN)
        print(f"  true gain of {policy}: {mean:+.2f} points; below -1: {below:.1%}")


if __name__ == "__main__":
    main(*sys.argv[1:])
