"""What a raw table column holds: numbers, booleans, text or something else, decided on the known (non-test) rows alone."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array

DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")
MAXIMUM_CATEGORIES = 64
LARGEST_NUMBER = (
    1e30  # beyond it, a number is taken as infinite: squares and float32 must not overflow
)


@dataclass(frozen=True)
class Column:
    """`values[N]`: float64 with NaN (number, boolean), or text and None (text, date, other)."""

    type: Literal["number", "boolean", "text", "date", "other"]
    values: Array

    @property
    def numeric(self) -> bool:
        """True for numbers and booleans."""
        return self.type in ("number", "boolean")

    @property
    def present(self) -> Array:
        """Return bool[N]: the rows that have a value."""
        return ~np.isnan(self.values) if self.numeric else ~pd.isna(self.values)


def resolve(raw: "pd.Series[Any]", known: Array) -> Column:
    """Return `raw[N]` as a `Column` typed by the rows where `known[N]` is True.

    In the other rows, what does not fit the type becomes missing, so that they cannot change how a column is read.
    """
    if pd.api.types.is_bool_dtype(raw):
        return Column("boolean", raw.to_numpy(np.float64, na_value=np.nan))
    if pd.api.types.is_numeric_dtype(raw) and not pd.api.types.is_complex_dtype(raw):
        return Column("number", raw.to_numpy(np.float64, na_value=np.nan))
    if pd.api.types.is_datetime64_any_dtype(raw) or pd.api.types.is_timedelta64_dtype(raw):
        return Column("date", _text(raw.astype(object)))
    return _resolve_objects(
        raw.astype(object).where(raw.notna() & (raw.astype(str) != ""), None), known
    )


def _resolve_objects(raw: "pd.Series[Any]", known: Array) -> Column:
    here = raw[known].dropna()
    words = raw.map(lambda value: str(value).lower(), na_action="ignore")
    if len(here) and words[known].dropna().isin(["true", "false"]).all():
        return Column("boolean", words.map({"true": 1.0, "false": 0.0}).to_numpy(np.float64))
    if here.map(lambda value: isinstance(value, (list, dict, bytes, np.ndarray))).any():
        return Column("other", _text(raw))
    numbers = pd.to_numeric(raw.map(_scalar), errors="coerce").astype(np.float64)
    if numbers[here.index].notna().all():
        return Column("number", numbers.to_numpy(np.float64))
    text = _text(raw)
    dates = all(DATE.fullmatch(value) for value in pd.unique(text[known]) if value is not None)
    return Column("date" if dates else "text", text)


def _scalar(value: object) -> object:
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _text(raw: "pd.Series[Any]") -> Array:
    text = np.empty(len(raw), dtype=object)
    text[:] = [
        None if missing else str(value) for value, missing in zip(raw, raw.isna(), strict=True)
    ]
    return text


def input_column(name: str, raw: "pd.Series[Any]", known: Array) -> tuple[Array | None, str]:
    """Return `(values[N], "")` for a usable input, or `(None, why it is left out)`. Infinite numbers become missing."""
    column = resolve(raw, known)
    if name.startswith("Unnamed: "):
        return None, "it has no name (a row index?)"
    if column.numeric:
        return np.where(np.abs(column.values) < LARGEST_NUMBER, column.values, np.nan), ""
    if column.type != "text":
        return (
            None,
            "it holds dates" if column.type == "date" else "it holds neither numbers nor text",
        )
    here = column.values[known & column.present]
    distinct = len(pd.unique(here))
    if distinct > MAXIMUM_CATEGORIES and distinct > 0.5 * len(here):
        return None, f"it looks like an identifier ({distinct} distinct values in {len(here)} rows)"
    return column.values, ""
