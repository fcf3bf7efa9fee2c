"""What the parts hand to each other, as files: the rows of a table, and predictions for them.

This file imports nothing of this project, so that others can be compared from an environment of
their own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

TRAIN = 0
VALIDATION = 1
TEST = 2

INPUTS = "inputs.parquet"
LABELS = "labels.parquet"
FOLDS = "folds.parquet"
KINDS = "kinds.json"
PREDICTIONS = "predictions"
SECONDS = "seconds"

Model = Mapping[str, np.ndarray]  # task -> predictions of the test rows, [N] or [N, C]


@dataclass(frozen=True)
class Rows:
    """A table of N rows, ready for models of one task each.

    Attributes:
        inputs: The input columns [N, columns]; names of categories are text.
        labels: By task the labels [N]: values, or codes of classes; NaN where there is none.
        kinds: By task `regression`, `binary` or `multiclass`.
        folds: For each seed, as a column, the roles of the rows [N].
    """

    inputs: pd.DataFrame
    labels: pd.DataFrame
    kinds: Mapping[str, str]
    folds: pd.DataFrame

    def write(self, folder: Path) -> None:
        """Write all of it into the folder."""
        self.inputs.to_parquet(folder / INPUTS)
        self.labels.to_parquet(folder / LABELS)
        self.folds.to_parquet(folder / FOLDS)
        (folder / KINDS).write_text(json.dumps(dict(self.kinds)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Rows":
        """Inverse of `write`."""
        return cls(
            inputs=pd.read_parquet(folder / INPUTS),
            labels=pd.read_parquet(folder / LABELS),
            kinds=json.loads((folder / KINDS).read_text(encoding="utf-8")),
            folds=pd.read_parquet(folder / FOLDS),
        )

    def labelled(
        self,
        task: str,
        seed: str,
        *roles: int,
    ) -> np.ndarray:
        """The numbers of the rows of these roles that have a label."""
        has_role = self.folds[seed].isin(roles)
        has_label = self.labels[task].notna()
        return np.flatnonzero(has_role & has_label)

    def test(self) -> np.ndarray:
        """The numbers of the test rows, which are the same for every seed."""
        first = self.folds.columns[0]
        return np.flatnonzero(self.folds[first] == TEST)


def write_models(
    folder: Path,
    contender: str,
    models: Sequence[Model],
    seconds: float,
) -> None:
    """Write the predictions of a contender's models, one for each seed, and what they took."""
    arrays: dict[str, np.ndarray] = {SECONDS: np.array(seconds)}
    for number, model in enumerate(models):
        for task, values in model.items():
            arrays[f"{number}/{task}"] = values
    target = folder / PREDICTIONS
    target.mkdir(exist_ok=True)
    np.savez_compressed(target / f"{contender}.npz", allow_pickle=False, **arrays)


def read_models(path: Path) -> tuple[list[Model], float]:
    """Inverse of `write_models`, from a file of the folder of predictions."""
    models: dict[int, dict[str, np.ndarray]] = {}
    with np.load(path) as arrays:
        seconds = float(arrays[SECONDS])
        for key in arrays.files:
            if key == SECONDS:
                continue
            number, task = key.split("/", 1)
            model = models.setdefault(int(number), {})
            model[task] = arrays[key]
    return [models[number] for number in sorted(models)], seconds
