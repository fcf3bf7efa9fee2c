"""CatBoost (Prokhorenkova et al. 2018), where it is installed."""

from typing import Any, ClassVar, final

import numpy as np

from mtlsearch.references.contract import Encoder, LabelledRows, Reference, Setting
from mtlsearch.references.encoders import ordinal_codes
from mtlsearch.references.flat_table import FlatColumns
from mtlsearch.tasks import EstimatorLoss

MOST_TREES = 1000
PATIENCE = 20  # further trees without a lower validation loss; they are taken off again
UNKNOWN = -1  # the code of a category that training rows lack
LOSSES: dict[EstimatorLoss, str] = {"squared_error": "RMSE", "poisson": "Poisson"}


@final
class CatBoost(Reference):
    """Symmetric trees; categories are encoded by the labels of the rows before (ordered)."""

    settings: ClassVar[tuple[Setting, ...]] = ({"learning_rate": 0.1, "depth": 6},)
    package: ClassVar[str] = "catboost"
    module: ClassVar[str] = "catboost"
    most_rows: ClassVar[int] = 100_000
    stops_early: ClassVar[bool] = True

    def encoders(self, columns: FlatColumns, seed: int) -> list[Encoder]:
        """Return numbers, then the codes of categories, then words."""
        return [
            ("numbers", "passthrough", columns.number_slice),
            ("categories", ordinal_codes(UNKNOWN, np.int64), columns.code_slice),
            ("words", "passthrough", columns.word_slice),
        ]

    def encoder(self, columns: FlatColumns, seed: int) -> Any:
        """Return the same as a data frame: CatBoost takes whole numbers only for categories."""
        return super().encoder(columns, seed).set_output(transform="pandas")

    def estimator(self, loss: EstimatorLoss, setting: Setting, seed: int) -> Any:
        """Return a model of this loss."""
        from catboost import CatBoostClassifier, CatBoostRegressor

        options: dict[str, Any] = {
            "random_seed": seed,
            "thread_count": 1,
            "logging_level": "Silent",
            "allow_writing_files": False,
            **setting,
        }
        if loss == "classes":
            return CatBoostClassifier(**options)
        return CatBoostRegressor(loss_function=LOSSES[loss], **options)

    def fit_estimator(
        self,
        estimator: Any,
        train: LabelledRows,
        validation: LabelledRows | None,
        columns: FlatColumns,
    ) -> None:
        """Fit a model that knows its categories, and stop by the validation rows if any."""
        estimator.set_params(cat_features=columns.native_codes)
        if validation is None:
            estimator.fit(train.inputs, train.labels)
            return
        estimator.set_params(n_estimators=MOST_TREES)
        estimator.fit(
            train.inputs,
            train.labels,
            eval_set=(validation.inputs, validation.labels),
            early_stopping_rounds=PATIENCE,
        )
