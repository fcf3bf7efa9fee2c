"""References fitted to a dataset as the workers of a study fit them."""

from collections.abc import Sequence
from functools import cache

from mtlsearch.data import Dataset, fold, prepare
from mtlsearch.evidence.scoring import TestScorer
from mtlsearch.records import ReferenceJob, Replicate, TrainingResult
from mtlsearch.references.trainer import ReferenceTrainer
from tests.support.replicates import confirmed

OF_SCIKIT_LEARN = ("linear", "nearest_neighbours", "random_forest", "histogram_boosting")


def trainer_of(dataset: Dataset, seed: int = 0) -> ReferenceTrainer:
    @cache
    def prepared(replicate: Replicate):
        return prepare(dataset, fold(dataset, replicate.number, seed))

    return ReferenceTrainer(dataset, prepared)


def job_of(name: str, index: int = 0, seed: int = 0, **settings) -> ReferenceJob:
    return ReferenceJob(0, name, confirmed(index), seed, **settings)


def fit_references(
    dataset: Dataset, seed: int = 0, seeds: int = 1, names: Sequence[str] = OF_SCIKIT_LEARN
) -> dict[str, list[TrainingResult]]:
    """By the name of a reference its results, fold by fold."""
    trainer = trainer_of(dataset, seed)
    results = {}
    for name in names:
        fits = []
        for index in range(seeds):
            settings = fits[0].reference.settings if fits else {}
            job = job_of(name, index, seed, settings=settings)
            [result] = [result for result in trainer.train([job]) if result]
            fits.append(result)
        results[name] = fits
    return results


def test_scores(
    dataset: Dataset, seed: int = 0, seeds: int = 1, names: Sequence[str] = OF_SCIKIT_LEARN
) -> dict[str, dict[str, list[float]]]:
    """By reference and task the test score on each fold."""
    scorer = TestScorer(dataset, seed)
    scores = {}
    for name, fits in fit_references(dataset, seed, seeds, names).items():
        by_task = {}
        for result in fits:
            for task, score in scorer.score(result.predictions).scores.items():
                by_task.setdefault(task, []).append(score)
        scores[name] = by_task
    return scores


test_scores.__test__ = False
