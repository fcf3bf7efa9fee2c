"""Gradient boosting over histograms, by scikit-learn."""

from typing import Any, ClassVar, final

from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from mtlsearch.references.contract import Encoder, LabelledRows, Reference, Setting
from mtlsearch.references.encoders import codes_and_means
from mtlsearch.references.flat_table import FlatColumns
from mtlsearch.tasks import EstimatorLoss

MOST_TREES = 500
PATIENCE = 10  # further trees without a lower validation loss; they stay in the model


@final
class HistogramBoosting(Reference):
    """Trees one after another, which split categories as such, until validation rows gain nothing.

    Without validation rows that tell, it has scikit-learn's number of trees.
    """

    settings: ClassVar[tuple[Setting, ...]] = (
        {"learning_rate": 0.1},
        {"learning_rate": 0.2, "max_leaf_nodes": 8, "min_samples_leaf": 5},
    )
    most_rows: ClassVar[int] = 100_000
    stops_early: ClassVar[bool] = True

    def encoders(self, columns: FlatColumns, seed: int) -> list[Encoder]:
        """Return numbers, codes of categories, words, and of many categories the mean labels."""
        return codes_and_means(columns, seed)

    def estimator(self, loss: EstimatorLoss, setting: Setting, seed: int) -> Any:
        """Return a model of this loss."""
        options: dict[str, Any] = {
            "random_state": seed,
            "early_stopping": False,
            **setting,
        }
        if loss == "classes":
            return HistGradientBoostingClassifier(**options)
        return HistGradientBoostingRegressor(loss=loss, **options)

    def fit_estimator(
        self,
        estimator: Any,
        train: LabelledRows,
        validation: LabelledRows | None,
        columns: FlatColumns,
    ) -> None:
        """Fit a model that knows its categories, and stop by the validation rows if any."""
        estimator.set_params(categorical_features=columns.native_codes)
        if validation is None:
            estimator.fit(train.inputs, train.labels)
            return
        estimator.set_params(early_stopping=True, max_iter=MOST_TREES, n_iter_no_change=PATIENCE)
        estimator.fit(
            train.inputs,
            train.labels,
            X_val=validation.inputs,
            y_val=validation.labels,
        )
