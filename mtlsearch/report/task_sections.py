"""What the page shows of each task: a line to find it by, and below it how the model errs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mtlsearch.evidence.comparison import ENSEMBLE
from mtlsearch.report.error_charts import detection_charts, deviation_charts
from mtlsearch.report.formatting import gain, number
from mtlsearch.report.gain_strips import gain_strips
from mtlsearch.report.importance_chart import importance_chart
from mtlsearch.report.learning_charts import learning_charts, trained_with
from mtlsearch.report.model import (
    Report,
    ReportedConfusion,
    ReportedDeviations,
    ReportedDiagnosis,
    ReportedInterval,
    ReportedTask,
    ReportedTaskDiagnosis,
    ReportedWorstRow,
)
from mtlsearch.wording import first_of_many

MOST_OPEN = 3  # tasks that are unfolded from the start
FEWEST_SEARCHED = 7  # tasks from which on there is a box to find them by
DARKEST = 55  # percent of the color of a cell of a confusion matrix


@dataclass(frozen=True)
class ConfusionRow:
    """A class of a confusion matrix: of its rows, how many are predicted to be of each class.

    `strengths` are percentages of color, by the share of the row.
    """

    name: str
    rows: int
    counts: Sequence[int]
    strengths: Sequence[int]
    right: str


@dataclass(frozen=True)
class TaskSection:
    """A task of the page.

    `score` is that of the recommended model and `points` those of the arm that gains, ready to
    print; `strip` draws them. `errors` are the charts of what it detects or of its numbers,
    `labels` those of each label of a set.
    """

    task: ReportedTask
    rows: int
    score: str
    points: str
    strip: Markup | None
    result: str | None
    learning: Sequence[Markup]
    trained_with: Mapping[str, str]
    confusion: Sequence[ConfusionRow]
    merged: int
    errors: Sequence[Markup]
    labels: Sequence[Sequence[Markup]]
    deviations: ReportedDeviations | None
    importance: Markup | None
    importance_note: str
    worst: Sequence[ReportedWorstRow]
    is_open: bool

    @property
    def inputs(self) -> list[str]:
        """The columns that are shown of the rows it errs on."""
        return list(self.worst[0].inputs) if self.worst else []


def task_sections(report: Report) -> list[TaskSection]:
    """Return the tasks in their order; none before there is a recommended model."""
    if report.diagnosis is None:
        return []
    strips = gain_strips(_gains(report))
    diagnoses = {entry.task: entry for entry in report.diagnosis.tasks}
    sections = []
    for task in report.tasks:
        sections.append(_section(report, task, diagnoses[task.name], strips.get(task.name)))
    return sections


def gaining_arm(report: Report) -> str:
    """The arm whose gains stand beside the tasks: the recommended one, or of the baseline's what
    stands for sharing. Empty before there is one.
    """
    if report.diagnosis is None:
        return ""
    arms = {report.diagnosis.arm, report.diagnosis.beside} - {report.baseline}
    return arms.pop() if arms else ""


def _gains(report: Report) -> dict[str, ReportedInterval]:
    """What that arm gains on each task over the baseline."""
    comparison = report.comparison_of(gaining_arm(report), report.compared)
    if comparison is None:
        return {}
    return {name: difference.points for name, difference in comparison.tasks.items()}


def _section(
    report: Report,
    task: ReportedTask,
    diagnosis: ReportedTaskDiagnosis,
    strip: str | None,
) -> TaskSection:
    assert report.diagnosis is not None
    comparison = report.comparison_of(gaining_arm(report), report.compared)
    difference = comparison.tasks.get(task.name) if comparison else None
    confusion = diagnosis.confusion
    return TaskSection(
        task=task,
        rows=diagnosis.rows,
        score=_score(report, task),
        points=gain(difference.points) if difference else "",
        strip=Markup(strip) if strip else None,
        result=difference.result if difference else None,
        learning=_markup(learning_charts(report.diagnosis, task.name)),
        trained_with=_trained_with(report.diagnosis, task.name),
        confusion=_confusion_rows(confusion) if confusion else (),
        merged=confusion.merged if confusion else 0,
        errors=_error_charts(diagnosis),
        labels=_label_charts(diagnosis),
        deviations=diagnosis.deviations,
        importance=_importance(diagnosis),
        importance_note=diagnosis.importance_note,
        worst=diagnosis.worst,
        is_open=len(report.tasks) <= MOST_OPEN,
    )


def _trained_with(diagnosis: ReportedDiagnosis, task: str) -> dict[str, str]:
    """By arm the other tasks whose losses are in a task's curves, as words."""
    words = {}
    for arm, others in trained_with(diagnosis, task).items():
        words[arm] = first_of_many(others)
    return words


def _score(report: Report, task: ReportedTask) -> str:
    """The test score of the recommended model, of its ensemble where that is compared."""
    model = report.recommended_model
    if model is None:
        return number(None)
    ensemble = model.ensemble.tasks.get(task.name)
    if report.compared == ENSEMBLE and ensemble is not None:
        return number(ensemble.score, ensemble.half_width)
    return number(model.mean[task.name], model.standard_error[task.name])


def _error_charts(diagnosis: ReportedTaskDiagnosis) -> list[Markup]:
    """The charts of a task that has one thing to detect, or numbers."""
    if diagnosis.deviations is not None:
        return _markup(deviation_charts(diagnosis.deviations))
    if diagnosis.confusion is None or not diagnosis.detections:
        return []
    return _markup(detection_charts(diagnosis.detections[0]))


def _label_charts(diagnosis: ReportedTaskDiagnosis) -> list[list[Markup]]:
    """The charts of the labels of a set, label by label."""
    if diagnosis.confusion is not None:
        return []
    return [_markup(detection_charts(detection)) for detection in diagnosis.detections]


def _importance(diagnosis: ReportedTaskDiagnosis) -> Markup | None:
    if not diagnosis.importance:
        return None
    return Markup(importance_chart(diagnosis.importance))


def _confusion_rows(confusion: ReportedConfusion) -> list[ConfusionRow]:
    rows = []
    for place, name in enumerate(confusion.classes):
        counts = confusion.counts[place]
        total = sum(counts)
        strengths = [round(DARKEST * entry / max(total, 1)) for entry in counts]
        right = f"{counts[place] / total:.0%}" if total else number(None)
        rows.append(ConfusionRow(name, total, counts, strengths, right))
    return rows


def _markup(drawings: Sequence[str]) -> list[Markup]:
    return [Markup(drawing) for drawing in drawings]
