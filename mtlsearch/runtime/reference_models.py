"""Ready-made models, one for each task where such a model is better than the network.

Needs scikit-learn, skops and what the models are of. An exported folder with such models holds a
copy of this file. They are read without pickle: only the types below are made.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .encoded_input import Array, EncodedInput
from .flat_inputs import FlatLayout

RECORDS = "references.json"

TRUSTED = (
    "catboost.core.CatBoostClassifier",
    "catboost.core.CatBoostRegressor",
    "collections.OrderedDict",
    "functools.partial",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.model_selection._split.KFold",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
)
"""The types beside skops' own that are made of a file."""


class ReferenceModel:
    """The model of a task; of a set of labels a model for each label."""

    def __init__(self, record: Mapping[str, Any], folder: Path) -> None:
        import skops.io

        self.layout = FlatLayout.from_record(record["layout"])
        self.unit = float(record["unit"])
        self.outputs = int(record["outputs"])
        self.per_label = bool(record["per_label"])
        self.is_rate = bool(record["is_rate"])
        self.models = []
        for file in record["files"]:
            self.models.append(skops.io.load(folder / file, trusted=list(TRUSTED)))

    def predict(self, encoded: EncodedInput) -> Array:
        """Return predictions, float64 [N], or [N, C] where there is one for each class."""
        inputs = self.layout.flatten(encoded)
        if self.per_label:
            columns = [_probabilities(model, inputs, 2)[:, 1] for model in self.models]
            return np.column_stack(columns)
        [model] = self.models
        if not hasattr(model, "predict_proba"):
            values = np.asarray(model.predict(inputs), np.float64)
            if self.is_rate:
                values = np.maximum(values, 0.0)
            return values / self.unit
        if self.outputs == 1:
            return np.asarray(_probabilities(model, inputs, 2)[:, 1])
        return _probabilities(model, inputs, self.outputs)


def load_references(folder: Path) -> dict[str, list[ReferenceModel]]:
    """Return the models of each task that has some, one for each network of the folder."""
    path = folder / RECORDS
    if not path.is_file():
        return {}
    records = json.loads(path.read_text("utf-8"))
    references = {}
    for name, records_of_task in records.items():
        references[name] = [ReferenceModel(record, folder) for record in records_of_task]
    return references


def _probabilities(model: Any, inputs: Array, classes: int) -> Array:
    """Return probabilities [N, classes]; 0 for a class that the model never saw."""
    probabilities = np.zeros((len(inputs), classes))
    probabilities[:, model.classes_.astype(int)] = model.predict_proba(inputs)
    return probabilities
