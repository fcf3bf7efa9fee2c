"""LightGBM (Ke et al. 2017), where it is installed."""

from typing import Any, ClassVar, final

from mtlsearch.references.contract import Encoder, LabelledRows, Reference, Setting
from mtlsearch.references.encoders import codes_and_means
from mtlsearch.references.flat_table import FlatColumns
from mtlsearch.tasks import EstimatorLoss

MOST_TREES = 1000
PATIENCE = 20  # further trees without a lower validation loss; they are taken off again
OBJECTIVES: dict[EstimatorLoss, str] = {"squared_error": "l2", "poisson": "poisson"}


@final
class LightGBM(Reference):
    """Trees that grow leaf by leaf and split categories as such."""

    settings: ClassVar[tuple[Setting, ...]] = (
        {"learning_rate": 0.1, "num_leaves": 31, "min_child_samples": 20},
        {"learning_rate": 0.1, "num_leaves": 8, "min_child_samples": 5},
    )
    package: ClassVar[str] = "lightgbm"
    module: ClassVar[str] = "lightgbm"
    most_rows: ClassVar[int] = 100_000
    stops_early: ClassVar[bool] = True

    def encoders(self, columns: FlatColumns, seed: int) -> list[Encoder]:
        """Return numbers, codes of categories, words, and of many categories the mean labels."""
        return codes_and_means(columns, seed)

    def estimator(self, loss: EstimatorLoss, setting: Setting, seed: int) -> Any:
        """Return a model of this loss."""
        from lightgbm import LGBMClassifier, LGBMRegressor

        options: dict[str, Any] = {
            "random_state": seed,
            "deterministic": True,
            "n_jobs": 1,
            "verbosity": -1,
            **setting,
        }
        if loss == "classes":
            return LGBMClassifier(**options)
        return LGBMRegressor(objective=OBJECTIVES[loss], **options)

    def fit_estimator(
        self,
        estimator: Any,
        train: LabelledRows,
        validation: LabelledRows | None,
        columns: FlatColumns,
    ) -> None:
        """Fit a model that knows its categories, and stop by the validation rows if any."""
        from lightgbm import early_stopping

        codes = columns.native_codes
        if validation is None:
            estimator.fit(train.inputs, train.labels, categorical_feature=codes)
            return
        estimator.set_params(n_estimators=MOST_TREES)
        estimator.fit(
            train.inputs,
            train.labels,
            eval_X=validation.inputs,
            eval_y=validation.labels,
            categorical_feature=codes,
            callbacks=[early_stopping(PATIENCE, verbose=False)],
        )
