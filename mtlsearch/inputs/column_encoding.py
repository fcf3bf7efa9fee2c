"""How one input column becomes network inputs: fitted on training rows, applied with arithmetic that an export repeats."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from mtlsearch.arrays import Array
from mtlsearch.data.columns import LARGEST_NUMBER, MAXIMUM_CATEGORIES


@dataclass(frozen=True)
class NumericColumn:
    """A number or boolean (0/1): `(x or the median if missing - mean) / scale`, then a missing-indicator if `indicator`.

    A column that is `constant` on the training rows gives zeros, as does an indicator that is not `indicator_seen` (no
    training row was missing): the layout stays the same in every fold, and nothing untrained reaches the network.
    """

    name: str
    median: float
    mean: float
    scale: float
    constant: bool
    indicator: bool
    indicator_seen: bool

    @property
    def width(self) -> int:
        """Number of network inputs."""
        return 1 + self.indicator

    def encode(self, values: Array) -> Array:
        """Return float64 [N, width] of `values[N]` (NaN, infinite or beyond LARGEST_NUMBER = missing)."""
        missing = ~(np.abs(values) < LARGEST_NUMBER)
        filled = np.where(missing, self.median, values)
        number = np.zeros(len(values)) if self.constant else (filled - self.mean) / self.scale
        return (
            np.column_stack([number, missing * float(self.indicator_seen)])
            if self.indicator
            else number[:, None]
        )

    def to_json(self) -> dict[str, Any]:
        """Return the record of this column; see `Preparation.to_json`."""
        return {
            "name": self.name,
            "type": "numeric",
            **{key: getattr(self, key) for key in _NUMERIC_FIELDS},
        }


_NUMERIC_FIELDS = ("median", "mean", "scale", "constant", "indicator", "indicator_seen")


@dataclass(frozen=True)
class CategoricalColumn:
    """Text, one-hot over `categories`; those not `seen` in a training row, unknown and missing ones give zeros."""

    name: str
    categories: tuple[str, ...]
    seen: tuple[bool, ...]

    @property
    def width(self) -> int:
        """Number of network inputs."""
        return len(self.categories)

    def encode(self, values: Array) -> Array:
        """Return float64 [N, width] of the text `values[N]` (None = missing)."""
        codes = pd.Index(self.categories, dtype=object).get_indexer(pd.Index(values, dtype=object))
        return np.eye(self.width + 1)[codes, : self.width] * np.array(self.seen, np.float64)

    def to_json(self) -> dict[str, Any]:
        """Return the record of this column; see `Preparation.to_json`."""
        return {
            "name": self.name,
            "type": "categorical",
            "categories": list(self.categories),
            "seen": list(self.seen),
        }


EncodedColumn = NumericColumn | CategoricalColumn


def fit_columns(inputs: pd.DataFrame, known: Array, train: Array) -> tuple[EncodedColumn, ...]:
    """Return the encodings of `inputs[N, columns]` in column order.

    `known` are the numbers of all rows that are not test rows: they alone decide the layout (categories, indicators).
    `train` are the training rows: they alone decide every fitted number.
    """
    names = [name for name in inputs if inputs[name].dtype != object]
    numeric = _fit_numeric(inputs[names], known, train) if names else {}
    return tuple(
        numeric.get(name) or _fit_categorical(name, inputs[name].to_numpy(), known, train)
        for name in inputs
    )


def _fit_numeric(inputs: pd.DataFrame, known: Array, train: Array) -> dict[Any, EncodedColumn]:
    values = inputs.to_numpy(np.float64)
    values = np.where(np.abs(values) < LARGEST_NUMBER, values, np.nan)
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    filled = imputer.fit_transform(values[train])
    scaler = StandardScaler().fit(filled)
    constant = (np.ptp(filled, axis=0) == 0) | ~np.isfinite(scaler.var_) | (scaler.var_ <= 0)
    missing_known, missing_train = np.isnan(values[known]).any(0), np.isnan(values[train]).any(0)
    fitted = zip(
        inputs,
        imputer.statistics_,
        scaler.mean_,
        scaler.scale_,
        constant,
        missing_known,
        missing_train,
        strict=True,
    )
    return {
        name: NumericColumn(
            str(name),
            float(median),
            float(mean),
            float(scale),
            bool(flat),
            bool(indicator),
            bool(seen),
        )
        for name, median, mean, scale, flat, indicator, seen in fitted
    }


def _fit_categorical(name: Any, values: Array, known: Array, train: Array) -> CategoricalColumn:
    present, counts = np.unique(
        [value for value in values[known] if value is not None], return_counts=True
    )
    frequent = np.argsort(-counts, kind="stable")[:MAXIMUM_CATEGORIES]
    categories = tuple(sorted(str(value) for value in present[frequent]))
    trained = set(values[train])
    return CategoricalColumn(
        str(name), categories, tuple(category in trained for category in categories)
    )
