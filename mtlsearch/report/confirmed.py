"""The confirmed models: their test scores over fresh seeds, and how they compare."""

import math
from collections.abc import Sequence

import numpy as np

from mtlsearch.evidence.comparison import Comparison
from mtlsearch.evidence.ensemble import Ensemble, NoEnsemble
from mtlsearch.evidence.interval import standard_error
from mtlsearch.evidence.verdict import Verdict
from mtlsearch.report.components import report_composition
from mtlsearch.report.model import (
    EnsembleScore,
    ReportedComparison,
    ReportedEnsemble,
    ReportedGain,
    ReportedInterval,
    ReportedMetric,
    ReportedModel,
    ReportedVerdict,
    SeedLeftOut,
    TaskDifference,
)
from mtlsearch.search.analysis import Confirmed
from mtlsearch.search.arms import BASELINE
from mtlsearch.search.tested_models import TestedModel
from mtlsearch.tasks import Metric, Task


def report_model(
    confirmed: Confirmed,
    ensemble: Ensemble | NoEnsemble,
    tasks: Sequence[Task],
) -> ReportedModel:
    """Report a pick with its test scores, seed by seed, and its ensemble."""
    names = [task.name for task in tasks]
    pick = confirmed.pick
    first_result = confirmed.trainings[0].result
    test = {name: tuple(confirmed.scores(name)) for name in names}
    return ReportedModel(
        arm=pick.arm,
        candidate=pick.candidate,
        tree=pick.composition.spell(names),
        composition=report_composition(pick.composition, names),
        parameters=first_result.parameters,
        macs_per_example=first_result.macs_per_example,
        validation_gain=pick.validation_gain,
        test=test,
        mean={name: float(np.mean(scores)) for name, scores in test.items()},
        standard_error={name: standard_error(scores) for name, scores in test.items()},
        ensemble=report_ensemble(confirmed, ensemble, tasks),
    )


def report_ensemble(
    confirmed: Confirmed,
    ensemble: Ensemble | NoEnsemble,
    tasks: Sequence[Task],
) -> ReportedEnsemble:
    """Report the ensemble of a model's seeds, or why there is none, and which seeds it lacks."""
    left_out = tuple(SeedLeftOut(seed, reason) for seed, reason in confirmed.left_out.items())
    if isinstance(ensemble, NoEnsemble):
        return ReportedEnsemble(
            seeds=(),
            left_out=left_out,
            tasks={},
            gain=None,
            reason=ensemble.reason,
        )
    return ReportedEnsemble(
        seeds=tuple(confirmed.by_seed),
        left_out=left_out,
        tasks={task.name: _ensemble_score(ensemble, task) for task in tasks},
        gain=ReportedInterval.of(ensemble.gain),
        reason=None,
    )


def _ensemble_score(ensemble: Ensemble, task: Task) -> EnsembleScore:
    """The score of a task; its interval ends at the best score there is."""
    interval = ensemble.scores[task.name]
    possible = task.metric.possible
    return EnsembleScore(
        single=ensemble.single.scores[task.name],
        score=interval.mean,
        low=None if interval.low is None else possible(interval.low),
        high=None if interval.high is None else possible(interval.high),
        gain=ReportedInterval.of(ensemble.task_gains[task.name]),
    )


def report_test_metrics(
    models: Sequence[TestedModel],
    tasks: Sequence[Task],
) -> list[ReportedMetric]:
    """Report the confirmed models in all metrics of each task's kind, task by task."""
    by_arm = {model.confirmed.arm: model.metrics for model in models}
    entries = []
    for task in tasks:
        for metric in task.kind.metrics:
            for arm, trainings in by_arm.items():
                scores = [training[task.name][metric.name] for training in trainings]
                entries.append(_metric_entry(arm, task, metric, scores))
    return entries


def _metric_entry(
    arm: str,
    task: Task,
    metric: Metric,
    scores: Sequence[float],
) -> ReportedMetric:
    is_complete = bool(np.isfinite(scores).all())
    return ReportedMetric(
        arm=arm,
        task=task.name,
        metric=metric.name,
        higher_is_better=metric.higher_is_better,
        decides=metric == task.metric,
        test=tuple(score if math.isfinite(score) else None for score in scores),
        mean=float(np.mean(scores)) if is_complete else None,
        standard_error=standard_error(scores) if is_complete else None,
    )


def report_comparison(comparison: Comparison, tasks: Sequence[Task]) -> ReportedComparison:
    """Report a comparison with the baseline.

    Its differences are in the metric's own direction, where those of evidence are improvements.
    """
    differences = {}
    for task in tasks:
        improvement = ReportedInterval.of(comparison.differences[task.name])
        higher_is_better = task.metric.higher_is_better
        difference = improvement if higher_is_better else improvement.flipped
        differences[task.name] = TaskDifference(difference, comparison.result(task.name))
    gain = ReportedInterval.of(comparison.gain)
    return ReportedComparison(
        arm=comparison.arm,
        baseline=BASELINE,
        models=comparison.models,
        seeds=comparison.seeds,
        tasks=differences,
        gain=ReportedGain(maninis=gain, nash_mtl=gain.flipped),
    )


def report_verdict(verdict: Verdict | None) -> ReportedVerdict | None:
    """Report the verdict, where there is one."""
    if verdict is None:
        return None
    return ReportedVerdict(
        decision=verdict.decision,
        sentence=verdict.sentence,
        arm=verdict.arm,
        recommended=verdict.recommended,
        models=verdict.models,
        remark=verdict.remark,
    )
