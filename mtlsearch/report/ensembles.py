"""What the page and the console say of the ensembles of the confirmed seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

from mtlsearch.evidence.comparison import MODEL_NAMES
from mtlsearch.report.formatting import gain, number, score_interval, skill
from mtlsearch.report.model import (
    EnsembleScore,
    Report,
    ReportedEnsemble,
    ReportedModel,
    ReportedTask,
)


@dataclass(frozen=True)
class EnsembleCell:
    """The score of an ensemble and of its models one by one, ready to print."""

    score: str
    single: str
    skill: str
    gain: str


@dataclass(frozen=True)
class EnsembleRow:
    """A task with a cell for each arm that has an ensemble."""

    name: str
    metric: str
    cells: Sequence[EnsembleCell]


@dataclass(frozen=True)
class EnsembleSection:
    """The ensembles by task and arm, the mean gain of each, and what is missing."""

    models: Sequence[ReportedModel]
    rows: Sequence[EnsembleRow]
    gains: Sequence[str]
    missing: Sequence[str]


def ensemble_section(report: Report) -> EnsembleSection | None:
    """The section of the page; None before confirmation."""
    if not report.confirmed:
        return None
    models = [model for model in report.confirmed if model.ensemble.tasks]
    missing = []
    for model in report.confirmed:
        missing += _missing(model)
    return EnsembleSection(
        models=models,
        rows=[_row(task, models) for task in report.tasks],
        gains=[gain(model.ensemble.gain) for model in models],
        missing=missing,
    )


def ensemble_sentence(report: Report) -> str:
    """What the ensemble of each arm gains over its own single models; empty before confirmation."""
    gains = []
    reasons = []
    for model in report.confirmed:
        ensemble = model.ensemble
        if ensemble.gain is not None:
            gains.append(f"{model.arm} {ensemble.gain.mean:+.1f}{_seed_count(ensemble)}")
        elif ensemble.reason not in reasons:
            reasons.append(ensemble.reason)
            gains.append(f"{model.arm} has none, as {ensemble.reason}")
        else:
            gains.append(f"{model.arm} has none")
    if not gains:
        return ""
    return (
        "Points of skill that ensembles (mean prediction of all confirmed seeds) gain over single "
        f"models of the same arm: {', '.join(gains)}; {in_the_verdict(report)}."
    )


def in_the_verdict(report: Report) -> str:
    """What of the two the verdict compares."""
    return f"the verdict compares {MODEL_NAMES[report.compared]}"


def _seed_count(ensemble: ReportedEnsemble) -> str:
    """Of how many seeds it lacks some; empty where it lacks none."""
    if not ensemble.left_out:
        return ""
    used = len(ensemble.seeds)
    return f" ({used} of {used + len(ensemble.left_out)} seeds)"


def _row(task: ReportedTask, models: Sequence[ReportedModel]) -> EnsembleRow:
    return EnsembleRow(
        name=task.name,
        metric=f"{task.scored_by}, {task.direction}",
        cells=[_cell(model.ensemble.tasks[task.name]) for model in models],
    )


def _cell(entry: EnsembleScore) -> EnsembleCell:
    return EnsembleCell(
        score=score_interval(entry.score, entry.low, entry.high),
        single=number(entry.single, entry.half_width),
        skill=skill(entry.skill),
        gain=gain(entry.gain),
    )


def _missing(model: ReportedModel) -> list[str]:
    """Which seeds an arm's ensemble lacks, and why there is none, in sentences."""
    sentences = []
    if model.ensemble.reason is not None:
        sentences.append(f"{model.arm} has no ensemble: {model.ensemble.reason}")
    for seed in model.ensemble.left_out:
        sentences.append(f"{model.arm}, seed {seed.seed} is left out: {seed.reason}")
    return sentences
