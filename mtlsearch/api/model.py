"""A trained model that predicts tables."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch

from mtlsearch.api.announcing import Announcer
from mtlsearch.api.given_data import write_table
from mtlsearch.arrays import Array
from mtlsearch.errors import DataError, UsageError
from mtlsearch.export.rows import readable
from mtlsearch.runtime.predict import Predictor, TableError, read_csv, read_npz


class Model:
    """A model as `export` writes it: its networks, their preparation, and ready-made models.

    It is written when it is first used.
    """

    def __init__(
        self,
        words: str,
        write: Callable[[], Path],
        announcer: Announcer,
    ) -> None:
        """Take what writes the model into a folder, and what it is called."""
        self._words = words
        self._write = write
        self._announcer = announcer

    def __repr__(self) -> str:
        return f"<Model {self._words}>"

    @cached_property
    def folder(self) -> Path:
        """The exported folder."""
        return self._write()

    @property
    def network(self) -> torch.nn.Module:
        """The network, or the ensemble of networks, in evaluation mode.

        It maps a dict of prepared inputs by source to a dict of outputs by task.
        """
        network: torch.nn.Module = self._predictor.network
        return network

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor(self.folder)

    def predict(
        self,
        X: object,
        *,
        source: str | None = None,
    ) -> pd.DataFrame:
        """Predict rows.

        Args:
            X: N rows of inputs: anything that `Search.fit` takes data as, but for cards. Other
                columns than those that the model needs are ignored.
            source: Which source the rows are of, for a model of several.

        Returns:
            N rows in the users' units, with the index of `X`: for each task its value or label,
            and behind the labels their probabilities.

        Raises:
            DataError: A column is missing, the rows cannot be read, or which source they are of
                cannot be told.
        """
        _, columns = self._columns(X, source)
        return pd.DataFrame(columns, index=_index_of(X))

    def predict_proba(
        self,
        X: object,
        *,
        source: str | None = None,
    ) -> pd.DataFrame:
        """Predict probabilities: N rows, with columns (task, class). See `predict`.

        Raises UsageError where no task of the source has classes.
        """
        columns: dict[tuple[str, str], Array] = {}
        for task, predictions in self.predictions(X, source).items():
            classes = self._predictor.decoders[task].classes
            if not classes:
                continue
            if predictions.ndim == 1:  # the probability of the second of two classes
                predictions = np.column_stack([1.0 - predictions, predictions])
            for name, probabilities in zip(classes, predictions.T, strict=True):
                columns[task, name] = probabilities
        if not columns:
            names = ", ".join(self._predictor.tasks)
            raise UsageError(f"predict_proba: no task has classes; found {names}; use predict")
        return pd.DataFrame(columns, index=_index_of(X))

    def predictions(
        self,
        X: object,
        source: str | None = None,
    ) -> dict[str, Array]:
        """Return for each task of the source its predictions of N rows, float64.

        They are values or the probability of the second of two classes [N], or probabilities of
        C classes [N, C].
        """
        chosen, result = self._columns(X, source)
        columns = list(result.values())
        predictions = {}
        for name, task in self._predictor.tasks.items():
            if task["source"] != chosen:
                continue
            decoder = self._predictor.decoders[name]
            width = len(decoder.column_names(name))
            predictions[name] = decoder.from_columns(columns[:width])
            columns = columns[width:]
        return predictions

    def _columns(
        self,
        X: object,
        source: str | None,
    ) -> tuple[str, Mapping[str, Any]]:
        """The source of rows, and their output columns; on the side what was odd about these."""
        with TemporaryDirectory() as temporary:
            table, begins = _table_of(X, Path(temporary))
            try:
                source = source or self._predictor.choose_source(table)
                result = self._predictor.predict(table, source, begins)
            except TableError as error:
                raise DataError(f"X: {error}") from error
        for notice in self._predictor.notices:
            self._announcer.tell(f"X: {notice}")
        return source, result


def _table_of(
    X: object,
    scratch: Path,
) -> tuple[Mapping[str, Any], Path]:
    """The cells of rows as an exported model reads them, and where paths of pictures begin."""
    if isinstance(X, str | Path):
        file, begins = Path(X).expanduser(), Path(X).expanduser().parent
    else:
        file, begins = write_table(X, None, scratch / "rows"), Path()
    if not file.is_file():
        raise DataError(f"{file}: no such file")
    file = readable(file, scratch)
    read = read_npz if file.suffix == ".npz" else read_csv
    try:
        table, _ = read(file)
    except TableError as error:
        raise DataError(f"X: {error}") from error
    return table, begins


def _index_of(X: object) -> "pd.Index[Any] | None":
    return X.index if isinstance(X, pd.DataFrame) else None
