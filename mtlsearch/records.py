"""What passes between search, training and evidence: jobs, their results, and the trials."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from mtlsearch.arrays import Array
from mtlsearch.candidate import Candidate, Composition

Phase = Literal["search", "confirmation"]

FIRST_CONFIRMATION_NUMBER = 100_000


@dataclass(frozen=True)
class Replicate:
    """One repetition of a training, with a seed and a fold of its own.

    The search trains candidates on the replicates ("search", 0), ("search", 1), ...; the models
    that are confirmed are trained on ("confirmation", 0), ("confirmation", 1), ..., of which the
    search has seen neither the seeds nor the folds.
    """

    phase: Phase
    index: int

    @property
    def number(self) -> int:
        """The number that seeds and folds derive from; different for all replicates of a study.

        This is the one place that knows how the two phases are kept apart: the search counts from 0
        and the confirmation from FIRST_CONFIRMATION_NUMBER. Raises OverflowError for a replicate of
        the search that would reach into the confirmation's.
        """
        if self.phase == "confirmation":
            return FIRST_CONFIRMATION_NUMBER + self.index
        if self.index >= FIRST_CONFIRMATION_NUMBER:
            raise OverflowError(
                f"replicate {self.index}: the search has {FIRST_CONFIRMATION_NUMBER}"
            )
        return self.index

    @property
    def confirms(self) -> bool:
        """True in the confirmation, whose trainings hand over their predictions and weights."""
        return self.phase == "confirmation"


@dataclass(frozen=True)
class TrainingJob:
    """One training to be done: a composition on one replicate.

    `number` tells the jobs of one arm apart. `seed` is that of the study.
    """

    number: int
    composition: Composition
    replicate: Replicate
    seed: int

    def to_json(self) -> dict[str, Any]:
        """All fields as plain values."""
        return {
            "number": self.number,
            "composition": self.composition.to_json(),
            "replicate": {"phase": self.replicate.phase, "index": self.replicate.index},
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainingJob":
        """Inverse of `to_json`."""
        composition = Composition.from_json(value["composition"])
        replicate = Replicate(**value["replicate"])
        return cls(value["number"], composition, replicate, value["seed"])


@dataclass(frozen=True)
class TrainingResult:
    """What one training came to.

    Attributes:
        number: The number of its job.
        scores: The validation metric per task name, in its own unit and direction. Empty when the
            training failed.
        parameters: The number of trained weights of all components.
        macs_per_example: Multiply-accumulates of one forward pass over one row of every source.
        epochs: The number of epochs that each component was trained for.
        history: For each component its relative validation loss after each epoch.
        train_seconds: What the training took, with what it began from.
        failure: Why the training failed; None when it has its scores.
        predictions: What a confirmed model predicts, per task name and in the task's own units, for
            the test rows of the task's source in ascending order: [N], or [N, C] probabilities.
        weights: The weights of a confirmed model in the format of safetensors.
    """

    number: int
    scores: dict[str, float]
    parameters: int
    macs_per_example: int
    epochs: list[int]
    history: list[list[float]]
    train_seconds: float
    failure: str | None = None
    predictions: Mapping[str, Array] = field(default_factory=dict, compare=False, repr=False)
    weights: bytes = field(default=b"", compare=False, repr=False)

    @property
    def complete(self) -> bool:
        """True when the training has its scores."""
        return self.failure is None

    def to_json(self) -> dict[str, Any]:
        """All fields but the predictions and the weights, which are arrays and kept apart."""
        names = [item.name for item in fields(self) if item.compare]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainingResult":
        """Inverse of `to_json`; what earlier versions stored besides is left out."""
        names = {item.name for item in fields(cls)}
        known = {name: entry for name, entry in value.items() if name in names}
        return cls(**known)

    @classmethod
    def failed(cls, number: int, reason: str, train_seconds: float = 0.0) -> "TrainingResult":
        """A result that holds nothing but its reason."""
        return cls(number, {}, 0, 0, [], [], train_seconds, reason)


@dataclass(frozen=True)
class Trial:
    """One finished training of an arm: what was trained on which replicate, and what came of it."""

    arm: str
    number: int
    candidate: Candidate
    replicate: Replicate
    result: TrainingResult

    @property
    def complete(self) -> bool:
        """True when the training has its scores; False when it failed."""
        return self.result.complete
