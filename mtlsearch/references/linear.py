"""Linear models: ridge, logistic and Poisson regression."""

from typing import Any, ClassVar, final

from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from mtlsearch.references.contract import Encoder, Reference, Setting
from mtlsearch.references.encoders import one_hot
from mtlsearch.references.flat_table import FlatColumns
from mtlsearch.tasks import EstimatorLoss

ROWS_OF_STRENGTH = 1000  # ridge regression adds up over rows, Poisson regression takes their mean
MOST_ITERATIONS = 1000


@final
class Linear(Reference):
    """A linear model with a penalty on its squared weights; words are weighed by tf-idf."""

    settings: ClassVar[tuple[Setting, ...]] = (
        {"alpha": 0.1},
        {"alpha": 1.0},
        {"alpha": 10.0},
        {"alpha": 100.0},
    )

    def encoders(self, columns: FlatColumns, seed: int) -> list[Encoder]:
        """Return one column for each category and each word."""
        return [
            ("values", "passthrough", columns.value_slice),
            ("categories", one_hot(), columns.many_slice),
            ("words", TfidfTransformer(), columns.word_slice),
        ]

    def estimator(self, loss: EstimatorLoss, setting: Setting, seed: int) -> Any:
        """Return a model whose penalty is of this strength."""
        alpha = setting["alpha"]
        if loss == "classes":
            return LogisticRegression(C=1 / alpha, max_iter=MOST_ITERATIONS)
        if loss == "poisson":
            return PoissonRegressor(alpha=alpha / ROWS_OF_STRENGTH, max_iter=MOST_ITERATIONS)
        return Ridge(alpha=alpha)
