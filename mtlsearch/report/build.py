"""The report of a study: gathered into one documented dict, then written as JSON, HTML, CSV and drawings."""

import csv
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mtlsearch import __version__
from mtlsearch.data import TEST, Dataset, fold
from mtlsearch.evidence.interval import Interval, standard_error
from mtlsearch.evidence.selection import reference_scores
from mtlsearch.evidence.verdict import Comparison
from mtlsearch.records import Trial
from mtlsearch.report.candidates import Field, plain
from mtlsearch.report.choices import choice_rows
from mtlsearch.report.html import render_page
from mtlsearch.report.sections import affinity_map, components_saved, reference_rows
from mtlsearch.report.tree_drawing import draw_tree
from mtlsearch.search import confirmation
from mtlsearch.search.confirmation import Confirmed
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace
from mtlsearch.tasks.metrics import METRICS
from mtlsearch.tasks.task import Task

SCHEMA_VERSION = 3


def build_report(study: Study, dataset: Dataset, space: SearchSpace) -> dict[str, Any]:
    """Gather everything the study says; the fields are described in report.schema.json."""
    tasks, names = dataset.tasks, [task.name for task in dataset.tasks]
    arms, trainings = confirmation.evaluated_arms(study, dataset), confirmation.trained_arms(study)
    everything = [each for evaluated in arms.values() for each in evaluated]
    reference = (
        reference_scores(arms.get("single_task", []), everything, tasks) if everything else {}
    )
    candidates = Field.of(arms, tasks, reference, space.cost)
    found = confirmation.confirmed(study)
    comparisons = confirmation.compare_confirmed(found, dataset)
    verdict = confirmation.verdict(found, dataset)
    return {
        "schema_version": SCHEMA_VERSION,
        "versions": versions(),
        "study": _study(study, space, bool(found)),
        "data": _data(dataset, study.request.seed),
        "tasks": [_task(task, dataset) for task in tasks],
        "space": space.to_mapping(),
        "arms": [
            _arm(name, trainings[name], candidates.of_arm(name), study, space)
            for name in study.request.arms
        ],
        "front": candidates.front(),
        "points": candidates.points(),
        "choices": choice_rows(trainings, candidates.best, study.picks(), space, tasks),
        "confirmed": [_confirmed(each, names) for each in found],
        "comparisons": [_comparison(each, tasks) for each in comparisons.values()],
        "affinity": affinity_map(trainings, tasks),
        "references": reference_rows(study.references),
        "verdict": vars(verdict) if verdict else None,
    }


def write_report(report: Mapping[str, Any], folder: Path) -> Path:
    """Write report.json, report.html, front.csv and trees/*.svg; return the path of the page."""
    (folder / "trees").mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(
        json.dumps(report, indent=1, allow_nan=False), encoding="utf-8"
    )
    (folder / "report.html").write_text(render_page(dict(report)), encoding="utf-8")
    _write_front(report, folder / "front.csv")
    sources = {task["name"]: task["source"] for task in report["tasks"]}
    for old in (folder / "trees").glob("*.svg"):
        old.unlink()
    for row in report["front"]:
        name = row["candidate"]
        drawing = draw_tree(row["composition"], f"{row['arm']} {name}", sources)
        (folder / "trees" / f"{row['arm']}-{name}.svg").write_text(drawing, encoding="utf-8")
    for row in report["confirmed"]:
        (folder / "trees" / f"{row['arm']}.svg").write_text(
            draw_tree(row["composition"], row["arm"], sources), encoding="utf-8"
        )
    return folder / "report.html"


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    packages = {name: version(name) for name in ("torch", "ray", "optuna")}
    return {
        "mtlsearch": __version__,
        "python": platform.python_version(),
        **packages,
        "platform": platform.platform(),
    }


def _study(study: Study, space: SearchSpace, finished: bool) -> dict[str, Any]:
    schedule = vars(space.training)
    hidden = ("space", "digest", "created", "versions")
    settings = {
        name: value for name, value in study.request.to_json().items() if name not in hidden
    }
    settings = {
        name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()
    }
    return {
        "folder": str(study.folder),
        "created": study.request.created,
        "finished": finished,
        "wall_seconds": round(study.wall_seconds, 1),
        "settings": {**settings, **schedule},
        "engine": study.engine.to_json() if study.engine else None,
    }


def _data(dataset: Dataset, seed: int) -> dict[str, Any]:
    first = fold(dataset, 0, seed)
    sources = [
        {
            "name": name,
            "rows": len(source.inputs),
            "kind": source.kind,
            "inputs": source.numbers,
            "train": len(first.train[name]),
            "validation": len(first.validation[name]),
            "test": int((source.splits.role == TEST).sum()),
        }
        for name, source in dataset.sources.items()
    ]
    return {
        "name": dataset.name,
        "digest": dataset.digest,
        "sources": sources,
        "notices": list(dataset.notices),
    }


def _task(task: Task, dataset: Dataset) -> dict[str, Any]:
    return {
        "name": task.name,
        "kind": task.kind,
        "metric": task.metric,
        "higher_is_better": METRICS[task.metric].higher_is_better,
        "source": task.source,
        "labels": int((~np.isnan(dataset.targets[task.name])).sum()),
        "classes": list(task.classes),
    }


def _arm(
    name: str,
    trainings: Sequence[Trial],
    gains: Sequence[float],
    study: Study,
    space: SearchSpace,
) -> dict[str, Any]:
    failures = [
        {"number": t.number, "reason": t.result.failure} for t in trainings if t.result.failure
    ]
    return {
        "name": name,
        "trainings": study.request.trainings,
        "epochs": space.training.epochs,
        "complete": len(trainings) - len(failures),
        "failed": len(failures),
        "candidates": len({t.candidate.key for t in trainings}),
        "components_saved": components_saved(trainings, study.request.cohort),
        "epochs_run": sum(max(t.result.epochs, default=0) for t in trainings),
        "train_seconds": round(sum(t.result.train_seconds for t in trainings), 2),
        "best_gain": max(gains, default=None),
        "failures": failures,
    }


def _confirmed(each: Confirmed, names: Sequence[str]) -> dict[str, Any]:
    outcomes = [each.outcomes[seed] for seed in sorted(each.outcomes)]
    test = {name: [outcome.test_scores[name] for outcome in outcomes] for name in names}
    return {
        "arm": each.pick.arm,
        "candidate": each.pick.candidate,
        "tree": each.pick.composition.spell(names),
        "composition": plain(each.pick.composition, names),
        "parameters": outcomes[0].parameters,
        "macs_per_example": outcomes[0].macs_per_example,
        "validation_gain": each.pick.validation_gain,
        "test": test,
        "mean": {name: float(np.mean(values)) for name, values in test.items()},
        "standard_error": {name: standard_error(values) for name, values in test.items()},
    }


def _comparison(comparison: Comparison, tasks: Sequence[Task]) -> dict[str, Any]:
    """Differences in the metric's own direction: arm minus single-task."""
    rows = {}
    for task in tasks:
        oriented = comparison.differences[task.name]
        difference = oriented if METRICS[task.metric].higher_is_better else _flipped(oriented)
        rows[task.name] = {
            "difference": difference.to_json(),
            "result": comparison.results[task.name],
        }
    gain = {"maninis": comparison.gain.to_json(), "nash_mtl": _flipped(comparison.gain).to_json()}
    return {"arm": comparison.arm, "baseline": "single_task", "tasks": rows, "gain": gain}


def _flipped(value: Interval) -> Interval:
    turned = [None if end is None else -end for end in (value.high, value.low)]
    return Interval(-value.mean, turned[0], turned[1])


def _write_front(report: Mapping[str, Any], path: Path) -> None:
    names = [task["name"] for task in report["tasks"]]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        errors = [f"{name}_standard_error" for name in names]
        writer.writerow(
            [
                "arm",
                "candidate",
                *names,
                *errors,
                "replicates",
                "parameters",
                "macs_per_example",
                "gain_percent",
                "tie",
                "tree",
            ]
        )
        for row in report["front"]:
            scores = [
                row["scores"][name][key] for key in ("mean", "standard_error") for name in names
            ]
            rest = [
                row[key]
                for key in ("replicates", "parameters", "macs_per_example", "gain", "tie", "tree")
            ]
            writer.writerow([row["arm"], row["candidate"], *scores, *rest])
