"""Ready-made models in the place of a network's predictions: chosen, fitted again, written."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mtlsearch.arrays import Array
from mtlsearch.errors import ExportError, UsageError
from mtlsearch.evidence.references import ReferenceChoice
from mtlsearch.export.deviation import TOLERANCE, deviation
from mtlsearch.records import ReferenceJob, Replicate
from mtlsearch.references import REFERENCES
from mtlsearch.references.fitting import FittedReference
from mtlsearch.references.flat_table import layout_of
from mtlsearch.references.trainer import ReferenceTrainer
from mtlsearch.runtime.flat_inputs import FlatLayout
from mtlsearch.runtime.reference_models import RECORDS, TRUSTED
from mtlsearch.search.analysis import Analysis
from mtlsearch.tasks import Task
from mtlsearch.training.training_data import TrainingData

FOLDER = "references"


@dataclass(frozen=True)
class HandedReference:
    """A ready-made model that predicts a task in an exported folder.

    Attributes:
        name: The name of the reference.
        fitted: The model.
        layout: What its inputs are made of.
        predictions: What the study keeps of its predictions for the test rows.
    """

    name: str
    fitted: FittedReference
    layout: FlatLayout
    predictions: Array


@dataclass(frozen=True)
class HandOver:
    """The ready-made models that an exported folder gets beside its networks.

    Attributes:
        references: For each network by the name of a task the model fitted on its replicate.
        sentences: For each task what predicts it.
    """

    references: Sequence[Mapping[str, HandedReference]]
    sentences: Sequence[str]


def hand_over(
    analysis: Analysis,
    data: TrainingData,
    replicates: Sequence[Replicate],
) -> HandOver:
    """Fit the references again that are surely better than the recommended model.

    Which of them stands for a task was chosen on validation rows. Its fits are those on the
    replicates of the networks, so both read inputs that are prepared alike.

    Raises:
        UsageError: The package that writes the models is not installed.
        ExportError: A model does not predict what the study keeps of it.
    """
    if find_spec("skops") is None:
        raise UsageError("--best-per-task: needs skops: pip install 'mtlsearch[references]'")
    trainer = ReferenceTrainer(
        data.dataset,
        lambda replicate: data.fold(replicate).prepared,
    )
    references: list[dict[str, HandedReference]] = [{} for _ in replicates]
    sentences = []
    for task in data.dataset.tasks:
        choice = analysis.reference_choices.get(task.name)
        if choice is None or choice.result != "win":
            sentences.append(f"{task.name}: by the network; no ready-made model is surely better")
            continue
        fits = []
        for replicate in replicates:
            fits.append(_fit_again(analysis, choice, data, replicate, trainer))
        reason = next((fit for fit in fits if isinstance(fit, str)), None)
        if reason is not None:
            sentences.append(
                f"{task.name}: by the network, though {choice.reference} is better: {reason}"
            )
            continue
        for of_network, fit in zip(references, fits, strict=True):
            assert not isinstance(fit, str), "there was no reason against it"
            of_network[task.name] = fit
        sentences.append(f"{task.name}: by {choice.reference}, better by {_points(choice)}")
    return HandOver(references, sentences)


def _fit_again(
    analysis: Analysis,
    choice: ReferenceChoice,
    data: TrainingData,
    replicate: Replicate,
    trainer: ReferenceTrainer,
) -> HandedReference | str:
    """The reference of a task, fitted on a replicate; or why it cannot be handed over."""
    [task] = [task for task in data.dataset.tasks if task.name == choice.task]
    prepared = data.fold(replicate).prepared
    layout = layout_of(prepared, task.source)
    if layout is None:
        schema = prepared.schemas[task.source]
        return f"it is handed over for tables without pictures only, not for {schema}"
    kept = _kept_predictions(analysis, choice, replicate)
    fitted_seeds = analysis.study.reference_seeds
    if replicate.index >= fitted_seeds:
        return f"it has models of the first {fitted_seeds} seeds only (--seeds {fitted_seeds})"
    if kept is None:
        return f"it has no model of seed {replicate.index}"
    fit = trainer.fit_of(_job(analysis, choice, replicate), task)
    fitted = fit.best()
    _check(task, kept, trainer.test_predictions(fitted, fit))
    return HandedReference(choice.reference, fitted, layout, kept)


def _job(analysis: Analysis, choice: ReferenceChoice, replicate: Replicate) -> ReferenceJob:
    """The job that the study had for the reference, for one task."""
    request = analysis.study.request
    [reference] = [entry for entry in analysis.references if entry.name == choice.reference]
    return ReferenceJob(
        number=0,
        reference=choice.reference,
        replicate=replicate,
        seed=request.seed,
        most_rows=request.reference_rows,
        settings={choice.task: reference.settings(choice.task)},
    )


def _kept_predictions(
    analysis: Analysis,
    choice: ReferenceChoice,
    replicate: Replicate,
) -> Array | None:
    """What the study keeps of the predictions of a reference; None without such a fit."""
    for reference in analysis.references:
        if reference.name == choice.reference:
            for scored in reference.fits:
                if scored.seed_index == replicate.index:
                    return scored.predictions.get(choice.task)
    return None


def _check(task: Task, kept: Array, predictions: Array) -> None:
    largest = deviation(predictions, kept, task.unit)
    if not largest <= TOLERANCE:  # also for NaN
        raise ExportError(
            f"{task.name}: the model was fitted again and deviates by {largest:.1e} from what the "
            "study keeps of its predictions; was it made with other versions of its packages?"
        )


def _points(choice: ReferenceChoice) -> str:
    gain = choice.gain
    skill = f"{gain.mean:.2f} points of skill on test rows"
    return f"{skill}, 95% interval {gain.low:.2f} to {gain.high:.2f}"


def write_references(draft: Path, references: Sequence[Mapping[str, HandedReference]]) -> None:
    """Write the models of each network, and what is to be known of them, into a folder.

    Raises ExportError where a model is made of a type that the folder would not read.
    """
    if not references[0]:
        return
    (draft / FOLDER).mkdir()
    records: dict[str, list[dict[str, Any]]] = {}
    for network, of_network in enumerate(references):
        for number, (name, reference) in enumerate(of_network.items()):
            stem = f"{FOLDER}/{number}-{network}"
            record = _write_reference(draft, stem, reference)
            records.setdefault(name, []).append(record)
    (draft / RECORDS).write_text(json.dumps(records, indent=1) + "\n", "utf-8")


def _write_reference(draft: Path, stem: str, reference: HandedReference) -> dict[str, Any]:
    """Write the files of a model; return its record."""
    skops: Any = import_module("skops.io")
    files = []
    for position, model in enumerate(reference.fitted.models):
        file = f"{stem}-{position}.skops"
        skops.dump(model, draft / file)
        unknown = set(skops.get_untrusted_types(file=draft / file)) - set(TRUSTED)
        if unknown:
            raise ExportError(f"{reference.name} is made of {', '.join(sorted(unknown))}")
        files.append(file)
    task = reference.fitted.task
    return {
        "reference": reference.name,
        "files": files,
        "unit": reference.fitted.unit,
        "outputs": reference.predictions.shape[1] if reference.predictions.ndim > 1 else 1,
        "per_label": task.kind.labels_per_class,
        "is_rate": task.kind.estimator_loss == "poisson",
        "layout": reference.layout.to_record(),
    }


def packages_of(references: Sequence[Mapping[str, HandedReference]]) -> list[str]:
    """Return the packages that the models of the networks need."""
    if not references[0]:
        return []
    packages = {REFERENCES[reference.name].package for reference in references[0].values()}
    return sorted({"skops", "scikit-learn", *packages})
