"""The nearest neighbours of a row (Fix & Hodges 1951)."""

from typing import Any, ClassVar, final

from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlsearch.references.contract import Encoder, LabelledRows, Reference, Setting
from mtlsearch.references.encoders import mean_target
from mtlsearch.references.flat_table import FlatColumns
from mtlsearch.tasks import EstimatorLoss


@final
class NearestNeighbours(Reference):
    """The mean of the nearest rows, weighted by the inverse distance of standardised inputs.

    Where there are fewer training rows, all of them are neighbours.
    """

    settings: ClassVar[tuple[Setting, ...]] = (
        {"n_neighbors": 10},
        {"n_neighbors": 3},
        {"n_neighbors": 30},
    )

    def encoders(self, columns: FlatColumns, seed: int) -> list[Encoder]:
        """Return many categories as the mean of their labels."""
        return [
            ("values", "passthrough", columns.value_slice),
            ("categories", mean_target(seed), columns.many_slice),
            ("words", "passthrough", columns.word_slice),
        ]

    def encoder(self, columns: FlatColumns, seed: int) -> Any:
        """Return the same, standardised."""
        return make_pipeline(super().encoder(columns, seed), StandardScaler())

    def estimator(self, loss: EstimatorLoss, setting: Setting, seed: int) -> Any:
        """Return a model of so many neighbours."""
        kind = KNeighborsClassifier if loss == "classes" else KNeighborsRegressor
        return kind(int(setting["n_neighbors"]), weights="distance", algorithm="brute")

    def fit_estimator(
        self,
        estimator: Any,
        train: LabelledRows,
        validation: LabelledRows | None,
        columns: FlatColumns,
    ) -> None:
        """Fit a model, of no more neighbours than there are rows."""
        count = min(estimator.n_neighbors, len(train.labels))
        estimator.set_params(n_neighbors=count)
        estimator.fit(train.inputs, train.labels)
