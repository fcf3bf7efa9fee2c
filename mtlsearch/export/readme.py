"""The README of an exported model."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtlsearch.candidate import Composition
from mtlsearch.export.formats import FORMATS, MOST_CHECKED
from mtlsearch.export.stacked_layers import OneByOne
from mtlsearch.export.templates import render
from mtlsearch.export.text import wrap
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.export.verification import checked_rows
from mtlsearch.runtime.decoding import OutputDecoder
from mtlsearch.runtime.predictor import NETWORKS
from mtlsearch.version import __version__


@dataclass(frozen=True)
class ModelCard:
    """What the README says beyond the model.

    Attributes:
        title: The title.
        metrics: The score of each task as text, by its name.
        notes: Further limitations, a sentence each.
    """

    title: str = "Multi-task model"
    metrics: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def write_readme(
    draft: Path,
    models: Sequence[TrainedModel],
    card: ModelCard,
    deviation: float,
) -> None:
    """Write README.md into a folder that holds everything else, with its largest deviation."""
    composition = models[0].composition
    data = models[0].data
    dataset = data.dataset
    prepared = json.loads((draft / "preprocess.json").read_text("utf-8"))
    fitted = prepared.get(NETWORKS, [prepared])[0]
    plan = json.loads((draft / "training.json").read_text("utf-8"))
    names = [task.name for task in dataset.tasks]
    text = render(
        "README.md.jinja",
        title=card.title,
        metrics=card.metrics,
        notes=card.notes,
        version=__version__,
        networks=len(models),
        one_by_one=OneByOne.__name__ in (draft / "model.py").read_text("utf-8"),
        packages=_packages(draft),
        deviation=deviation,
        tasks=fitted["tasks"],
        output_columns=_output_columns(fitted["tasks"]),
        sources=fitted["sources"],
        dataset=dataset.name,
        digest=dataset.digest,
        tree=wrap(composition.spell(names)),
        settings=_settings(composition),
        rows=_checked_rows(models[0]),
        plan=plan,
        most_checked=MOST_CHECKED,
        formats=[kind for kind in FORMATS.values() if (draft / kind.file).is_file()],
    )
    (draft / "README.md").write_text(text, "utf-8")


def _packages(draft: Path) -> str:
    """The names of the packages that the folder needs, as a list in words."""
    lines = (draft / "requirements.txt").read_text("utf-8").splitlines()
    needed = [line for line in lines if not line.startswith("#")]
    *names, last = [re.split("[>=]=", line)[0] for line in needed]
    return f"{', '.join(names)} and {last}"


def _output_columns(tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """The columns that spell the predictions of each task, by its name."""
    columns = {}
    for name, record in tasks.items():
        decoder = OutputDecoder.from_json(record)
        columns[name] = decoder.column_names(name)
    return columns


def _settings(composition: Composition) -> list[str]:
    """The components as JSON, in lines."""
    lines: list[str] = []
    for component in composition:
        lines.extend(wrap(json.dumps(component.to_json())))
    return lines


def _checked_rows(model: TrainedModel) -> int:
    """The number of rows that were compared."""
    sources = {task.source for task in model.tasks}
    return sum(len(checked_rows(model.data, source)) for source in sources)
