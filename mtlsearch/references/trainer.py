"""Fits references to the tasks of a dataset, fold by fold, as the jobs of a study say."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.data import Dataset, Prepared
from mtlsearch.errors import StudyError
from mtlsearch.records import ReferenceFit, ReferenceJob, Replicate, TrainingResult
from mtlsearch.references import REFERENCES
from mtlsearch.references.contract import Reference
from mtlsearch.references.fitting import Fit, FittedReference, TaskRows
from mtlsearch.references.flat_table import FlatRows, FlatTable, flat_table
from mtlsearch.seeding import derive_seed
from mtlsearch.tasks import Task
from mtlsearch.wording import first_of_many

TABLES_KEPT = 2  # flat tables of a source on a fold


class ReferenceTrainer:
    """Fits references to a dataset.

    `prepare` gives the dataset as it is prepared for the fold of a replicate.
    """

    def __init__(self, dataset: Dataset, prepare: Callable[[Replicate], Prepared]) -> None:
        self._dataset = dataset
        self._prepare = prepare
        self._table = lru_cache(maxsize=TABLES_KEPT)(self._make_table)

    def train(self, jobs: Sequence[ReferenceJob]) -> Iterator[TrainingResult | None]:
        """One result per job, and None after each task: then the caller may do other things."""
        for job in jobs:
            yield from self._results(job)

    def _results(self, job: ReferenceJob) -> Iterator[TrainingResult | None]:
        scores: dict[str, float] = {}
        predictions: dict[str, Array] = {}
        record = ReferenceFit()
        seconds = 0.0
        for task in self._dataset.tasks:
            name = task.name
            started = time.perf_counter()
            fit = self.fit_of(job, task)
            if fit.refusal is None:
                model = fit.best()
                predictions[name] = self.test_predictions(model, fit)
                scores[name] = model.validation
                record.settings[name] = dict(model.setting)
                record.rows[name] = len(fit.train)
                record.labelled[name] = len(fit.rows.train)
            else:
                record.left_out[name] = fit.refusal
            seconds += time.perf_counter() - started
            yield None
        if not scores:
            reasons = [f"{name}: {reason}" for name, reason in record.left_out.items()]
            yield TrainingResult.failed(job.number, first_of_many(reasons, "; "), seconds)
            return
        yield TrainingResult(
            number=job.number,
            scores=scores,
            parameters=0,
            macs_per_example=0,
            epochs=[],
            history=[],
            train_seconds=seconds,
            predictions=predictions,
            reference=record,
        )

    def fit_of(self, job: ReferenceJob, task: Task) -> Fit:
        """What a job does for one task. Raises StudyError where its package is not installed."""
        reference = _installed(job.reference)
        prepared = self._prepare(job.replicate)
        table = self._table(job.replicate, task.source)
        rows = TaskRows.of(self._dataset, task, prepared, table)
        seed = derive_seed(job.seed, job.reference, task.name, job.replicate.number) % 2**31
        return Fit(
            reference=reference,
            rows=rows,
            seed=seed,
            most_rows=job.most_rows or reference.most_rows,
            setting=job.settings.get(task.name),
        )

    @staticmethod
    def test_predictions(model: FittedReference, fit: Fit) -> Array:
        """What a model predicts for the test rows: probabilities or values, as float32 or wider."""
        return np.asarray(model.predict(fit.rows.table.take(fit.rows.test)))

    def _make_table(self, replicate: Replicate, source: str) -> FlatTable | FlatRows:
        return flat_table(self._prepare(replicate), source)


def _installed(name: str) -> Reference:
    """The reference of a name. Raises StudyError where its package is not installed."""
    reference = REFERENCES[name]
    if not reference.is_installed:
        raise StudyError(
            f"the study fits {name}, but {reference.package} is not installed here: "
            f"pip install {reference.package}"
        )
    return reference
