"""How the recommended model learned and how it errs, for the report; nothing is decided on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mtlsearch.data import Dataset
from mtlsearch.data.outer_folds import rows_before_cut
from mtlsearch.evidence.diagnostics.predicted_rows import PredictedRows
from mtlsearch.evidence.ensemble import Ensemble, Predictions, mean_prediction
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.arms import BASELINE
from mtlsearch.search.column_importance import ModelImportances, column_importance
from mtlsearch.search.confirmed_models import Confirmed
from mtlsearch.search.fold_evidence import FoldEvidence


@dataclass(frozen=True)
class LearningCurve:
    """How the component of a confirmed model learned with one seed.

    Attributes:
        arm: The arm of the model.
        seed: The index of the seed.
        tasks: The names of the tasks of the component.
        validation: The relative validation loss after each epoch.
        training: The relative training loss during each epoch; empty where an earlier version
            trained, which did not keep it.
    """

    arm: str
    seed: int
    tasks: tuple[str, ...]
    validation: Sequence[float]
    training: Sequence[float]


@dataclass(frozen=True)
class Diagnosis:
    """What there is to look at of the model of an arm.

    Attributes:
        arm: The arm.
        analysis: The study.
    """

    arm: str
    analysis: Analysis

    @classmethod
    def of(cls, analysis: Analysis) -> "Diagnosis | None":
        """That of the recommended model; None before there is a verdict."""
        if analysis.verdict is None:
            return None
        return cls(analysis.verdict.recommended, analysis)

    @cached_property
    def beside(self) -> str:
        """The arm whose curves stand beside: the baseline, or where that is it what shares."""
        verdict = self.analysis.verdict
        if verdict is not None and self.arm == BASELINE:
            return verdict.arm
        return BASELINE

    def curves(self) -> list[LearningCurve]:
        """The curves of the model and of the one beside it, in the first outer fold."""
        names = [task.name for task in self.analysis.dataset.tasks]
        curves = []
        for arm in (self.arm, self.beside):
            model = _model_of(self.analysis, arm)
            for training in model.trainings:
                result = training.result
                of_training = result.training_history or [[] for _ in result.history]
                components = model.pick.composition.components
                parts = zip(components, result.history, of_training, strict=True)
                for component, validation, training_losses in parts:
                    curve = LearningCurve(
                        arm=arm,
                        seed=training.seed_index,
                        tasks=tuple(names[task] for task in component.tasks),
                        validation=validation,
                        training=training_losses,
                    )
                    curves.append(curve)
        return curves

    @cached_property
    def seeds(self) -> int:
        """How many networks the predictions are the mean of, in the first outer fold."""
        return len(_model_of(self.analysis, self.arm).trainings)

    def predicted_rows(self) -> list[PredictedRows]:
        """The labelled test rows of each task, over all outer folds, with the mean prediction."""
        by_fold = []
        for fold in self.analysis.outer_folds:
            by_fold.append(self._of_fold(fold))
        tasks = self.analysis.dataset.tasks
        rows = []
        for place in range(len(tasks)):
            rows.append(PredictedRows.joined([of_fold[place] for of_fold in by_fold]))
        return rows

    def _of_fold(self, fold: FoldEvidence) -> list[PredictedRows]:
        predictions = _mean_predictions(fold, self.arm)
        parts = []
        for task in fold.dataset.tasks:
            source = fold.dataset.sources[task.source]
            numbers = rows_before_cut(self.analysis.dataset.sources[task.source], source)
            rows = source.splits.predicted
            labels = fold.dataset.targets[task.name][rows]
            part = PredictedRows.labelled(task, numbers[rows], labels, predictions[task.name])
            parts.append(part)
        return parts

    def importances(self) -> ModelImportances:
        """What the columns are worth to the model, in the first outer fold."""
        model = _model_of(self.analysis, self.arm)
        dataset: Dataset = self.analysis.dataset
        seed = self.analysis.study.request.seed
        return column_importance(model, dataset, self.analysis.test_scales, seed)


def _model_of(fold: FoldEvidence, arm: str) -> Confirmed:
    for model in fold.confirmed:
        if model.arm == arm:
            return model
    raise KeyError(f"{arm} is not confirmed")


def _mean_predictions(fold: FoldEvidence, arm: str) -> Predictions:
    """What the ensemble of an arm predicts for the test rows of a fold, or its only network."""
    ensemble = fold.ensembles[arm]
    if isinstance(ensemble, Ensemble):
        return ensemble.predictions
    model = _model_of(fold, arm)
    return mean_prediction([training.predictions for training in model.trainings])
