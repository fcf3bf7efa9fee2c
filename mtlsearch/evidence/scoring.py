"""Scores of predictions on the test rows: on all of them, and on bootstrap samples of them."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.data import Dataset, Source, resample
from mtlsearch.seeding import derive_seed
from mtlsearch.tasks import Task

Scores = Mapping[str, float]  # task name -> score

SAMPLES = 100  # of the test rows: the standard error of a score is then known to 7%
DIGITS = 8  # of a score on a sample, in units of the task; further ones depend on the machine
MOST_NUMBERS = 10_000_000  # predictions that are scored at once


@dataclass(frozen=True)
class TestScores:
    """A model's test scores per task name, in the units and the direction of each task's metric.

    Attributes:
        scores: The metric on all test rows. NaN where it is undefined on them.
        resampled: The metric on each bootstrap sample of the test rows, [SAMPLES]. NaN where a
            sample holds too few labels or classes. Sample number i holds the same rows for every
            model, so that differences between models can be taken sample by sample. Empty when
            nothing is known of other test rows.
    """

    __test__ = False  # no class of tests

    scores: Scores
    resampled: Mapping[str, Array]

    @property
    def finite(self) -> bool:
        """True when every task has a score."""
        return not self.undefined

    @property
    def undefined(self) -> list[str]:
        """The names of the tasks without a score."""
        return [name for name, score in self.scores.items() if not math.isfinite(score)]

    def samples(self) -> Iterator[Scores]:
        """The scores on one bootstrap sample after the other, per task name."""
        names = list(self.resampled)
        columns = [values.tolist() for values in self.resampled.values()]
        for scores in zip(*columns, strict=True):
            yield dict(zip(names, scores, strict=True))


class TestScorer:
    """Scores predictions on the test rows of a dataset.

    The bootstrap samples (Efron 1979) depend on the dataset and the seed only, and groups of rows
    stay whole. They are drawn once, so scoring many models is cheap.

    Example:
        scorer = TestScorer(dataset, seed=0)
        scorer.score({"price": predicted_prices}).scores["price"]
    """

    __test__ = False  # no class of tests

    def __init__(
        self,
        dataset: Dataset,
        seed: int,
        most_numbers: int = MOST_NUMBERS,
    ) -> None:
        self._most_numbers = most_numbers
        self._tasks = {task.name: task for task in dataset.tasks}
        self._samples: dict[str, Tensor] = {}
        test_rows = {}
        for name, source in dataset.sources.items():
            rows = source.splits.predicted
            test_rows[name] = rows
            self._samples[name] = _draw_samples(source, rows, seed)
        self._targets: dict[str, Array] = {}
        for task in dataset.tasks:
            rows = test_rows[task.source]
            target = dataset.targets[task.name]
            self._targets[task.name] = target[rows]

    def score(self, predictions: Mapping[str, Array]) -> TestScores:
        """Score what a model predicts for the test rows.

        Args:
            predictions: Per task name the predictions for the N test rows of the task's source, in
                ascending order of rows and in the task's own units: [N], or [N, C] probabilities.

        Raises:
            KeyError: A task is not one of the dataset.
            ValueError: There are not as many predictions as test rows.
        """
        scores = self.score_all_rows(predictions)
        resampled = {}
        for name, prediction in predictions.items():
            resampled[name] = self._resampled(self._tasks[name], prediction)
        return TestScores(scores, resampled)

    def score_all_rows(self, predictions: Mapping[str, Array]) -> Scores:
        """Score predictions on all test rows alone, without bootstrap samples.

        Arguments and errors are those of `score`; a score is NaN where it is undefined.
        """
        scores = {}
        for name, prediction in predictions.items():
            target = self._targets[name]
            given = len(prediction)
            if given != len(target):
                raise ValueError(f"{name}: {given} predictions for {len(target)} test rows")
            scores[name] = self._tasks[name].metric.score(target, prediction)
        return scores

    def _resampled(self, task: Task, prediction: Array) -> Array:
        """The metric on each bootstrap sample, [SAMPLES]."""
        target = self._targets[task.name]
        samples = self._samples[task.source]
        truth = _with_blank_row(target, math.nan)
        predicted = _with_blank_row(prediction, 0.0)
        at_once = self._most_numbers // predicted.numel()
        values: list[float] = []
        for rows in torch.split(samples, max(at_once, 1)):
            scores = task.metric.score_batch(predicted[rows], truth[rows])
            values += scores.tolist()
        digits = _decimals(task.unit)
        rounded = [round(value, digits) for value in values]
        return np.array(rounded)


def score_in_every_metric(
    dataset: Dataset,
    predictions: Mapping[str, Array],
) -> dict[str, dict[str, float]]:
    """Return by task and metric the score on all test rows, in all metrics of the task's kind.

    It is NaN where the metric is undefined. `predictions` are those of `TestScorer.score`.
    """
    scores = {}
    for task in dataset.tasks:
        rows = dataset.sources[task.source].splits.predicted
        labels = dataset.targets[task.name][rows]
        prediction = predictions[task.name]
        scores[task.name] = {
            metric.name: metric.score(labels, prediction) for metric in task.kind.metrics
        }
    return scores


def _decimals(unit: float) -> int:
    """How many decimals of a score are kept: more where the unit of the task is small."""
    magnitude = math.floor(math.log10(unit))
    return DIGITS - min(magnitude, 0)


def _draw_samples(
    source: Source,
    test_rows: Array,
    seed: int,
) -> Tensor:
    """The bootstrap samples of a source, [SAMPLES, M], as positions within its N test rows.

    Samples of whole groups differ in size. The shorter ones are filled up with the position N.
    """
    samples = []
    for number in range(SAMPLES):
        sample_seed = derive_seed(seed, "resample", number)
        rows = resample(source, sample_seed)
        positions = np.searchsorted(test_rows, rows)
        samples.append(torch.from_numpy(positions))
    return torch.nn.utils.rnn.pad_sequence(
        samples,
        batch_first=True,
        padding_value=len(test_rows),
    )


def _with_blank_row(values: Array, blank: float) -> Tensor:
    """The values as float64, and after them one more row, of nothing but `blank`."""
    numbers = np.asarray(values, np.float64)
    known = torch.from_numpy(numbers)
    row = torch.full_like(known[:1], blank)
    return torch.cat([known, row])
