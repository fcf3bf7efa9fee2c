"""What a problem consists of: tasks, sources, splits, and the folds that replicates train on.

Nothing is read from files or fitted here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mtlsearch.columns import ColumnForm
from mtlsearch.inputs import (
    DEFAULT_INPUT_KIND,
    FittedInput,
    InputKind,
    InputSchema,
    SelectedColumns,
)
from mtlsearch.runtime.decoding import OutputDecoder
from mtlsearch.tasks import Task

if TYPE_CHECKING:
    from mtlsearch.data.encoded_sources import EncodedSources

TRAIN = 0
VALIDATION = 1
TEST = 2

INPUT = "input"
"""The use of a column that networks read."""


@dataclass(frozen=True)
class Splits:
    """The roles of the rows of a source.

    Attributes:
        role: For each row [N], TRAIN, VALIDATION or TEST.
        given: The validation rows are the user's own (a split column with val, a time split), and
            every replicate validates on them. Otherwise replicates draw folds from all rows that
            are not test rows.
        group: Codes [N] of groups that stay together, or None.
        strata: The label codes [N, S] of S classification tasks, which every fold mixes alike, -1
            for no label; None where there is no such task.
        validation_fraction: The part of the rows other than test rows that a fold validates on.
        times: Numbers [N] in the order of the rows' times, of rows that are divided by time.
        by_column: The test rows are the user's own: a column says so.
        all_trained: Every row is trained on, so that there is none to validate or to test on.
    """

    role: np.ndarray
    given: bool
    group: np.ndarray | None = None
    strata: np.ndarray | None = None
    validation_fraction: float = 0.2
    times: np.ndarray | None = None
    by_column: bool = False
    all_trained: bool = False

    @property
    def predicted(self) -> np.ndarray:
        """The rows that confirmed models predict, ascending: the test rows.

        Where there are none, all rows: that tells a model from its export, but scores nothing.
        """
        is_test = self.role == TEST
        if not is_test.any():
            return np.arange(len(self.role))
        return np.flatnonzero(is_test)


@dataclass(frozen=True)
class Source:
    """An input table.

    Attributes:
        name: How the user calls it.
        inputs: The input columns [N, columns], of numbers (float) or categories (object). Images
            and sequences are a column whose cells are arrays, tokens are columns of numbers.
            Pictures beside other columns are arrays or, where they are missing, None.
        splits: The roles of the rows.
        kind: The kind of input.
        lengths: The column that says how many steps or tokens a row has, or None.
        forms: How each column of a table is encoded.
    """

    name: str
    inputs: pd.DataFrame
    splits: Splits
    kind: InputKind = DEFAULT_INPUT_KIND
    lengths: str | None = None
    forms: Mapping[str, ColumnForm] = field(default_factory=dict)

    @property
    def selected(self) -> SelectedColumns:
        """The input columns, as the kind of input fits its encoder on them."""
        return SelectedColumns(self.inputs, self.lengths, forms=self.forms)

    @property
    def numbers(self) -> int:
        """How many cells, numbers or tokens a row has."""
        cells = self.inputs
        if self.lengths:
            cells = cells.drop(columns=self.lengths)
        sizes = [_numbers_of(cells[name]) for name in cells]
        return sum(sizes)


@dataclass(frozen=True)
class ColumnRecord:
    """What is done with a column of a source.

    Attributes:
        source: The name of the source.
        name: The name of the column.
        type: What it was taken for; empty where nothing was asked.
        use: INPUT, or what else it is.
        reason: Why it is left out, and how to change that.
    """

    source: str
    name: str
    type: str
    use: str
    reason: str = ""


@dataclass(frozen=True)
class Dataset:
    """Sources and tasks.

    Attributes:
        name: How the dataset is called.
        sources: The sources by name.
        tasks: The tasks in the user's order.
        targets: By the name of a task, float64 [N] in the row order of its source: the value or
            the code of the class; or [N, C], for each of a set of labels whether a row has it.
            NaN where the label is missing.
        digest: The SHA-256 of inputs, targets and row roles.
        notices: What the user should know.
        columns: What is done with each column of the sources.
    """

    name: str
    sources: dict[str, Source]
    tasks: tuple[Task, ...]
    targets: dict[str, np.ndarray]
    digest: str
    notices: tuple[str, ...] = field(default=())
    columns: tuple[ColumnRecord, ...] = ()


@dataclass(frozen=True)
class Fold:
    """The rows that a replicate trains and validates on.

    Attributes:
        train: The numbers of the training rows by source.
        validation: The numbers of the validation rows by source.
    """

    train: dict[str, np.ndarray]
    validation: dict[str, np.ndarray]


@dataclass(frozen=True)
class Prepared:
    """A dataset made ready for one fold.

    Attributes:
        inputs: By source, what a network reads of all its rows: an `EncodedSources`.
        targets: By task, float32 [N] or [N, C], scaled as the task's kind says, fitted on the
            training rows; NaN where the label is missing.
        decoders: By task, what turns network outputs back into predictions.
        baseline_loss: By task, the loss of the best constant on the training rows.
        fold: The rows to train and validate on.
        schemas: By source, the form of its `inputs`.
        class_weights: By classification task, float32 [C]: with these weights all classes count
            alike on the training rows. Of a set of C labels [C, 2].
    """

    inputs: "EncodedSources"
    targets: dict[str, np.ndarray]
    decoders: dict[str, OutputDecoder]
    baseline_loss: dict[str, float]
    fold: Fold
    schemas: dict[str, InputSchema]
    class_weights: dict[str, np.ndarray] = field(default_factory=dict)
    encoders: dict[str, FittedInput] = field(default_factory=dict)


def _numbers_of(column: "pd.Series[Any]") -> int:
    """Return how many numbers a cell of a column has that is not missing."""
    present = column.dropna()
    return int(np.size(present.iloc[0])) if len(present) else 1
