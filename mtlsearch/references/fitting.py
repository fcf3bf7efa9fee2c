"""A reference fitted to one task on one fold, its setting chosen on the validation rows."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from threadpoolctl import threadpool_limits

from mtlsearch.arrays import Array
from mtlsearch.data import TEST, Dataset, Prepared
from mtlsearch.references.contract import LabelledRows, Reference, Setting
from mtlsearch.references.flat_table import FlatRows, FlatTable
from mtlsearch.tasks import LabelColumn, Task, has_label

SMALLEST_SPREAD = 1e-3  # of labels; trees take a variance below 2e-16 for none, in whatever unit
FEWEST_CLASSES = 2  # that a classifier is fitted to

# several wait for each other by spinning: on busy cores that takes minutes
THREADS = 1


@dataclass(frozen=True)
class TaskRows:
    """The rows of one task on one fold.

    Attributes:
        task: The task.
        table: The flat inputs of all rows of its source.
        labels: The labels of all rows, [N] or [N, C].
        train: The numbers of the training rows with a label.
        validation: The numbers of the validation rows with a label.
        test: The numbers of all test rows, ascending.
    """

    task: Task
    table: FlatTable | FlatRows
    labels: Array
    train: Array
    validation: Array
    test: Array

    @classmethod
    def of(
        cls, dataset: Dataset, task: Task, prepared: Prepared, table: FlatTable | FlatRows
    ) -> "TaskRows":
        """The rows of a task on a prepared fold, where `table` is that of its source."""
        source = task.source
        labels = dataset.targets[task.name]
        train = prepared.fold.train[source]
        validation = prepared.fold.validation[source]
        role = dataset.sources[source].splits.role
        return cls(
            task=task,
            table=table,
            labels=labels,
            train=train[has_label(labels[train])],
            validation=validation[has_label(labels[validation])],
            test=np.flatnonzero(role == TEST),
        )

    def thinned(self, most: int) -> Array:
        """The numbers of the training rows; of more than `most` so many, evenly spread."""
        count = len(self.train)
        if count <= most:
            return self.train
        positions = np.arange(most) * count // most
        return self.train[positions]


@dataclass(frozen=True)
class FittedReference:
    """A reference for a task.

    Attributes:
        task: The task.
        models: The fitted model; of a set of labels one for each.
        unit: What labels were multiplied by for the fit, a power of two.
        setting: What was chosen on the validation rows.
        validation: The score on these.
    """

    task: Task
    models: tuple[Any, ...]
    unit: float
    setting: Setting
    validation: float

    def predict(self, inputs: Array) -> Array:
        """Return predictions [N] or [N, C] in the task's own units for flat inputs [N, F]."""
        kind = self.task.kind
        estimator = kind.joined_estimator(self.models)
        with threadpool_limits(THREADS):
            prediction = kind.estimator_prediction(estimator, inputs, self.task.classes)
        return prediction / self.unit


@dataclass(frozen=True)
class Fit:
    """The fit of one reference to one task.

    Attributes:
        reference: What is fitted.
        rows: The rows that it is fitted on.
        seed: Of all that is random in it.
        most_rows: The number of training rows that it is given at most.
        setting: What it is fitted with; None: what is best on the validation rows.
    """

    reference: Reference
    rows: TaskRows
    seed: int
    most_rows: int
    setting: Setting | None = None

    @cached_property
    def train(self) -> Array:
        """The numbers of the training rows that it is given."""
        return self.rows.thinned(self.most_rows)

    @property
    def refusal(self) -> str | None:
        """Why there is no such model of these rows; None where there is one."""
        task = self.rows.task
        labels = self.rows.labels[self.train]
        if not task.kind.is_classification:
            if task.kind.can_be_fitted(labels):
                return None
            return "its training rows have nothing to fit a model to, as where all counts are 0"
        for column in task.label_columns(labels):
            if len(np.unique(column.known)) >= FEWEST_CLASSES:
                return None
        return "its training rows are all of one class"

    def best(self) -> FittedReference:
        """The model with the setting, or with that which scores best on the validation rows.

        Raises ValueError where there is none, see `refusal`.
        """
        reason = self.refusal
        if reason is not None:
            raise ValueError(f"{self.rows.task.name}: {reason}")
        if self.setting is not None:
            return self._with(self.setting)
        models = [self._with(setting) for setting in self.reference.settings]
        return max(models, key=self._worth)

    def _worth(self, model: FittedReference) -> float:
        """The score on the validation rows, where higher is better and undefined is worst."""
        if math.isnan(model.validation):
            return -math.inf
        return self.rows.task.metric.sign * model.validation

    def _with(self, setting: Setting) -> FittedReference:
        task = self.rows.task
        unit = self._unit()
        models = []
        for column in task.label_columns(self.rows.labels * unit):
            models.append(self._model(column, setting))
        fitted = FittedReference(task, tuple(models), unit, setting, math.nan)
        validation = self.rows.validation
        prediction = fitted.predict(self.rows.table.take(validation))
        score = task.metric.score(self.rows.labels[validation], prediction)
        return FittedReference(task, tuple(models), unit, setting, score)

    def _unit(self) -> float:
        """A power of two that gives labels a spread: an exact change of their unit."""
        if self.rows.task.kind.is_classification:
            return 1.0
        spread = float(self.rows.labels[self.train].std())
        if not 0 < spread < SMALLEST_SPREAD:
            return 1.0
        return 2.0 ** math.ceil(-math.log2(spread))

    def _model(self, column: LabelColumn, setting: Setting) -> Any:
        """The fitted model of a column of labels; of labels that are all the same a constant."""
        train = self._labelled(column, self.train)
        kind = self.rows.task.kind
        if kind.is_classification:
            classes = np.unique(train.labels)
            if len(classes) < FEWEST_CLASSES:
                return _constant(classes)
        reference = self.reference
        columns = self.rows.table.columns
        estimator = reference.estimator(kind.estimator_loss, setting, self.seed)
        encoder = reference.encoder(columns, self.seed)
        validation = self._validation(column, train)
        with threadpool_limits(THREADS):
            return reference.fit(estimator, encoder, train, validation, columns)

    def _validation(self, column: LabelColumn, train: LabelledRows) -> LabelledRows | None:
        """The validation rows that say when to stop: their class is one of the training rows.

        None where there is none, or where they have no say.
        """
        if not self.reference.stops_early:
            return None
        validation = self._labelled(column, self.rows.validation)
        if self.rows.task.kind.is_classification:
            is_known = np.isin(validation.labels, train.labels)
            inputs = validation.inputs[is_known]
            validation = LabelledRows(inputs, validation.labels[is_known])
        return validation if len(validation.labels) else None

    def _labelled(self, column: LabelColumn, rows: Array) -> LabelledRows:
        """Those of some rows whose label is known."""
        labelled = rows[~np.isnan(column.labels[rows])]
        return LabelledRows(self.rows.table.take(labelled), column.labels[labelled])


def _constant(classes: Array) -> DummyClassifier:
    """A model of the only class there is; without any of the first."""
    labels = classes if len(classes) else np.zeros(1)
    return DummyClassifier().fit(np.zeros((1, 1)), labels)
