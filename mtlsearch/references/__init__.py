"""The table of references: ready-made models that a network should beat.

To add one: one file, one line here.
"""

from mtlsearch.references.cat_boost import CatBoost
from mtlsearch.references.contract import Reference
from mtlsearch.references.histogram_boosting import HistogramBoosting
from mtlsearch.references.light_gbm import LightGBM
from mtlsearch.references.linear import Linear
from mtlsearch.references.nearest_neighbours import NearestNeighbours
from mtlsearch.references.random_forest import RandomForest

REFERENCES: dict[str, Reference] = {
    "linear": Linear(),
    "nearest_neighbours": NearestNeighbours(),
    "random_forest": RandomForest(),
    "histogram_boosting": HistogramBoosting(),
    "lightgbm": LightGBM(),
    "catboost": CatBoost(),
}


def installed_references() -> tuple[str, ...]:
    """Return the names of the references whose package is installed here."""
    return tuple(name for name, reference in REFERENCES.items() if reference.is_installed)


__all__ = ["REFERENCES", "Reference", "installed_references"]
