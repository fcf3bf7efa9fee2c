"""The export of the best model known of each task: the network's, or a ready-made one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mtlsearch.data import Dataset
from mtlsearch.export.folder import export_model
from mtlsearch.export.from_study import card_of, model_of
from mtlsearch.export.reference_models import hand_over
from mtlsearch.export.select_model import BEST, select_model
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace


def export_best_per_task(
    study: Study,
    dataset: Dataset,
    space: SearchSpace,
    to: Path,
    formats: Sequence[str] = ("code",),
) -> tuple[float, Sequence[str]]:
    """Export the recommended model, with ready-made models for tasks where these are better.

    Args:
        study: The study.
        dataset: Its data.
        space: Its search space.
        to: The folder, which does not exist or is empty.
        formats: Names of formats, see `export_model`; they hold the network alone.

    Returns:
        The largest deviation of the export, and for each task what predicts it, as sentences.

    Raises:
        UsageError: A package is missing, or see `export_model`.
        StudyError: The study has not come so far that it could tell.
        ExportError: A model does not predict what the study keeps of it.
    """
    analysis = Analysis(study, dataset)
    selected = select_model(analysis, BEST)
    model = model_of(selected, study, dataset, space)
    handed = hand_over(analysis, model.data, model.replicate)
    card = card_of(selected, dataset)
    notes = [*card.notes, *handed.sentences]
    model = replace(model, references=handed.references)
    deviation = export_model(model, to, replace(card, notes=notes), formats)
    return deviation, handed.sentences
