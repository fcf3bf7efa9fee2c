"""The ready-made models, and what the page and the console say of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.evidence.references import ReferenceChoice, ReferenceComparison, reference_sentence
from mtlsearch.references import REFERENCES
from mtlsearch.report.formatting import gain, number
from mtlsearch.report.model import (
    Report,
    ReportedInterval,
    ReportedReference,
    ReportedReferenceChoice,
    ReportedReferences,
    ReportedTask,
)
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.reference_fits import FittedReference


@dataclass(frozen=True)
class ReferenceCell:
    """A reference on one task, ready to print."""

    score: str
    gain: str
    is_chosen: bool


@dataclass(frozen=True)
class ReferenceRow:
    """A task: the mean test score of the recommended model, and a cell for each reference.

    `better` names the reference that is surely better, if there is one.
    """

    name: str
    metric: str
    recommended: str
    cells: Sequence[ReferenceCell]
    better: str | None


def report_references(analysis: Analysis) -> ReportedReferences | None:
    """Report the references of a study; None where none are fitted."""
    references = [reference for reference in analysis.references if _has_begun(reference)]
    if not references:
        return None
    tasks = [task.name for task in analysis.dataset.tasks]
    models = []
    for reference in references:
        comparison = analysis.reference_comparisons.get(reference.name)
        models.append(_report_model(reference, comparison, tasks))
    choices = list(analysis.reference_choices.values())
    return ReportedReferences(
        sentence=reference_sentence(choices),
        choices=tuple(_report_choice(choice) for choice in choices),
        models=tuple(models),
        notices=tuple(_notices(references)),
    )


def _has_begun(reference: FittedReference) -> bool:
    return bool(reference.fits or reference.left_out)


def _report_model(
    reference: FittedReference,
    comparison: ReferenceComparison | None,
    tasks: Sequence[str],
) -> ReportedReference:
    scores = reference.scores()
    test = {}
    validation = {}
    for task in tasks:
        if scores.seeds(task):
            test[task] = tuple(scores.test[seed].scores[task] for seed in scores.seeds(task))
            validation[task] = float(np.mean(scores.validation[task]))
    gains = {}
    gain = None
    if comparison is not None:
        gains = {name: ReportedInterval.of(value) for name, value in comparison.gains.items()}
        gain = ReportedInterval.of(comparison.gain) if comparison.gain else None
    return ReportedReference(
        name=reference.name,
        package=REFERENCES[reference.name].package,
        settings={task: dict(reference.settings(task)) for task in test},
        validation=validation,
        test=test,
        mean={name: float(np.mean(values)) for name, values in test.items()},
        gains=gains,
        gain=gain,
        seconds=round(reference.seconds, 3),
        rows=reference.rows,
        left_out=dict(reference.left_out),
    )


def _report_choice(choice: ReferenceChoice) -> ReportedReferenceChoice:
    return ReportedReferenceChoice(
        task=choice.task,
        reference=choice.reference,
        validation=choice.validation,
        gain=ReportedInterval.of(choice.gain),
        result=choice.result,
    )


def _notices(references: Sequence[FittedReference]) -> list[str]:
    """What was cut, left out or is not there, in sentences."""
    notices = []
    thinned: dict[tuple[int, int], list[str]] = {}
    for reference in references:
        if reference.rows < reference.labelled:
            counts = (reference.rows, reference.labelled)
            thinned.setdefault(counts, []).append(reference.name)
    for (rows, labelled), names in thinned.items():
        notices.append(
            f"{', '.join(names)}: fitted to {rows:,} of {labelled:,} training rows, evenly spread; "
            "search with --reference-rows N to change that"
        )
    for reference in references:
        for task, reason in reference.left_out.items():
            name = f"{reference.name}, {task}" if task else reference.name
            notices.append(f"{name}: no model: {reason}")
    missing = _not_installed(references)
    if missing:
        notices.append(
            f"not among the references, since not installed when the study began: "
            f"{', '.join(missing)}; pip install {' '.join(missing)}, and search again"
        )
    return notices


def _not_installed(references: Sequence[FittedReference]) -> list[str]:
    """The packages of the references that a study does not have."""
    present = {REFERENCES[reference.name].package for reference in references}
    packages = [kind.package for kind in REFERENCES.values()]
    return [package for package in packages if package not in present]


def reference_rows(report: Report) -> list[ReferenceRow]:
    """The recommended model beside the references, task by task; empty where either is missing."""
    model = report.recommended_model
    if model is None or report.references is None:
        return []
    rows = []
    for task in report.tasks:
        choice = report.references.choice_of(task.name)
        is_better = choice is not None and choice.result == "win"
        row = ReferenceRow(
            name=task.name,
            metric=f"{task.scored_by}, {task.direction}",
            recommended=number(model.mean[task.name]),
            cells=[_cell(entry, task, choice) for entry in report.references.models],
            better=choice.reference if choice is not None and is_better else None,
        )
        rows.append(row)
    return rows


def _cell(
    model: ReportedReference,
    task: ReportedTask,
    choice: ReportedReferenceChoice | None,
) -> ReferenceCell:
    return ReferenceCell(
        score=number(model.mean.get(task.name)),
        gain=gain(model.gains.get(task.name)),
        is_chosen=choice is not None and choice.reference == model.name,
    )
