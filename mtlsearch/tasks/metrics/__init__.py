"""The metrics: how predictions are scored, for one model and for many models at once.

A task kind lists the metrics that fit it. To add a metric: write it here and name it in the kinds.
"""

from mtlsearch.tasks.metrics.classes import ACCURACY, BALANCED_ACCURACY, F1_MACRO, LOG_LOSS
from mtlsearch.tasks.metrics.counts import POISSON_DEVIANCE
from mtlsearch.tasks.metrics.errors import MAE, R2, RMSE
from mtlsearch.tasks.metrics.label_sets import (
    MACRO_AVERAGE_PRECISION,
    MACRO_F1,
    MACRO_LOG_LOSS,
    MACRO_ROC_AUC,
)
from mtlsearch.tasks.metrics.metric import Metric
from mtlsearch.tasks.metrics.order import CLASS_DISTANCE, QUADRATIC_KAPPA
from mtlsearch.tasks.metrics.ranking import AVERAGE_PRECISION, ROC_AUC

__all__ = [
    "ACCURACY",
    "AVERAGE_PRECISION",
    "BALANCED_ACCURACY",
    "CLASS_DISTANCE",
    "F1_MACRO",
    "LOG_LOSS",
    "MACRO_AVERAGE_PRECISION",
    "MACRO_F1",
    "MACRO_LOG_LOSS",
    "MACRO_ROC_AUC",
    "MAE",
    "POISSON_DEVIANCE",
    "QUADRATIC_KAPPA",
    "R2",
    "RMSE",
    "ROC_AUC",
    "Metric",
]
