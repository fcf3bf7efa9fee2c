"""What references make of codes of categories."""

import numpy as np
from sklearn.model_selection import KFold
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from mtlsearch.references.contract import Encoder
from mtlsearch.references.flat_table import FlatColumns

MOST_CATEGORIES = 255  # that scikit-learn's histograms tell apart


def one_hot() -> OneHotEncoder:
    """One column for each category; a category that training rows lack has none."""
    return OneHotEncoder(handle_unknown="ignore")


def mean_target(seed: int) -> TargetEncoder:
    """The mean of a category's labels in its place, cross-fitted (Micci-Barreca 2001)."""
    return TargetEncoder(cv=KFold(shuffle=True, random_state=seed))


def ordinal_codes(unknown: float = np.nan, dtype: type = np.float64) -> OrdinalEncoder:
    """Codes from 0 on, of which a column has MOST_CATEGORIES at most.

    Of more categories the rarest have one code together. What training rows lack is `unknown`.
    """
    return OrdinalEncoder(
        max_categories=MOST_CATEGORIES,
        handle_unknown="use_encoded_value",
        unknown_value=unknown,
        dtype=dtype,
    )


def codes_and_means(columns: FlatColumns, seed: int) -> list[Encoder]:
    """Numbers, the codes of categories, words, and of many categories the mean labels.

    With few rows of a category splits by its code learn little, and by the mean much.
    """
    return [
        ("numbers", "passthrough", columns.number_slice),
        ("categories", ordinal_codes(), columns.code_slice),
        ("words", "passthrough", columns.word_slice),
        ("means", mean_target(seed), columns.many_slice),
    ]
