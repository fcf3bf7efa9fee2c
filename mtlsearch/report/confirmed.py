"""The confirmed models: their test scores over fresh seeds, and how they compare."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mtlsearch.evidence.advice import Advice
from mtlsearch.evidence.comparison import Comparison
from mtlsearch.evidence.ensemble import Ensemble, NoEnsemble
from mtlsearch.evidence.interval import standard_error
from mtlsearch.evidence.skill import SkillScale, SkillScales
from mtlsearch.evidence.verdict import Verdict
from mtlsearch.report.components import report_composition
from mtlsearch.report.model import (
    EnsembleScore,
    ReportedAdvice,
    ReportedComparison,
    ReportedEnsemble,
    ReportedInterval,
    ReportedMetric,
    ReportedModel,
    ReportedRelativeGain,
    ReportedVerdict,
    SeedLeftOut,
    TaskDifference,
)
from mtlsearch.search.arms import BASELINE
from mtlsearch.search.confirmed_models import Confirmed
from mtlsearch.search.tested_models import TestedModel
from mtlsearch.tasks import Metric, Task


def report_model(
    confirmed: Confirmed,
    ensemble: Ensemble | NoEnsemble,
    scales: SkillScales,
) -> ReportedModel:
    """Report a pick with its test scores, seed by seed, and its ensemble."""
    names = [task.name for task in scales.tasks]
    pick = confirmed.pick
    first_result = confirmed.trainings[0].result
    test = {name: tuple(confirmed.scores(name)) for name in names}
    return ReportedModel(
        arm=pick.arm,
        candidate=pick.candidate,
        trained_in=pick.trained_in,
        tree=pick.composition.spell(names),
        composition=report_composition(pick.composition, names),
        parameters=first_result.parameters,
        macs_per_example=first_result.macs_per_example,
        validation_gain=pick.validation_gain,
        test=test,
        mean={name: float(np.mean(scores)) for name, scores in test.items()},
        standard_error={name: standard_error(scores) for name, scores in test.items()},
        ensemble=report_ensemble(confirmed, ensemble, scales),
    )


def report_ensemble(
    confirmed: Confirmed,
    ensemble: Ensemble | NoEnsemble,
    scales: SkillScales,
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
        tasks={scale.task.name: _ensemble_score(ensemble, scale) for scale in scales.of_task},
        gain=ReportedInterval.of(ensemble.gain),
        reason=None,
    )


def _ensemble_score(ensemble: Ensemble, scale: SkillScale) -> EnsembleScore:
    """The score of a task; its interval ends at the best score there is."""
    task = scale.task
    interval = ensemble.scores[task.name]
    low = None
    high = None
    skill = ReportedInterval(scale.skill(interval.mean), None, None)
    if interval.low is not None and interval.high is not None:
        low = task.metric.possible(interval.low)
        high = task.metric.possible(interval.high)
        ends = sorted([scale.skill(low), scale.skill(high)])
        skill = replace(skill, low=ends[0], high=ends[1])
    return EnsembleScore(
        single=ensemble.single.scores[task.name],
        score=interval.mean,
        low=low,
        high=high,
        skill=skill,
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


def report_comparison(
    comparison: Comparison,
    tasks: Sequence[Task],
    *,
    of_reference: bool = False,
) -> ReportedComparison:
    """Report a comparison with the baseline of an arm's model, or of a reference.

    Its differences are in the metric's own direction, where those of evidence are improvements.
    """
    differences = {}
    missing = []
    for task in tasks:
        if task.name not in comparison.differences:
            missing.append(task.name)
            continue
        claim = comparison.claims[task.name]
        improvement = ReportedInterval.of(claim.interval)
        higher_is_better = task.metric.higher_is_better
        difference = improvement if higher_is_better else improvement.flipped
        differences[task.name] = TaskDifference(
            difference=difference,
            points=ReportedInterval.of(comparison.points[task.name].at(claim.confidence)),
            result=comparison.result(task.name),
        )
    relative = ReportedInterval.of(comparison.relative)
    return ReportedComparison(
        arm=comparison.arm,
        baseline=BASELINE,
        models=comparison.models,
        seeds=comparison.seeds,
        tasks=differences,
        gain=ReportedInterval.of(comparison.gain),
        relative=ReportedRelativeGain(maninis=relative, nash_mtl=relative.flipped),
        of_reference=of_reference,
        missing=tuple(missing),
    )


def report_verdict(
    verdict: Verdict | None, advice: Sequence[Advice] = ()
) -> ReportedVerdict | None:
    """Report the verdict, where there is one, with what would make it surer."""
    if verdict is None:
        return None
    commands = []
    for entry in advice:
        commands.append(ReportedAdvice(entry.command, round(entry.minutes, 2), entry.why))
    return ReportedVerdict(
        decision=verdict.decision,
        sentence=verdict.sentence,
        figures=verdict.figures,
        arm=verdict.arm,
        undecided=verdict.undecided,
        recommended=verdict.recommended,
        why=verdict.why,
        caveats=verdict.caveats,
        advice=tuple(commands),
        models=verdict.models,
        remark=verdict.remark,
    )
