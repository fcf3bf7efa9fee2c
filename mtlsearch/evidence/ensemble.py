"""The ensemble of an arm's confirmed seeds: what the mean of their predictions is worth.

Models that differ in their seed and their fold alone err in part independently, and the mean of
their predictions errs less (Hansen & Salamon 1990; Lakshminarayanan et al. 2017). All seeds are
taken, always: there is nothing to choose, and so nothing is chosen on test rows.

Ensembles of two arms are compared by `compare_ensembles`, which needs `jackknife` of both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.evidence.interval import Interval, interval_over_rows
from mtlsearch.evidence.scoring import Scores, TestScorer, TestScores
from mtlsearch.evidence.skill import SkillScales

Predictions = Mapping[str, Array]  # task name -> predictions of the N test rows, [N] or [N, C]

FEWEST_MODELS = 2
TOO_FEW = "it takes two confirmed models: search with more --seeds"
DIGITS = 8  # of a gain in points; further ones are those of rounding


@dataclass(frozen=True)
class ScoredModel:
    """A model's predictions for the test rows, and its test scores."""

    predictions: Predictions
    test: TestScores


@dataclass(frozen=True)
class Ensemble:
    """The mean prediction of several models beside these models, on the same test rows.

    The intervals are over the choice of the test rows alone: they are of these very models.

    Attributes:
        predictions: The mean prediction per task name.
        test: Its test scores.
        single: The mean of the models' test scores.
        scores: Per task name the score of the mean prediction.
        task_gains: Per task name the gain of skill over the mean of the models, in points.
        gain: The gain of mean skill over the mean of the models, in points.
    """

    predictions: Predictions
    test: TestScores
    single: TestScores
    scores: Mapping[str, Interval]
    task_gains: Mapping[str, Interval]
    gain: Interval


@dataclass(frozen=True)
class NoEnsemble:
    """Why there is no ensemble."""

    reason: str


@dataclass(frozen=True)
class JackknifedScores:
    """Test scores of an ensemble of S models, and of the ensembles of all but one of them.

    Attributes:
        test: The scores of the whole ensemble.
        without: Its scores on all test rows without model s, [S].
    """

    test: TestScores
    without: Sequence[Scores]


def combine(
    models: Sequence[ScoredModel],
    scorer: TestScorer,
    scales: SkillScales,
    rarest: Mapping[str, int],
) -> Ensemble | NoEnsemble:
    """Make the ensemble of models and score it as each of them is scored.

    Args:
        models: Models for the same tasks, whose scores are all defined.
        scorer: What scored the models.
        scales: The scales of the skill of all tasks on the test rows.
        rarest: By the name of a task whose score rests on few test rows of a class, how many these
            are. The mean gain rests on the fewest.

    Raises:
        ValueError: The models did not predict the same test rows of the same tasks.
    """
    if len(models) < FEWEST_MODELS:
        return NoEnsemble(TOO_FEW)
    predictions = mean_prediction([model.predictions for model in models])
    test = scorer.score(predictions)
    if not test.finite:
        return _undefined("its mean prediction", test)
    single = mean_scores([model.test for model in models])
    scores = {}
    task_gains = {}
    for task in scales.tasks:
        rows_of_class = rarest.get(task.name)
        score = test.scores[task.name]
        resampled = test.resampled[task.name].tolist()
        scores[task.name] = interval_over_rows(score, resampled, rows_of_class)
        scale = scales.alone(task.name)
        task_gains[task.name] = _gain(scale, test, single, rows_of_class)
    fewest = min(rarest.values(), default=None)
    return Ensemble(
        predictions=predictions,
        test=test,
        single=single,
        scores=scores,
        task_gains=task_gains,
        gain=_gain(scales, test, single, fewest),
    )


def jackknife(models: Sequence[Predictions], scorer: TestScorer) -> JackknifedScores | NoEnsemble:
    """Score the ensemble of models, and it without each of them.

    From ensembles of two, one model is left.

    Raises:
        ValueError: The models did not predict the same test rows of the same tasks.
    """
    if len(models) < FEWEST_MODELS:
        return NoEnsemble(TOO_FEW)
    test = scorer.score(mean_prediction(models))
    if not test.finite:
        return _undefined("its mean prediction", test)
    without = []
    for number in range(len(models)):
        others = [*models[:number], *models[number + 1 :]]
        scores = scorer.score_all_rows(mean_prediction(others))
        rest = TestScores(scores, {})
        if not rest.finite:
            return _undefined("its mean prediction without one model", rest)
        without.append(scores)
    return JackknifedScores(test, without)


def _undefined(what: str, test: TestScores) -> NoEnsemble:
    names = ", ".join(test.undefined)
    return NoEnsemble(f"the score of {what} is undefined for {names}")


def mean_prediction(models: Sequence[Predictions]) -> dict[str, Array]:
    """Return the mean prediction of S models per task name: [N], or [N, C] where theirs are.

    Probabilities are averaged as such, and values in the task's own unit: each model decodes its
    outputs with the preprocessing of its own fold. Row i must be the same test row for all models.
    It is, where the predictions are those of `TrainingResult`: of all test rows of a source in
    ascending order, which no fold or seed changes.

    Raises:
        ValueError: The models did not predict the same tasks, or not as many rows or classes.
    """
    first = models[0]
    means: dict[str, Array] = {}
    for model in models:
        if model.keys() != first.keys():
            raise ValueError(f"models of {list(first)} and of {list(model)} make no ensemble")
    for name, values in first.items():
        predictions = [model[name] for model in models]
        for prediction in predictions:
            if prediction.shape != values.shape:
                raise ValueError(
                    f"{name}: predictions {values.shape} and {prediction.shape} are not of the "
                    "same test rows and make no ensemble"
                )
        stacked = np.stack(predictions).astype(np.float64)
        means[name] = stacked.mean(axis=0)
    return means


def weighted_mean(models: Sequence[Predictions], weights: Sequence[float]) -> dict[str, Array]:
    """Return the weighted mean prediction per task name.

    Args:
        models: The predictions of A models for the same rows of the same tasks.
        weights: The share of each, [A]; they add up to 1.
    """
    means: dict[str, Array] = {}
    for name in models[0]:
        predictions = np.stack([model[name] for model in models]).astype(np.float64)
        means[name] = np.tensordot(weights, predictions, axes=1)
    return means


def mean_scores(models: Sequence[TestScores]) -> TestScores:
    """Return the mean of the scores of several models, on all test rows and on each sample."""
    scores = {}
    resampled = {}
    for name in models[0].scores:
        values = [model.scores[name] for model in models]
        sampled = [model.resampled[name] for model in models]
        scores[name] = float(np.mean(values))
        resampled[name] = np.mean(sampled, axis=0)
    return TestScores(scores, resampled)


def _gain(
    scales: SkillScales,
    test: TestScores,
    single: TestScores,
    rows_of_class: int | None,
) -> Interval:
    """The gain of the mean prediction, paired with the single models on each sample of the rows."""
    resampled = []
    for scores, single_scores in zip(test.samples(), single.samples(), strict=True):
        gain = scales.gain(scores, single_scores)
        resampled.append(round(gain, DIGITS))
    value = round(scales.gain(test.scores, single.scores), DIGITS)
    return interval_over_rows(value, resampled, rows_of_class)
