"""The confirmed models of a study as they were tested: over all outer folds, if it has several.

Scores are means over the folds, of the seeds that succeeded in all of them. The model of an arm is
then the one that is handed over, which was searched on all rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mtlsearch.evidence.ensemble import Ensemble, NoEnsemble
from mtlsearch.evidence.pooled import FoldWeights, pool_ensembles, pool_scores
from mtlsearch.evidence.scoring import score_in_every_metric
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.confirmed_models import Confirmed
from mtlsearch.search.fold_evidence import FoldEvidence

MetricScores = Mapping[str, Mapping[str, float]]  # task -> metric -> score


@dataclass(frozen=True)
class TestedModel:
    """The model of an arm and its test scores.

    Attributes:
        confirmed: The pick, and its test scores seed by seed.
        ensemble: The ensemble of these seeds, or why there is none.
        metrics: The scores in every metric of each task, seed by seed.
    """

    __test__ = False  # no class of tests

    confirmed: Confirmed
    ensemble: Ensemble | NoEnsemble
    metrics: Sequence[MetricScores]


def tested_models(analysis: Analysis) -> list[TestedModel]:
    """The models of the arms that were confirmed in every outer fold."""
    folds = [_of_fold(fold) for fold in analysis.outer_folds]
    if len(folds) == 1:
        return list(folds[0].values())
    models = []
    for arm in folds[0]:
        if all(arm in fold for fold in folds):
            model = _pooled(analysis, [fold[arm] for fold in folds])
            if model is not None:
                models.append(model)
    return models


def _of_fold(fold: FoldEvidence) -> dict[str, TestedModel]:
    """The models of one outer fold by their arms."""
    models = {}
    for confirmed in fold.confirmed:
        metrics = []
        for training in confirmed.trainings:
            metrics.append(score_in_every_metric(fold.dataset, training.predictions))
        ensemble = fold.ensembles[confirmed.arm]
        models[confirmed.arm] = TestedModel(confirmed, ensemble, metrics)
    return models


def _pooled(analysis: Analysis, folds: Sequence[TestedModel]) -> TestedModel | None:
    """The model of an arm over all outer folds; None without a seed that all have."""
    arm = folds[0].confirmed.arm
    seeds = set(folds[0].confirmed.by_seed)
    for fold in folds[1:]:
        seeds &= set(fold.confirmed.by_seed)
    if not seeds:
        return None
    trainings = []
    metrics = []
    for training in folds[0].confirmed.trainings:
        seed = training.seed_index
        if seed in seeds:
            scores = pool_scores(
                [fold.confirmed.by_seed[seed] for fold in folds],
                analysis.weights,
            )
            trainings.append(replace(training, predictions={}, scores=scores))
            of_folds = [fold.metrics[_position(fold, seed)] for fold in folds]
            metrics.append(_mean_metrics(of_folds, analysis.weights))
    confirmed = Confirmed(analysis.pick_handed_over(arm), trainings, _left_out(folds, seeds))
    return TestedModel(confirmed, _pooled_ensemble(analysis, folds), metrics)


def _position(model: TestedModel, seed: int) -> int:
    return list(model.confirmed.by_seed).index(seed)


def _left_out(folds: Sequence[TestedModel], seeds: set[int]) -> dict[int, str]:
    """Why seeds are missing, by their index."""
    left_out: dict[int, str] = {}
    for number, fold in enumerate(folds, start=1):
        for seed, reason in fold.confirmed.left_out.items():
            if seed not in seeds:
                left_out.setdefault(seed, f"outer fold {number}: {reason}")
    return left_out


def _pooled_ensemble(analysis: Analysis, folds: Sequence[TestedModel]) -> Ensemble | NoEnsemble:
    """The ensembles of all outer folds, or why one of them has none."""
    ensembles = []
    for fold in folds:
        if isinstance(fold.ensemble, NoEnsemble):
            return fold.ensemble
        ensembles.append(fold.ensemble)
    rarest = {entry.task: entry.rests_on for entry in analysis.scarce}
    return pool_ensembles(ensembles, analysis.weights, rarest)


def _mean_metrics(folds: Sequence[MetricScores], weights: FoldWeights) -> MetricScores:
    """The mean over outer folds in every metric; NaN where it is undefined in one."""
    means: dict[str, dict[str, float]] = {}
    for task, metrics in folds[0].items():
        means[task] = {}
        for metric in metrics:
            values = [fold[task][metric] for fold in folds]
            means[task][metric] = float(weights.shares @ values)
    return means
