"""Predictions by an exported model, or by the one that `export` would write of a study."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mtlsearch.api.announcing import Announcer
from mtlsearch.api.predicting import predict_rows
from mtlsearch.api.study import open_study
from mtlsearch.errors import UsageError
from mtlsearch.export.predicting import is_exported, predict_folder
from mtlsearch.export.select_model import ALL, BEST
from mtlsearch.runtime.predictor import Predictor
from mtlsearch.scratch import scratch_folder
from mtlsearch.search.study_folder import is_study


def predict(  # noqa: PLR0913 - the list of options
    folder: str | Path,
    X: object,
    *,
    source: str | None = None,
    candidate: str | None = None,
    seeds: int | str | None = None,
    study_data: str | Path | None = None,
    verbose: bool = True,
) -> pd.DataFrame:
    """Predict rows with an exported model, or with a model of a study.

    Args:
        folder: An exported model, or a study's folder.
        X: N rows of inputs, as `Study.predict` takes them.
        source: Which source the rows are of, for a model of several.
        candidate: Of a study, as in `export` (default: best).
        seeds: Of a study, as in `export` (default: all).
        study_data: Of a study, where its data are now, if they were moved.
        verbose: Whether what is odd about the rows is told on standard error.

    Returns:
        N rows in the users' units.

    Raises:
        UsageError: The folder is neither, or there is no such model.
        DataError: The rows cannot be predicted.
    """
    folder = Path(folder)
    choices = {"--candidate": candidate, "--seeds": seeds, "--study-data": study_data}
    if _is_study_to_choose_from(folder, choices):
        study = open_study(folder, data=study_data, verbose=verbose)
        model = study.model(candidate=candidate or BEST, seeds=seeds or ALL)
    else:
        _require_model(folder)
        model = Predictor.of_folder(folder)
    return predict_rows(model, X, source, Announcer(verbose))


def predict_file(  # noqa: PLR0913 - the list of options
    folder: Path,
    data: Path,
    to: Path | None = None,
    *,
    source: str | None = None,
    candidate: str | None = None,
    seeds: int | str | None = None,
    study_data: str | Path | None = None,
) -> None:
    """Predict a file and write CSV, in an interpreter of its own; see `predict`.

    What is odd about the rows is told on standard error.

    Args:
        folder: An exported model, or a study's folder.
        data: A table or .npz file.
        to: The file to write; None: standard output.
        source: Which source the table is, for a model of several.
        candidate: Of a study, as in `export`.
        seeds: Of a study, as in `export`.
        study_data: Of a study, where its data are now, if they were moved.

    Raises:
        UsageError: The folder is neither, or there is no such model.
        DataError: The table cannot be predicted.
    """
    choices = {"--candidate": candidate, "--seeds": seeds, "--study-data": study_data}
    if not _is_study_to_choose_from(folder, choices):
        predict_folder(folder, data, to, source)
        return
    study = open_study(folder, data=study_data)
    with scratch_folder() as temporary:
        model = temporary / "model"
        exported = study.export(model, candidate=candidate or BEST, seeds=seeds or ALL)
        Announcer().tell(f"{folder}: {exported.summary}; `export` keeps it")
        predict_folder(model, data, to, source)


def _is_study_to_choose_from(
    folder: Path,
    choices: Mapping[str, object],
) -> bool:
    """Tell a study from an exported model, of which nothing can be chosen."""
    if is_study(folder) and not is_exported(folder):
        return True
    for option, value in choices.items():
        if value is not None:
            raise UsageError(f"{option}: found {value}; {folder} is no study to choose from")
    return False


def _require_model(folder: Path) -> None:
    if not is_exported(folder):
        raise UsageError(f"{folder}: is neither an exported model nor a study")
