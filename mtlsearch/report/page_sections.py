"""What the sections of the page show beyond the report's own fields: drawings, tables, colors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from mtlsearch.evidence.comparison import ENSEMBLE, MODEL_NAMES, SINGLE, Models
from mtlsearch.report.formatting import gain, interval, number, point, with_error
from mtlsearch.report.model import (
    AffinityPair,
    Composition,
    Report,
    ReportedArm,
    ReportedCandidate,
    ReportedComparison,
    ReportedInterval,
    ReportedModel,
    ReportedScore,
    ReportedTask,
)
from mtlsearch.report.settings_text import spell_settings
from mtlsearch.report.tree_drawing import draw_tree

MOST_MAPPED_TASKS = 16  # more do not fit on a page
MOST_CARDS = 12  # trees of the front that are drawn
STRONGEST_COLOR = 45  # percent of the color of a cell whose effect is sure


@dataclass(frozen=True)
class TaskComparison:
    """One task of the recommended model beside the baseline, ready to print.

    `result` is win, tie, lose or None.
    """

    name: str
    metric: str
    model: str
    baseline: str
    difference: str
    points: str
    result: str | None


@dataclass(frozen=True)
class RecommendedSection:
    """The recommended model with its drawing, and test scores of `arm` beside the baseline.

    `arm` is another than the model's where the model is the baseline: then it is the best that
    shares. The scores are those of ensembles where these are what the verdict is about;
    `other_gain` is then the gain of the single models, and the other way round.
    """

    model: ReportedModel
    arm: str
    tasks: Sequence[TaskComparison]
    comparison: ReportedComparison | None
    other_gain: ReportedInterval | None
    is_ensemble: bool
    seeds: int
    drawing: Markup


@dataclass(frozen=True)
class ArmRow:
    """A line of the table of arms.

    The comparisons are those of its ensemble and of its single models, each with the same of the
    baseline, with their names; first what the verdict is about. A missing one is left out.
    """

    arm: ReportedArm
    gains: Sequence[tuple[str, ReportedComparison]]
    confirmed: bool


@dataclass(frozen=True)
class ReferenceGainRow:
    """A reference in the table of arms, with what its fits took.

    The gains are as those of an `ArmRow`; `missing` are tasks that it has no model of.
    """

    name: str
    package: str
    seconds: float
    gains: Sequence[tuple[str, ReportedComparison]]
    missing: Sequence[str]


@dataclass(frozen=True)
class AffinityCell:
    """The effect of sharing all levels with one other task.

    `strength` is the share of the color in percent.
    """

    text: str
    tooltip: str
    sign: Literal["helps", "harms", "unsure"]
    color: str
    strength: int


@dataclass(frozen=True)
class AffinitySection:
    """The map of who helps whom.

    A row is for the task that gains or loses, a cell for the task it shares with (None: itself).
    """

    trainings: int
    names: Sequence[str]
    rows: Mapping[str, Sequence[AffinityCell | None]]
    sure: int
    pairs: int


@dataclass(frozen=True)
class MetricRow:
    """Mean test scores of the confirmed models in one metric, ready to print, by arm."""

    metric: str
    decides: bool
    scores: Mapping[str, str]


@dataclass(frozen=True)
class Card:
    """A candidate of the front with its drawing, its scores and its settings in words."""

    candidate: ReportedCandidate
    drawing: Markup
    scores: Sequence[tuple[ReportedTask, ReportedScore]]
    settings: Sequence[str]


def recommended_section(report: Report) -> RecommendedSection | None:
    """The confirmed model to show at the top; None before there is one."""
    model = report.recommended_model
    if model is None:
        return None
    shown = model
    if report.verdict is not None and model.arm == report.baseline:
        shown = report.model_of(report.verdict.arm) or model
    baseline = report.model_of(report.baseline)
    comparison = report.comparison_of(shown.arm, report.compared)
    other = report.comparison_of(shown.arm, _other(report.compared))
    tasks = [_task_comparison(task, shown, baseline, comparison) for task in report.tasks]
    title = f"Recommended: the sharing tree of {model.arm}"
    return RecommendedSection(
        model=model,
        arm=shown.arm,
        tasks=tasks,
        comparison=comparison,
        other_gain=other.gain if other else None,
        is_ensemble=_is_ensemble(comparison),
        seeds=max((len(scores) for scores in model.test.values()), default=0),
        drawing=_draw(report, model.composition, title),
    )


def arm_rows(report: Report) -> list[ArmRow]:
    """The table of arms."""
    rows = []
    for arm in report.arms:
        gains = _test_gains(report, arm.name)
        rows.append(ArmRow(arm, gains, report.model_of(arm.name) is not None))
    return rows


def reference_gain_rows(report: Report) -> list[ReferenceGainRow]:
    """The references that are compared with the baseline, for the table of arms."""
    if report.references is None:
        return []
    rows = []
    for reference in report.references.models:
        comparisons = [entry for entry in report.comparisons if entry.arm == reference.name]
        if comparisons:
            row = ReferenceGainRow(
                name=reference.name,
                package=reference.package,
                seconds=reference.seconds,
                gains=_test_gains(report, reference.name),
                missing=comparisons[-1].missing,
            )
            rows.append(row)
    return rows


def _test_gains(report: Report, name: str) -> list[tuple[str, ReportedComparison]]:
    """What an arm or a reference gains; first that of the models that the verdict is about."""
    gains = []
    for models in (report.compared, _other(report.compared)):
        comparison = report.comparison_of(name, models)
        if comparison is not None:
            gains.append((MODEL_NAMES[models], comparison))
    return gains


def _other(models: Models) -> Models:
    """Single models of ensembles, ensembles of single models."""
    return SINGLE if models == ENSEMBLE else ENSEMBLE


def affinity_section(report: Report) -> AffinitySection | None:
    """The map of affinities of the first tasks; None where there is no estimate."""
    affinity = report.affinity
    if affinity is None:
        return None
    names = [task.name for task in report.tasks[:MOST_MAPPED_TASKS]]
    cells = {(pair.task, pair.other): _affinity_cell(pair) for pair in affinity.pairs}
    rows = {name: [cells.get((name, other)) for other in names] for name in names}
    return AffinitySection(
        trainings=affinity.trainings,
        names=names,
        rows=rows,
        sure=sum(cell.sign != "unsure" for cell in cells.values()),
        pairs=len(cells),
    )


def metric_rows(report: Report) -> dict[str, list[MetricRow]]:
    """The metrics of each task in their order; empty before confirmation."""
    scores: dict[tuple[str, str], dict[str, str]] = {}
    rows: dict[str, list[MetricRow]] = {}
    for entry in report.test_metrics:
        key = (entry.task, entry.metric)
        if key not in scores:
            scores[key] = {}
            direction = "higher is better" if entry.higher_is_better else "lower is better"
            row = MetricRow(f"{entry.metric}, {direction}", entry.decides, scores[key])
            rows.setdefault(entry.task, []).append(row)
        scores[key][entry.arm] = with_error(entry.mean, entry.standard_error)
    return rows


def cards(report: Report) -> list[Card]:
    """The candidates of the front with the largest gains."""
    best_first = sorted(report.front, key=lambda candidate: -candidate.gain.mean)
    return [_card(report, candidate) for candidate in best_first[:MOST_CARDS]]


def _task_comparison(
    task: ReportedTask,
    model: ReportedModel,
    baseline: ReportedModel | None,
    comparison: ReportedComparison | None,
) -> TaskComparison:
    difference = comparison.tasks[task.name] if comparison else None
    score = _ensemble_score if _is_ensemble(comparison) else _mean_score
    return TaskComparison(
        name=task.name,
        metric=f"{task.scored_by}, {task.direction}",
        model=score(model, task),
        baseline=score(baseline, task),
        difference=interval(difference.difference if difference else None),
        points=gain(difference.points if difference else None),
        result=difference.result if difference else None,
    )


def _is_ensemble(comparison: ReportedComparison | None) -> bool:
    return comparison is not None and comparison.models == ENSEMBLE


def _ensemble_score(model: ReportedModel | None, task: ReportedTask) -> str:
    if model is None or task.name not in model.ensemble.tasks:
        return number(None)
    entry = model.ensemble.tasks[task.name]
    return number(entry.score, entry.half_width)


def _mean_score(model: ReportedModel | None, task: ReportedTask) -> str:
    if model is None:
        return with_error(None, None)
    return with_error(model.mean[task.name], model.standard_error[task.name])


def _affinity_cell(pair: AffinityPair) -> AffinityCell:
    effect = pair.levels[-1]
    by_depth = []
    for depth, effect_so_far in enumerate(pair.levels, start=1):
        by_depth.append(f"levels 1 to {depth}: {gain(effect_so_far)}")
    return AffinityCell(
        text=point(effect.mean),
        tooltip="; ".join(by_depth),
        sign=_effect_sign(effect),
        color="var(--good)" if effect.mean > 0 else "var(--bad)",
        strength=_strength(effect),
    )


def _effect_sign(effect: ReportedInterval) -> Literal["helps", "harms", "unsure"]:
    if effect.is_positive:
        return "helps"
    return "harms" if effect.is_negative else "unsure"


def _strength(effect: ReportedInterval) -> int:
    """A cell is as colorful as its effect is sure."""
    if effect.mean == 0:
        return 0
    if not effect.half_width:
        return STRONGEST_COLOR
    sureness = min(1.0, abs(effect.mean) / effect.half_width)
    return round(STRONGEST_COLOR * sureness)


def _card(report: Report, candidate: ReportedCandidate) -> Card:
    title = f"Sharing tree of {candidate.arm}, {candidate.label}"
    lines = [spell_settings(component.settings) for component in candidate.composition]
    return Card(
        candidate=candidate,
        drawing=_draw(report, candidate.composition, title),
        scores=[(task, candidate.scores[task.name]) for task in report.tasks],
        settings=list(dict.fromkeys(lines)),
    )


def _draw(report: Report, composition: Composition, title: str) -> Markup:
    sources = {task.name: task.source for task in report.tasks}
    return Markup(draw_tree(composition, title, sources))
