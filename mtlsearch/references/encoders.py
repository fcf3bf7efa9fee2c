"""What references make of codes of categories."""

import numpy as np
from sklearn.model_selection import KFold
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

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
