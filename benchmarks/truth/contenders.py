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

from benchmarks.truth import harm, verdicts
from benchmarks.truth.verdicts import BASELINE
from mtlsearch.arrays import Array
from mtlsearch.data import TEST, Dataset
from mtlsearch.evidence.comparison import Comparison
from mtlsearch.evidence.contenders import Contender
from mtlsearch.evidence.ensemble import JackknifedScores
from mtlsearch.evidence.interval import Interval, centred_pseudo_values, interval
from mtlsearch.evidence.recommendation import Cost, Estimate, Option
from mtlsearch.evidence.verdict import Question, decide
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.study import Study
from mtlsearch.tasks import has_label, scored

MARGIN = 1.0
DRAWS = 20_000  # of correlated normal numbers, for the quantile of their largest
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
    name = answer["name"]
    make = verdicts.problem if name in verdicts.GROUPS else harm.problem
    dataset = make(name, answer["seed"]).dataset
    analysis = Analysis(Study.open(home / "study"), dataset)
    skill = _skill_of(dataset)
    costs = {}
    for model in analysis.confirmed:
        result = model.trainings[0].result
        costs[model.arm] = Cost(result.macs_per_example, result.parameters)
    validation = {pick.arm: _validation(analysis, pick.arm, skill) for pick in analysis.picks}
    baseline = _jackknifed(analysis, BASELINE)
    arms = []
    for arm, estimate in validation.items():
        if arm == BASELINE:
            continue
        ours = _jackknifed(analysis, arm)
        whole = skill(ours.test.scores) - skill(baseline.test.scores)
        without = _differences(skill, ours.without, baseline.without)
        true = _differences(skill, answer["truth"][arm], answer["truth"][BASELINE])
        resampled = _differences(skill, ours.test.samples(), baseline.test.samples())
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


Skill = Callable[[Mapping[str, float]], float]


def _skill_of(dataset: Dataset) -> Skill:
    """The mean skill of scores: 100 for the best there is, 0 for the best constant."""
    scales = {}
    for task in scored(dataset.tasks):
        role = dataset.sources[task.source].splits.role
        labels = dataset.targets[task.name][role != TEST]
        constant = task.constant_score(labels[has_label(labels)])
        best = task.metric.possible(math.inf * task.metric.sign)
        scales[task.name] = (constant, best)

    def skill(scores: Mapping[str, float]) -> float:
        shares = []
        for name, (constant, best) in scales.items():
            shares.append((scores[name] - constant) / (best - constant))
        return 100.0 * float(np.mean(shares))

    return skill


def _validation(analysis: Analysis, arm: str, skill: Skill) -> Estimate:
    """The skill of an arm's pick that is estimated from validation rows."""
    affinity = analysis.affinities[arm]
    assert affinity is not None
    [composition] = [pick.composition for pick in analysis.picks if pick.arm == arm]
    scores: dict[str, float] = {}
    deviations: dict[str, float] = {}
    for component in composition:
        scores |= affinity.scores(component)
        deviations |= affinity.deviations(component)
    steps = []
    for task, deviation in deviations.items():
        moved = skill(scores | {task: scores[task] + deviation})
        steps.append(moved - skill(scores))
    return Estimate(skill(scores), math.hypot(*steps))


def _jackknifed(analysis: Analysis, arm: str) -> JackknifedScores:
    seeds = range(analysis.study.request.seeds)
    scores = analysis._jackknifed(arm, tuple(seeds))
    assert isinstance(scores, JackknifedScores)
    return scores


def _differences(
    skill: Skill,
    ours: Iterable[Mapping[str, float]],
    baseline: Iterable[Mapping[str, float]],
) -> list[float]:
    return [skill(scores) - skill(others) for scores, others in zip(ours, baseline, strict=True)]


def replay(kept: Kept, draw: np.random.Generator) -> Kept:
    """Draw other test results: the true gains, with errors of seeds and of test rows."""
    values = np.stack([evidence.values for evidence in kept.arms])
    rows = np.stack([evidence.resampled for evidence in kept.arms])
    true = np.array([evidence.true for evidence in kept.arms])
    rows = rows - rows.mean(axis=1, keepdims=True)
    centred = values - values.mean(axis=1, keepdims=True)
    seeds = values.shape[1]
    covariance = centred @ centred.T / (seeds - 1)
    errors = draw.multivariate_normal(np.zeros(len(true)), covariance, size=seeds).T
    chosen = rows[:, draw.integers(rows.shape[1])]
    drawn = (true + chosen)[:, None] + errors
    arms = []
    for number, evidence in enumerate(kept.arms):
        resampled = rows[number] + drawn[number].mean()
        arms.append(replace(evidence, values=drawn[number], resampled=resampled))
    return replace(kept, arms=arms)


def best_by_validation(kept: Kept) -> Answer:
    """The rule of the program."""
    contenders = []
    options = [Option(BASELINE, kept.cost)]
    for evidence in kept.arms:
        gain = evidence.gain
        comparison = Comparison(evidence.arm, {}, gain, len(evidence.values))
        groups = [["all"]]
        contenders.append(Contender(comparison, evidence.validation.gain, groups, evidence.arm))
        options.append(Option(evidence.arm, evidence.cost, gain, evidence.validation))
    verdict = decide(contenders, Question(BASELINE, "", MARGIN, options))
    assert verdict is not None
    return Answer(verdict.decision, verdict.arm, verdict.recommended)


def pooled(kept: Kept) -> Answer:
    """One gain: the mean over arms, weighted by validation evidence."""
    estimates = [evidence.validation for evidence in kept.arms]
    scores = np.array([estimate.gain / max(estimate.deviation, 0.1) for estimate in estimates])
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    values = weights @ np.stack([evidence.values for evidence in kept.arms])
    resampled = weights @ np.stack([evidence.resampled for evidence in kept.arms])
    gain = interval(values.tolist(), resampled.tolist())
    arm = kept.arms[int(weights.argmax())].arm
    return Answer(_decision([gain], 1.0), arm)


def largest(kept: Kept) -> Answer:
    """All arms jointly: the largest t statistic, corrected by how the arms' gains correlate."""
    together = np.stack([evidence.values for evidence in kept.arms])
    rows = np.stack([evidence.resampled for evidence in kept.arms])
    covariance = np.cov(together) / together.shape[1] + np.cov(rows)
    draw = np.random.default_rng(0)
    numbers = draw.multivariate_normal(np.zeros(len(rows)), covariance, size=DRAWS)
    numbers /= np.sqrt(np.diag(covariance))
    wider = float(np.quantile(numbers.max(axis=1), LEAST)) / NORMAL
    gains = [evidence.gain for evidence in kept.arms]
    sure = [gain.mean / _half_width(gain) for gain in gains]
    return Answer(_decision(gains, wider), kept.arms[int(np.argmax(sure))].arm)


def holm(kept: Kept) -> Answer:
    """All arms jointly, corrected for their number alone (Bonferroni is Holm's first step)."""
    gains = [evidence.gain for evidence in kept.arms]
    sure = [gain.mean / _half_width(gain) for gain in gains]
    best = int(np.argmax(sure))
    corrected = gains[best].at(0.05 / len(gains))
    wider = _half_width(corrected) / _half_width(gains[best])
    return Answer(_decision(gains, wider), kept.arms[best].arm)


def _half_width(gain: Interval) -> float:
    assert gain.low is not None
    return gain.mean - gain.low


def _decision(gains: Sequence[Interval], wider: float) -> str:
    """Sharing needs one corrected interval above zero, all else every interval."""
    if all(gain.within(MARGIN) for gain in gains):
        return "equal"
    if all(gain.sign == "below" for gain in gains):
        return "do not share"
    if any(gain.mean > wider * _half_width(gain) for gain in gains):
        return "share"
    return "cannot tell"


RULES: dict[str, Rule] = {
    "best by validation": best_by_validation,
    "pooled": pooled,
    "max-T": largest,
    "Holm": holm,
}


def _is_false(answer: Answer, kept: Kept) -> bool:
    """Whether what is claimed is not true."""
    true = {evidence.arm: evidence.true for evidence in kept.arms}
    if answer.decision == "share":
        return true[answer.arm] < 0
    if answer.decision == "do not share":
        return max(true.values()) > 0
    return answer.decision == "equal" and abs(true[answer.arm]) > MARGIN


def describe(rule: Rule, studies: Sequence[Kept]) -> str:
    """Return what a rule answers on studies: power, decisions and those that are false."""
    answers = [(rule(kept), kept) for kept in studies]
    matters = [
        answer.decision == "share"
        for answer, kept in answers
        if max(evidence.true for evidence in kept.arms) >= MARGIN
    ]
    power = f"{np.mean(matters):.1%}" if matters else "-"
    text = f"share where {MARGIN:g} point is to be had {power}"
    for decision in ("share", "do not share", "equal", "cannot tell"):
        given = [_is_false(*pair) for pair in answers if pair[0].decision == decision]
        text += f"; {decision} {len(given) / len(answers):.1%}"
        if decision != "cannot tell":
            text += f" (false {sum(given) / len(answers):.1%})"
    return text


def policies(studies: Sequence[Kept]) -> dict[str, list[float]]:
    """Return by policy the true gain on each study of the model that it takes."""
    gains: dict[str, list[float]] = {"recommended": [], "best by validation": [], "share_all": []}
    for kept in studies:
        true = {evidence.arm: evidence.true for evidence in kept.arms}
        best = max(kept.arms, key=lambda evidence: evidence.validation.gain)
        recommended = best_by_validation(kept).recommended
        gains["recommended"].append(true.get(recommended, 0.0))
        gains["best by validation"].append(best.true)
        gains["share_all"].append(true["share_all"])
    return gains


def main(folder: str, replays: str = "200") -> None:
    """Print what rules and policies come to."""
    homes = sorted(path.parent for path in Path(folder).glob("*/answer.json"))
    studies = [read(home) for home in homes]
    draw = np.random.default_rng(0)
    drawn = [replay(kept, draw) for kept in studies for _ in range(int(replays))]
    for title, group in (("as they came out", studies), ("replays", drawn)):
        print(f"{len(group)} studies, {title}")
        for name, rule in RULES.items():
            print(f"  {name}: {describe(rule, group)}")
        for policy, gains in policies(group).items():
            below = np.mean(np.array(gains) < -MARGIN)
            print(f"  true gain of {policy}: {np.mean(gains):+.2f}; below -1: {below:.1%}")


if __name__ == "__main__":
    main(*sys.argv[1:])
