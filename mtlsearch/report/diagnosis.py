"""Reports how the recommended model learned and how it errs, task by task."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mtlsearch.data import Dataset
from mtlsearch.evidence.diagnostics.confusion import confusion
from mtlsearch.evidence.diagnostics.detection import detections
from mtlsearch.evidence.diagnostics.deviations import deviations
from mtlsearch.evidence.diagnostics.importance import ColumnImportance
from mtlsearch.evidence.diagnostics.predicted_rows import PredictedRows
from mtlsearch.evidence.diagnostics.worst_rows import worst_rows
from mtlsearch.report.formatting import number
from mtlsearch.report.labels import shorten
from mtlsearch.report.model import (
    ReportedCalibration,
    ReportedColumnImportance,
    ReportedConfusion,
    ReportedCurve,
    ReportedDetection,
    ReportedDeviations,
    ReportedDiagnosis,
    ReportedTaskDiagnosis,
    ReportedWorstRow,
)
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.diagnosis import Diagnosis

LOSS_DIGITS = 4
CELL_COLUMNS = 24
MOST_INPUTS = 6  # of a row that the model errs on


def report_diagnosis(analysis: Analysis) -> ReportedDiagnosis | None:
    """Report what there is to look at of the recommended model; None before there is one."""
    diagnosis = Diagnosis.of(analysis)
    if diagnosis is None:
        return None
    importances = diagnosis.importances()
    tasks = []
    for predicted in diagnosis.predicted_rows():
        task = predicted.task
        importance = importances.by_task.get(task.name, ())
        note = importances.notes[task.name]
        tasks.append(_report_task(predicted, importance, note, analysis.dataset))
    return ReportedDiagnosis(
        arm=diagnosis.arm,
        beside=diagnosis.beside,
        seeds=diagnosis.seeds,
        curves=tuple(_report_curves(diagnosis)),
        tasks=tuple(tasks),
    )


def _report_curves(diagnosis: Diagnosis) -> list[ReportedCurve]:
    curves = []
    for curve in diagnosis.curves():
        reported = ReportedCurve(
            arm=curve.arm,
            seed=curve.seed,
            tasks=curve.tasks,
            validation=_rounded(curve.validation),
            training=_rounded(curve.training),
        )
        curves.append(reported)
    return curves


def _rounded(losses: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(loss, LOSS_DIGITS) for loss in losses)


def _report_task(
    predicted: PredictedRows,
    importance: Sequence[ColumnImportance],
    note: str,
    dataset: Dataset,
) -> ReportedTaskDiagnosis:
    matrix = confusion(predicted)
    numbers = deviations(predicted)
    columns = tuple(ReportedColumnImportance(**vars(entry)) for entry in importance)
    return ReportedTaskDiagnosis(
        task=predicted.task.name,
        rows=predicted.count,
        confusion=None if matrix is None else ReportedConfusion(**vars(matrix)),
        detections=tuple(_report_detections(predicted)),
        deviations=None if numbers is None else ReportedDeviations(**vars(numbers)),
        importance=columns,
        importance_note=note,
        worst=tuple(_report_worst(predicted, importance, dataset)),
    )


def _report_detections(predicted: PredictedRows) -> list[ReportedDetection]:
    reported = []
    for detection in detections(predicted):
        bins = tuple(ReportedCalibration(**vars(entry)) for entry in detection.calibration)
        reported.append(ReportedDetection(**{**vars(detection), "calibration": bins}))
    return reported


def _report_worst(
    predicted: PredictedRows,
    importance: Sequence[ColumnImportance],
    dataset: Dataset,
) -> list[ReportedWorstRow]:
    inputs = dataset.sources[predicted.task.source].inputs
    columns = [entry.column for entry in importance] or [str(name) for name in inputs]
    rows = []
    for worst in worst_rows(predicted):
        cells = inputs.iloc[worst.row]
        shown = {column: _cell(cells[column]) for column in columns[:MOST_INPUTS]}
        rows.append(
            ReportedWorstRow(
                row=worst.row + 1,
                truth=worst.truth,
                prediction=worst.prediction,
                error=worst.error,
                inputs=shown,
            )
        )
    return rows


def _cell(value: Any) -> str:
    """A cell of the table as short text."""
    if isinstance(value, np.ndarray):
        sides = " × ".join(str(side) for side in value.shape)
        return f"array of {sides}"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "missing"
    if isinstance(value, float | np.floating):
        return number(float(value))
    return shorten(str(value), CELL_COLUMNS)
