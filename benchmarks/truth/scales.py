"""What skill does to the intervals: the same trainings, judged by relative gain and by skill.

    python -m benchmarks.truth scales          two fixed structures on planted problems
    python -m benchmarks.truth.scales FOLDER   studies that are finished already

On planted problems one trunk and separate networks with the same settings are trained with 5 seeds,
and with 20 more for the truth on 5,000 other test rows. Errors are judged as rmse and as r2. FOLDER
holds a folder per study with `study` and `answer.json`: name and seed of the problem, and under
`truth` the scores of fresh ensembles of each arm's model.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import publish
from benchmarks.truth import harm, verdicts
from benchmarks.truth.experiment import FOREST, FRESH, Scores, side_by_side, space
from benchmarks.truth.finding import COLUMNS, Estimate, Finding, ratio_of_sums, share_of_true
from benchmarks.truth.verdicts import BASELINE, ROWS, Problem
from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, OptimizerSettings
from mtlsearch.data import Dataset
from mtlsearch.evidence.comparison import Comparison, compare_ensembles
from mtlsearch.evidence.ensemble import JackknifedScores, Predictions, jackknife, mean_prediction
from mtlsearch.evidence.interval import Interval, interval
from mtlsearch.evidence.relative_gain import mean_relative_gain
from mtlsearch.evidence.scoring import TestScorer
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.study import Study
from mtlsearch.sharing import NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks.metrics import R2, RMSE, Metric
from mtlsearch.training.engine import Engine
from mtlsearch.training.training_data import TrainingData
from mtlsearch.weightings import Fixed

RELATIVE = "relative gain, %"
SKILL = "mean skill, points"
NOISE = "one group, one noise"
UNRELATED = "unrelated"  # with a task of noise in every other problem
FIXED = (UNRELATED, *harm.PLANTED)
COPIES = 3
SEEDS = 5  # of an ensemble
TRUE_ENSEMBLES = 4
ANSWER = "answer.json"
Case = tuple[str, int]  # the name of a problem and its seed
SETTINGS = OptimizerSettings(learning_rate=3e-3)


@dataclass(frozen=True)
class Judged:
    """A comparison by one convention: the interval of the study, and the true gain."""

    convention: str
    confirmed: Interval
    true: Interval

    @property
    def width(self) -> float:
        """The width of the interval."""
        assert self.confirmed.low is not None and self.confirmed.high is not None
        return self.confirmed.high - self.confirmed.low

    @property
    def claims(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.confirmed.sign != "spans"

    @property
    def is_wrong(self) -> bool:
        """Whether something is claimed that is not so: the true gain is surely not there."""
        return self.claims and self.true.sign != self.confirmed.sign

    @property
    def holds_the_truth(self) -> bool:
        """Whether the interval holds the true gain."""
        assert self.confirmed.low is not None and self.confirmed.high is not None
        return self.confirmed.low <= self.true.mean <= self.confirmed.high


def judge(
    problem: Problem,
    comparison: Comparison,
    sharing: Scores,
    single: Scores,
) -> list[Judged]:
    """Judge a comparison by both conventions.

    Args:
        problem: What it was made on.
        comparison: What a study says.
        sharing: The true scores of ensembles of the sharing model.
        single: Those of the baseline's.
    """
    tasks = problem.dataset.tasks
    reference = {}
    for task in tasks:
        reference[task.name] = float(np.mean([scores[task.name] for scores in single]))
    relative = []
    for ours, theirs in zip(sharing, single, strict=True):
        gain = mean_relative_gain(tasks, ours, reference)
        relative.append(gain - mean_relative_gain(tasks, theirs, reference))
    skill = verdicts.true_gain(SkillScales.on_test_rows(problem.for_truth), sharing, single)
    return [
        Judged(RELATIVE, comparison.relative, interval(relative)),
        Judged(SKILL, comparison.gain, skill),
    ]


def findings() -> list[Finding]:
    """Return the findings on planted problems, errors as rmse and as r2."""
    cases = [(name, seed) for seed in range(COPIES) for name in FIXED]
    answers = side_by_side(_fixed_structures, cases)
    return planted_findings(dict(zip(cases, answers, strict=True)))


def planted_findings(answers: Mapping[Case, Sequence[Sequence[Judged]]]) -> list[Finding]:
    """Return the findings on answers with errors as rmse and, in the second place, as r2."""
    table = []
    for position, metric in enumerate((RMSE, R2)):
        everything: list[Judged] = []
        with_noise: list[Judged] = []
        for case, answer in answers.items():
            everything += answer[position]
            if _has_noise(case):
                with_noise += answer[position]
        table += summary(f"planted, {metric.name}", everything)
        table += summary(f"planted with a noise task, {metric.name}", with_noise)
    return table


def _has_noise(case: Case) -> bool:
    name, seed = case
    return name == NOISE or (name == UNRELATED and seed % 2 == 1)


def kept_findings(folder: Path) -> list[Finding]:
    """Return the findings on the finished studies of a folder."""
    planted = []
    embedded = []
    for home in sorted(folder.iterdir()):
        if not (home / ANSWER).exists():
            continue
        answer = json.loads((home / ANSWER).read_text())
        judged = list(_kept(home, answer))
        if answer["name"] in harm.EMBEDDED:
            embedded += judged
        else:
            planted += judged
    table = []
    for name, judged in (("planted studies", planted), ("embedded studies", embedded)):
        if judged:
            table += summary(name, judged)
    return table


def summary(what: str, judged: Sequence[Judged]) -> list[Finding]:
    """Return what intervals are worth by each convention.

    Their width is in units of the mean size of the true gains, which have the same unit.
    """
    table = []
    for convention in (RELATIVE, SKILL):
        entries = [entry for entry in judged if entry.convention == convention]
        real = [entry for entry in entries if entry.true.sign != "spans"]
        widths = np.array([entry.width for entry in entries])
        sizes = np.array([abs(entry.true.mean) for entry in entries])
        found = [entry.claims and not entry.is_wrong for entry in real]
        wrong = [entry.is_wrong for entry in entries]
        held = [entry.holds_the_truth for entry in entries]
        rows = {
            "mean width": (_mean(widths), len(entries)),
            "width / mean true gain": (ratio_of_sums(widths, sizes), len(entries)),
            "false claims": (share_of_true(wrong), len(entries)),
            "interval holds the true gain": (share_of_true(held), len(entries)),
        }
        if real:
            rows["real gains that are claimed"] = (share_of_true(found), len(real))
        for name, (estimate, count) in rows.items():
            named = f"{what}, {convention}: {name}"
            table.append(
                Finding(
                    "scales",
                    0,
                    named,
                    estimate,
                    count,
                    ROWS,
                )
            )
    return table


def _mean(values: np.ndarray) -> Estimate:
    found = interval(values.tolist())
    return Estimate(
        found.mean,
        found.low,
        found.high,
    )


def _kept(home: Path, answer: Mapping[str, Any]) -> Iterator[Judged]:
    """The comparisons of all sharing arms of a finished study, and what is true of them."""
    problem = harm.posed(answer["name"], answer["seed"])
    truth = answer["truth"]
    analysis = Analysis(Study.open(home / "study"), problem.dataset)
    for arm, comparison in analysis.ensemble_comparisons.items():
        assert isinstance(comparison, Comparison)
        yield from judge(
            problem,
            comparison,
            truth[arm],
            truth[BASELINE],
        )


def _fixed_structures(case: Case) -> list[list[Judged]]:
    """One trunk against separate networks, with errors as rmse and as r2."""
    problem = harm.posed(*case)
    trained = _predictions(problem)
    judged = []
    for metric in (RMSE, R2):
        scored = Problem(*(_with_metric(dataset, metric) for dataset in problem))
        judged.append(_judge_predictions(scored, *trained))
    return judged


def _with_metric(dataset: Dataset, metric: Metric) -> Dataset:
    """The dataset with this metric for its regressions."""
    tasks = []
    for task in dataset.tasks:
        is_regression = metric in task.kind.metrics
        tasks.append(replace(task, metric=metric) if is_regression else task)
    return replace(dataset, tasks=tuple(tasks))


def _predictions(problem: Problem) -> tuple[list[Predictions], list[Predictions]]:
    """What one trunk and separate networks predict for all test rows, seed by seed."""
    dataset = problem.for_truth
    tasks = len(dataset.tasks)
    searched = space(tasks, 2)
    jobs: list[TrainingJob] = []
    seeds = SEEDS * (1 + TRUE_ENSEMBLES)
    for tree in (SharingTree.shared(tasks, 2), SharingTree.separate(tasks, 2)):
        candidate = Candidate(
            tree,
            Mlp(32),
            NoSharing(),
            Fixed(),
            SETTINGS,
        )
        for seed in range(seeds):
            replicate = Replicate("confirmation", FRESH + seed)
            jobs.append(
                TrainingJob(
                    len(jobs),
                    candidate.composition(),
                    replicate,
                    seed=0,
                )
            )
    data = TrainingData(dataset, 0, torch.device("cpu"))
    by_number = {}
    for result in Engine(data, searched.training, FOREST.trainer, FOREST.chunk).train(jobs):
        if result:
            by_number[result.number] = result.predictions
    in_order = [by_number[number] for number in range(len(jobs))]
    return in_order[:seeds], in_order[seeds:]


def _judge_predictions(
    problem: Problem,
    sharing: Sequence[Predictions],
    single: Sequence[Predictions],
) -> list[Judged]:
    """Judge the ensembles of the first seeds by those of the others."""
    comparison = compare_ensembles(
        "share_all",
        _jackknifed(problem, sharing),
        _jackknifed(problem, single),
        SkillScales.on_test_rows(problem.dataset),
    )
    return judge(
        problem,
        comparison,
        _true_scores(problem, sharing),
        _true_scores(problem, single),
    )


def _jackknifed(problem: Problem, models: Sequence[Predictions]) -> JackknifedScores:
    """The test scores of the ensemble that a study would have."""
    members = [_first_rows(model) for model in models[:SEEDS]]
    scores = jackknife(members, TestScorer(problem.dataset, 0))
    assert isinstance(scores, JackknifedScores)
    return scores


def _true_scores(problem: Problem, models: Sequence[Predictions]) -> Scores:
    """The scores of ensembles of the other seeds on all test rows."""
    scorer = TestScorer(problem.for_truth, 0)
    scores = []
    for first in range(SEEDS, len(models), SEEDS):
        ensemble = mean_prediction(models[first : first + SEEDS])
        scores.append(dict(scorer.score_all_rows(ensemble)))
    return scores


def _first_rows(predictions: Predictions) -> Predictions:
    """The predictions for the test rows that a study has."""
    return {name: values[: verdicts.TEST_ROWS] for name, values in predictions.items()}


if __name__ == "__main__":
    publish("truth-scales-kept", COLUMNS, [row.cells() for row in kept_findings(Path(sys.argv[1]))])
