"""What a reference is: a ready-made model, one for each task, that is tuned lightly."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, ClassVar

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from mtlsearch.arrays import Array
from mtlsearch.references.flat_table import FlatColumns
from mtlsearch.tasks import EstimatorLoss

Setting = Mapping[str, float]
"""What a model is made with, by the names that its library has for it."""

Encoder = tuple[str, Any, slice]
"""A name, what encodes columns, and where these are: what a `ColumnTransformer` is made of."""


@dataclass(frozen=True)
class LabelledRows:
    """The inputs [N, F] of N rows and their labels [N], of which none is NaN."""

    inputs: Any
    labels: Array


class Reference(ABC):
    """A kind of ready-made model. It has no state.

    To add one, derive from this class in a file of its own and name it in `REFERENCES`. The first
    of the settings is taken where several do equally well on the validation rows.

    Attributes:
        settings: What it is tried with; one is chosen on the validation rows.
        package: What must be installed for it, as pip calls it.
        module: The module of that package.
        most_rows: The number of training rows that it is given at most, for the sake of time.
        stops_early: Whether validation rows say when its training ends.
    """

    settings: ClassVar[tuple[Setting, ...]]
    package: ClassVar[str] = "scikit-learn"
    module: ClassVar[str] = "sklearn"
    most_rows: ClassVar[int] = 20_000
    stops_early: ClassVar[bool] = False

    @property
    def is_installed(self) -> bool:
        """Whether its package is there."""
        return find_spec(self.module) is not None

    @abstractmethod
    def encoders(self, columns: FlatColumns, seed: int) -> list[Encoder]:
        """Return what encodes which columns; columns that are not named are left out."""

    @abstractmethod
    def estimator(self, loss: EstimatorLoss, setting: Setting, seed: int) -> Any:
        """Return a model with scikit-learn's interface that is not yet fitted."""

    def encoder(self, columns: FlatColumns, seed: int) -> Any:
        """Return what makes the model's inputs of flat inputs [N, F], not yet fitted."""
        present = []
        for name, encoder, where in self.encoders(columns, seed):
            if where.stop > where.start:
                present.append((name, encoder, where))
        return ColumnTransformer(present)

    def fit_estimator(
        self,
        estimator: Any,
        train: LabelledRows,
        validation: LabelledRows | None,
        columns: FlatColumns,
    ) -> None:
        """Fit a model on encoded rows, whose flat inputs had these columns.

        One that stops early does so by the validation rows, unless there are none with a label that
        the training rows have.
        """
        estimator.fit(train.inputs, train.labels)

    def fit(
        self,
        estimator: Any,
        encoder: Any,
        train: LabelledRows,
        validation: LabelledRows | None,
        columns: FlatColumns,
    ) -> Pipeline:
        """Return encoder and model as one, fitted on flat rows."""
        encoded = encoder.fit_transform(train.inputs, train.labels)
        train = LabelledRows(encoded, train.labels)
        if validation is not None:
            inputs = encoder.transform(validation.inputs)
            validation = LabelledRows(inputs, validation.labels)
        self.fit_estimator(estimator, train, validation, columns)
        return Pipeline([("encoder", encoder), ("model", estimator)])
