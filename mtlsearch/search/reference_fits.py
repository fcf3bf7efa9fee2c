"""What the references of a study came to: read from the storage, scored on the test rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mtlsearch.arrays import Array
from mtlsearch.evidence.pooled import FoldWeights, pool_scores
from mtlsearch.evidence.references import ReferenceScores
from mtlsearch.evidence.scoring import TestScorer, TestScores
from mtlsearch.records import ReferenceFit, TrainingResult
from mtlsearch.search.confirmed_files import read_predictions
from mtlsearch.search.ledger import confirmed_seed, files_of, is_recorded, result_of
from mtlsearch.search.study import REFERENCES_ARM, Study

UNDEFINED = "its test score is undefined"


@dataclass(frozen=True)
class ScoredFit:
    """A reference fitted with one seed of the confirmation, on its fold.

    `predictions` are those for the test rows, per name of a task that there is a model of; `scores`
    are those of them that are defined.
    """

    seed_index: int
    result: TrainingResult
    fit: ReferenceFit
    predictions: Mapping[str, Array]
    scores: TestScores


@dataclass(frozen=True)
class FittedReference:
    """A reference and its fits that succeeded, in the order of their seeds.

    `left_out` says by the name of a task why there is no model of it; under "" why there is none of
    any task.
    """

    name: str
    fits: Sequence[ScoredFit]
    left_out: Mapping[str, str]

    @property
    def seconds(self) -> float:
        """What all fits took, the choice of settings included."""
        return sum(scored.result.train_seconds for scored in self.fits)

    @property
    def rows(self) -> int:
        """The largest number of training rows of a task that a fit was given."""
        counts = [count for scored in self.fits for count in scored.fit.rows.values()]
        return max(counts, default=0)

    @property
    def labelled(self) -> int:
        """The largest number of training rows with a label that a task has."""
        counts = [count for scored in self.fits for count in scored.fit.labelled.values()]
        return max(counts, default=0)

    def settings(self, task: str) -> Mapping[str, float]:
        """What it was fitted with for a task; empty where there is no model of it."""
        for scored in self.fits:
            if task in scored.fit.settings:
                return scored.fit.settings[task]
        return {}

    def scores(self) -> ReferenceScores:
        """Its scores on validation rows and on test rows."""
        validation: dict[str, list[float]] = {}
        test = {}
        for scored in self.fits:
            test[scored.seed_index] = scored.scores
            for name, score in scored.result.scores.items():
                if name in scored.scores.scores:
                    validation.setdefault(name, []).append(score)
        return ReferenceScores(self.name, validation, test)


def read_references(study: Study, scorer: TestScorer) -> list[FittedReference]:
    """The references of a study as far as they are fitted.

    Raises StudyError when a file of their predictions cannot be read.
    """
    fits: dict[str, dict[int, ScoredFit]] = {name: {} for name in study.references or ()}
    left_out: dict[str, dict[str, str]] = {name: {} for name in fits}
    for stored in study.stored_trials(REFERENCES_ARM):
        if not is_recorded(stored):
            continue
        name, seed_index = confirmed_seed(stored)
        result = result_of(stored)
        if result.failure is not None or result.reference is None:
            left_out[name].setdefault("", result.failure or UNDEFINED)
            continue
        predictions = read_predictions(study.folder, files_of(stored))
        scores = scorer.score(predictions)
        reasons = dict.fromkeys(scores.undefined, UNDEFINED) | result.reference.left_out
        for task, reason in reasons.items():
            left_out[name].setdefault(task, reason)
        fits[name][seed_index] = ScoredFit(
            seed_index=seed_index,
            result=result,
            fit=result.reference,
            predictions=predictions,
            scores=_defined(scores),
        )
    references = []
    for name, by_seed in fits.items():
        ordered = [by_seed[seed] for seed in sorted(by_seed)]
        references.append(FittedReference(name, ordered, left_out[name]))
    return references


def pool_references(
    folds: Sequence[Sequence[FittedReference]], weights: FoldWeights
) -> list[FittedReference]:
    """The references over all outer folds, of the seeds and tasks that they have in all of them.

    Scores are means over the folds, seconds sums. What they were fitted with is that of the first.

    Args:
        folds: The references of each fold.
        weights: How much each fold counts.
    """
    pooled = []
    for of_folds in zip(*folds, strict=True):
        left_out: dict[str, str] = {}
        for reference in of_folds:
            left_out |= reference.left_out
        by_seed = [{fit.seed_index: fit for fit in reference.fits} for reference in of_folds]
        seeds = sorted(set(by_seed[0]).intersection(*by_seed[1:]))
        fits = [_pool_fits([fits[seed] for fits in by_seed], weights) for seed in seeds]
        pooled.append(FittedReference(of_folds[0].name, fits, left_out))
    return pooled


def _pool_fits(fits: Sequence[ScoredFit], weights: FoldWeights) -> ScoredFit:
    """The fits of one seed in all outer folds, as one; their predictions are of other rows."""
    scores = pool_scores([fit.scores for fit in fits], weights)
    validation = {}
    for task in scores.scores:
        of_folds = [fit.result.scores[task] for fit in fits]
        validation[task] = float(weights.shares @ of_folds)
    seconds = sum(fit.result.train_seconds for fit in fits)
    result = replace(fits[0].result, scores=validation, train_seconds=seconds)
    return replace(fits[0], result=result, predictions={}, scores=scores)


def _defined(scores: TestScores) -> TestScores:
    """The scores that are defined on all test rows."""
    names = [name for name, score in scores.scores.items() if math.isfinite(score)]
    return TestScores(
        {name: scores.scores[name] for name in names},
        {name: scores.resampled[name] for name in names},
    )
