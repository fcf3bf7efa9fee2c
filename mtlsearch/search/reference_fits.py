"""What the references of a study came to: read from the storage, scored on the test rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mtlsearch.arrays import Array
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


def _defined(scores: TestScores) -> TestScores:
    """The scores that are defined on all test rows."""
    names = [name for name, score in scores.scores.items() if math.isfinite(score)]
    return TestScores(
        {name: scores.scores[name] for name in names},
        {name: scores.resampled[name] for name in names},
    )
