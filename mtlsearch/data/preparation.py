"""Making a dataset ready for one fold.

Everything is fitted on the training rows of the fold.
"""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import TEST, Dataset, Fold, Prepared
from mtlsearch.data.encoded_sources import LARGEST_ENCODED, EncodedSources
from mtlsearch.inputs import FittedInput, InputSchema
from mtlsearch.runtime.cells import PLAIN, Spelling
from mtlsearch.runtime.decoding import OutputDecoder
from mtlsearch.runtime.encoded_input import EncodedInput
from mtlsearch.tasks import Task, balanced_weights, has_label


@dataclass(frozen=True)
class Preparation:
    """The fitted preparation of a dataset.

    The schema is the same for every fold of a dataset; only the fitted numbers differ.

    Attributes:
        inputs: The fitted encoder of each source.
        tasks: The tasks of the dataset.
        decoders: By the name of a task, what turns network outputs back into predictions.
        spellings: By source and column, how the cells of columns that are not plain are spelled.
    """

    inputs: dict[str, FittedInput]
    tasks: tuple[Task, ...]
    decoders: dict[str, OutputDecoder]
    spellings: dict[str, dict[str, Spelling]] = field(default_factory=dict)

    @classmethod
    def fit(cls, dataset: Dataset, fold: Fold) -> Self:
        """Return the preparation fitted on the training rows of `fold`; test rows are not read."""
        inputs = {}
        for name, source in dataset.sources.items():
            train = fold.train[name]
            non_test = np.flatnonzero(source.splits.role != TEST)
            inputs[name] = source.kind.fit(source.selected, non_test, train)
        decoders = {}
        for task in dataset.tasks:
            labels = _training_labels(dataset, fold, task)
            scale = task.kind.target_scale(labels)
            decoders[task.name] = task.decoder(scale)
        return cls(inputs, dataset.tasks, decoders, _spellings(dataset))

    def schema(self, source: str) -> InputSchema:
        """Return what a network reads of a source."""
        return self.inputs[source].schema

    def encode(self, source: str, inputs: pd.DataFrame) -> EncodedInput:
        """Return what a network reads of the rows `inputs` [N, columns of `Source.inputs`]."""
        return self.inputs[source].encode(inputs)

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, booleans and text that reproduce inputs and predictions exactly.

        `sources[name]` lists the columns in the order in which their network inputs are
        concatenated; compute in float64 and cast the result to float32. Booleans are 0/1; empty
        fields, infinite numbers and those of 1e30 and more in magnitude are missing.

        - `{name, type: "numeric", median, mean, scale, constant, indicator, indicator_seen, low,
          high}`: one input, 0 if `constant`, else `((median if missing else x) - mean) / scale`;
          then, if `indicator`, one more: 1 if missing and `indicator_seen`, else 0. Training rows
          are between `low` and `high`.
        - `{name, type: "categorical", categories, seen}`: one input per category: 1 if it equals
          the value and is `seen`.

        What is no table has one record, with the `names` of its arrays or columns and the name of
        its `lengths` or null:

        - `{type: "images" or "sequences", shape, mean, scale}`: see `runtime.encoding.ImageArray`
          and `SequenceArray`.
        - `{type: "tokens", ids, seen}`: see `runtime.encoding.TokenColumns`.

        `spellings[source][column]` is `{decimal, missing, whole_names}` of columns that are not
        plain: see `runtime.cells.Spelling`.

        `targets[task]` is `{source, target, kind, transform, layout, classes, mean, scale}`: see
        `OutputDecoder`.
        """
        sources = {}
        for name, fitted in self.inputs.items():
            sources[name] = fitted.to_json()
        targets = {}
        for task in self.tasks:
            targets[task.name] = self._target_json(task)
        return {
            "sources": sources,
            "targets": targets,
            "spellings": self._spellings_json(),
        }

    def _spellings_json(self) -> dict[str, dict[str, Any]]:
        records = {}
        for source, spellings in self.spellings.items():
            records[source] = {name: spelling.to_record() for name, spelling in spellings.items()}
        return records

    def _target_json(self, task: Task) -> dict[str, Any]:
        decoder = self.decoders[task.name]
        return {
            "source": task.source,
            "target": task.target,
            "kind": task.kind.name,
            **decoder.to_json(),
        }


def _spellings(dataset: Dataset) -> dict[str, dict[str, Spelling]]:
    """Return how cells are spelled that are not plain numbers or names."""
    spellings: dict[str, dict[str, Spelling]] = {}
    for name, source in dataset.sources.items():
        for column, form in source.forms.items():
            if form.spelling != PLAIN:
                spellings.setdefault(name, {})[column] = form.spelling
    return spellings


def prepare(dataset: Dataset, fold: Fold, largest: int = LARGEST_ENCODED) -> Prepared:
    """Return the dataset ready for training on `fold`.

    `Preparation` keeps and exports the fitted numbers. A source whose encoded rows take more bytes
    than `largest` is one that is large.
    """
    fitted = Preparation.fit(dataset, fold)
    schemas = {name: fitted.schema(name) for name in dataset.sources}
    targets = {}
    losses = {}
    class_weights = {}
    for task in dataset.tasks:
        labels = _training_labels(dataset, fold, task)
        losses[task.name] = task.baseline_loss(labels)
        decoder = fitted.decoders[task.name]
        centred = dataset.targets[task.name] - decoder.mean
        scaled = centred / decoder.scale
        targets[task.name] = scaled.astype(np.float32)
        if task.kind.is_classification:
            class_weights[task.name] = _class_weights(task, labels)
    return Prepared(
        inputs=EncodedSources(fitted.inputs, dataset.sources, largest),
        targets=targets,
        decoders=fitted.decoders,
        baseline_loss=losses,
        fold=fold,
        schemas=schemas,
        class_weights=class_weights,
        encoders=fitted.inputs,
    )


def _training_labels(dataset: Dataset, fold: Fold, task: Task) -> Array:
    """Return the labels of the training rows that have one."""
    rows = fold.train[task.source]
    values = dataset.targets[task.name][rows]
    return np.asarray(values[has_label(values)])


def _class_weights(task: Task, labels: Array) -> Array:
    """Return the weights that make classes count alike, float32 [C]; of C labels [C, 2]."""
    weights = []
    for column in task.label_columns(labels):
        weights.append(balanced_weights(column.known, len(column.classes)))
    by_column = np.array(weights, np.float32)
    return by_column if task.kind.labels_per_class else by_column[0]
