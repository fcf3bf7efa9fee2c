"""What a report says, as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mtlsearch.evidence.comparison import ENSEMBLE, SINGLE, Models
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.report.model import (
    Report,
    ReportedCandidate,
    ReportedInterval,
    ReportedModel,
    ReportedReference,
)

Row = dict[str, Any]

GAIN_COLUMNS = (
    "gain",
    "gain_low",
    "gain_high",
)
SIZE_COLUMNS = (
    "parameters",
    "macs_per_example",
)
AFFINITY_COLUMNS = [
    "task",
    "other",
    "levels",
    "gain",
    "low",
    "high",
]


def front_frame(report: Report) -> pd.DataFrame:
    """Return a row for each candidate of the front, best estimated gain first.

    Columns: `arm`, `candidate`, the mean validation score of each task, `gain` over separate
    models in points of skill with its 95% interval `gain_low` and `gain_high`, `tie`, `replicates`,
    `parameters`, `macs_per_example` and `tree`.
    """
    rows = [_front_row(candidate) for candidate in report.front]
    tasks = [task.name for task in report.tasks]
    columns = [
        "arm",
        "candidate",
        *tasks,
        *GAIN_COLUMNS,
        "tie",
        "replicates",
        *SIZE_COLUMNS,
        "tree",
    ]
    return _best_first(rows, columns, "gain")


def leaderboard(
    report: Report,
    scales: SkillScales,
) -> pd.DataFrame:
    """Return a row for each confirmed model and each reference, highest mean skill first.

    Columns: `model` (the arm or the reference), `of` (single networks by their mean, or the
    ensemble of them; the package of a reference), `recommended`, `skill` (mean over the tasks that
    count, on test rows; points: 0 is the best constant, 100 is perfect), `gain` over separate
    models in points with its 95% interval `gain_low` and `gain_high` (missing for these
    themselves), the test score of each task, `networks`, `parameters` and `macs_per_example` of
    all networks together (missing for references) and `seconds` (what the fits of a reference
    took).

    Args:
        report: The report.
        scales: What test scores are worth.
    """
    rows: list[Row] = []
    for model in report.confirmed:
        rows.append(_model_row(report, scales, model, SINGLE))
        if model.ensemble.tasks:
            rows.append(_model_row(report, scales, model, ENSEMBLE))
    if report.references is not None:
        rows += [_reference_row(report, scales, model) for model in report.references.models]
    tasks = [task.name for task in report.tasks]
    columns = [
        "model",
        "of",
        "recommended",
        "skill",
        *GAIN_COLUMNS,
        *tasks,
        "networks",
        *SIZE_COLUMNS,
        "seconds",
    ]
    return _best_first(rows, columns, "skill")


def affinity_frame(report: Report) -> pd.DataFrame:
    """Return a row for each ordered pair of tasks and each depth of sharing.

    Columns: `task` gains `gain` points of skill, with the 95% interval `low` to `high`, from
    sharing its first `levels` levels with `other`. No rows where there are too few trainings.
    """
    rows: list[Row] = []
    pairs = report.affinity.pairs if report.affinity else ()
    for pair in pairs:
        for levels, interval in enumerate(pair.levels, start=1):
            row: Row = {
                "task": pair.task,
                "other": pair.other,
                "levels": levels,
                "gain": interval.mean,
                "low": interval.low,
                "high": interval.high,
            }
            rows.append(row)
    return pd.DataFrame(rows, columns=AFFINITY_COLUMNS)


def _best_first(
    rows: Sequence[Row],
    columns: Sequence[str],
    measure: str,
) -> pd.DataFrame:
    """A table of rows by a measure, highest first."""
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.sort_values(
        measure,
        ascending=False,
        kind="stable",
        ignore_index=True,
    )


def _front_row(candidate: ReportedCandidate) -> Row:
    scores = {name: score.mean for name, score in candidate.scores.items()}
    return {
        "arm": candidate.arm,
        "candidate": candidate.candidate,
        **scores,
        **_gain(candidate.gain),
        "tie": candidate.tie,
        "replicates": candidate.replicates,
        "parameters": candidate.parameters,
        "macs_per_example": candidate.macs_per_example,
        "tree": candidate.tree,
    }


def _model_row(
    report: Report,
    scales: SkillScales,
    model: ReportedModel,
    models: Models,
) -> Row:
    is_ensemble = models == ENSEMBLE
    scores = model.mean
    if is_ensemble:
        scores = {name: task.score for name, task in model.ensemble.tasks.items()}
    comparison = report.comparison_of(model.arm, models)
    networks = len(model.ensemble.seeds) if is_ensemble else 1
    is_recommended = report.recommended_model is model and models == report.compared
    return {
        "model": model.arm,
        "of": models,
        "recommended": is_recommended,
        "skill": _mean_skill(scales, scores),
        **_gain(comparison.gain if comparison else None),
        **scores,
        "networks": networks,
        "parameters": networks * model.parameters,
        "macs_per_example": networks * model.macs_per_example,
    }


def _reference_row(
    report: Report,
    scales: SkillScales,
    model: ReportedReference,
) -> Row:
    comparison = report.comparison_of(model.name)
    return {
        "model": model.name,
        "of": model.package,
        "recommended": False,
        "skill": _mean_skill(scales, model.mean),
        **_gain(comparison.gain if comparison else None),
        **model.mean,
        "seconds": model.seconds,
    }


def _mean_skill(
    scales: SkillScales,
    scores: Mapping[str, float],
) -> float | None:
    """The mean skill in points; None for a reference that has no model of a task that counts."""
    counted = {scale.task.name for scale in scales.counted}
    return scales.mean(scores) if counted <= scores.keys() else None


def _gain(interval: ReportedInterval | None) -> Row:
    if interval is None:
        return {}
    return {
        "gain": interval.mean,
        "gain_low": interval.low,
        "gain_high": interval.high,
    }
