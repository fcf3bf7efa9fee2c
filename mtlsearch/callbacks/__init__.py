"""Callbacks: what a study tells while it runs, and ready ones for tools that show it."""

from mtlsearch.callbacks.contract import (
    Callback,
    PhaseFinished,
    StudyFacts,
    TrainingFinished,
    VerdictReached,
)
from mtlsearch.callbacks.mlflow import MLflow
from mtlsearch.callbacks.tensorboard import TensorBoard
from mtlsearch.callbacks.wandb import WeightsAndBiases

__all__ = [
    "Callback",
    "MLflow",
    "PhaseFinished",
    "StudyFacts",
    "TensorBoard",
    "TrainingFinished",
    "VerdictReached",
    "WeightsAndBiases",
]
