"""What a problem consists of: tasks, sources, splits, and the folds that replicates train on. No reading, no fitting."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mtlsearch.inputs.schema import Features, InputKind
from mtlsearch.tasks.task import Task

TRAIN, VALIDATION, TEST = 0, 1, 2


@dataclass(frozen=True)
class Splits:
    """Row roles of one source: `role[N]` in {TRAIN, VALIDATION, TEST}.

    `given` says that the validation rows are the user's own (a split column with val, a time split): then every
    replicate validates on them. Otherwise replicates draw folds from all rows that are not test rows, whole groups
    at a time when `group[N]` is there, stratified by `strata[N]` where it is (codes; -1 = no label).
    """

    role: np.ndarray
    given: bool
    group: np.ndarray | None = None
    strata: np.ndarray | None = None
    validation_fraction: float = 0.2


@dataclass(frozen=True)
class Source:
    """One input table. `inputs[N, columns]` holds input columns only: numeric (float) or categorical (object) dtype.

    Images and sequences are one column whose cells are arrays, tokens are columns of numbers; `lengths` then names the
    column that says how many steps or tokens there are, if one does.
    """

    name: str
    inputs: pd.DataFrame
    splits: Splits
    kind: InputKind = "table"
    lengths: str | None = None

    @property
    def numbers(self) -> int:
        """How many cells, numbers or tokens a row has."""
        cells = self.inputs.drop(columns=self.lengths) if self.lengths else self.inputs
        return int(sum(np.size(cell) for cell in cells.iloc[0]))


@dataclass(frozen=True)
class Dataset:
    """Sources and tasks. `targets[task][N]` is float64 in source row order: value, class code, or NaN = label missing."""

    name: str
    sources: dict[str, Source]
    tasks: tuple[Task, ...]
    targets: dict[str, np.ndarray]
    digest: str
    notices: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Fold:
    """The rows one replicate trains and validates on, as row numbers per source."""

    train: dict[str, np.ndarray]
    validation: dict[str, np.ndarray]


@dataclass(frozen=True)
class Prepared:
    """A dataset made ready for one fold: `inputs[source]` for all rows as `features[source]` says, `targets[task]` float32 [N].

    Regression targets are standardised with the training rows' `center[task]` and `scale[task]`; class codes stay.
    NaN marks a missing label. `baseline_loss[task]` is the validation-free loss of the best constant on the
    training rows (1.0 for a standardised regression, the entropy in nats for classes; at least 1e-3).
    """

    inputs: dict[str, np.ndarray]
    targets: dict[str, np.ndarray]
    center: dict[str, float]
    scale: dict[str, float]
    baseline_loss: dict[str, float]
    fold: Fold
    features: dict[str, Features]
