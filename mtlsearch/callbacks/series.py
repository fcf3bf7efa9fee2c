"""What ready-made callbacks write: numbers by names that every tool takes."""

import re
from collections.abc import Iterable

from mtlsearch.callbacks.contract import StudyFacts, TrainingFinished
from mtlsearch.evidence.comparison import ENSEMBLE, SINGLE
from mtlsearch.report.model import Report

NOT_PLAIN = re.compile(r"[^\w\-. ]", re.ASCII)  # what MLflow does not take in a part of a name

Numbers = dict[str, float]


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """Return for every name one of letters that every tool takes; no two become the same."""
    plain: dict[str, str] = {}
    for name in names:
        base = NOT_PLAIN.sub("_", name)
        spelled = base
        number = 2
        while spelled in plain.values():
            spelled = f"{base}_{number}"
            number += 1
        plain[name] = spelled
    return plain


def metric_names(study: StudyFacts) -> dict[str, str]:
    """Return for every task what its scores are called: `TASK.METRIC`."""
    plain = plain_names(study.tasks)
    return {task: f"{plain[task]}.{metric}" for task, metric in study.tasks.items()}


def training_numbers(event: TrainingFinished) -> Numbers:
    """Return what a training came to, by names below its series; a failed one says only that."""
    result = event.result
    if not result.complete:
        return {f"{event.series}/failed": 1.0}
    names = metric_names(event.study)
    numbers = {}
    for task, score in result.scores.items():
        numbers[f"{event.series}/{names[task]}"] = score
    numbers[f"{event.series}/seconds"] = result.train_seconds
    return numbers


def test_numbers(study: StudyFacts, report: Report) -> Numbers:
    """Return the test scores of the confirmed models, and their gains in points of skill."""
    names = metric_names(study)
    numbers = {}
    for model in report.confirmed:
        for task, score in model.mean.items():
            numbers[f"test/{model.arm}/{names[task]}"] = score
        for models in (SINGLE, ENSEMBLE):
            comparison = report.comparison_of(model.arm, models)
            if comparison is not None:
                numbers[f"test/{model.arm}/gain.{models}"] = comparison.gain.mean
    return numbers


def verdict_words(report: Report) -> dict[str, str]:
    """Return the answer as words, by their names; none where there is no answer."""
    verdict = report.verdict
    if verdict is None:
        return {}
    return {
        "decision": verdict.decision,
        "verdict": verdict.sentence,
        "figures": verdict.figures,
        "recommended": verdict.recommended,
    }
