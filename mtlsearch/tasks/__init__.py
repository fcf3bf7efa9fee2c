"""The table of task kinds: what there is to predict. To add one: one file, one line here."""

from mtlsearch.runtime.task_loss import Emphasis, task_loss
from mtlsearch.tasks.binary import Binary
from mtlsearch.tasks.classes import balanced_weights
from mtlsearch.tasks.contract import EstimatorLoss, TargetColumn, TargetScale, TaskKind
from mtlsearch.tasks.count import Count
from mtlsearch.tasks.label_set import LabelSet
from mtlsearch.tasks.labels import LabelColumn, has_label
from mtlsearch.tasks.metrics import Metric
from mtlsearch.tasks.multiclass import Multiclass
from mtlsearch.tasks.options import TaskOptions, loss_weights, stopping_weights
from mtlsearch.tasks.ordinal import Ordinal
from mtlsearch.tasks.regression import Regression
from mtlsearch.tasks.task import Task, scored

# Where nobody names the kind of a column, the first that claims it gets it.
TASK_KINDS: dict[str, TaskKind] = {
    "binary": Binary(),
    "multiclass": Multiclass(),
    "ordinal": Ordinal(),
    "regression": Regression(),
    "count": Count(),
    "label_set": LabelSet(),
}

LABEL_KIND = Binary.name  # the kind of a task that says whether a row has a label
LABEL_SET_KIND = LabelSet.name  # the kind of one task for several labels

METRICS: dict[str, Metric] = {
    metric.name: metric for kind in TASK_KINDS.values() for metric in kind.metrics
}

__all__ = [
    "LABEL_KIND",
    "LABEL_SET_KIND",
    "METRICS",
    "TASK_KINDS",
    "Binary",
    "Count",
    "Emphasis",
    "EstimatorLoss",
    "LabelColumn",
    "LabelSet",
    "Metric",
    "Multiclass",
    "Ordinal",
    "Regression",
    "TargetColumn",
    "TargetScale",
    "Task",
    "TaskKind",
    "TaskOptions",
    "balanced_weights",
    "has_label",
    "loss_weights",
    "scored",
    "stopping_weights",
    "task_loss",
]
