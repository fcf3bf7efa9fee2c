"""Random forests (Breiman 2001)."""

from typing import Any, ClassVar, final

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from mtlsearch.references.contract import Encoder, Reference, Setting
from mtlsearch.references.encoders import mean_target
from mtlsearch.references.flat_table import FlatColumns
from mtlsearch.tasks import EstimatorLoss

TREES = 100


@final
class RandomForest(Reference):
    """The mean of trees on bootstrap samples of the rows."""

    settings: ClassVar[tuple[Setting, ...]] = (
        {"min_samples_leaf": 1},
        {"min_samples_leaf": 5},
    )

    def encoders(self, columns: FlatColumns, seed: int) -> list[Encoder]:
        """Return many categories as the mean of their labels."""
        return [
            ("values", "passthrough", columns.value_slice),
            ("categories", mean_target(seed), columns.many_slice),
            ("words", "passthrough", columns.word_slice),
        ]

    def estimator(self, loss: EstimatorLoss, setting: Setting, seed: int) -> Any:
        """Return a forest whose leaves have so many rows."""
        leaf = int(setting["min_samples_leaf"])
        if loss == "classes":
            return RandomForestClassifier(TREES, min_samples_leaf=leaf, random_state=seed)
        return RandomForestRegressor(
            TREES,
            criterion=loss,
            min_samples_leaf=leaf,
            random_state=seed,
        )
