"""What passes between search, training, references and evidence: jobs, results and trials."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
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

    `number` tells the jobs of one arm apart. `seed` is that of the study. `part` is the index of
    the part of the study whose rows it is trained on: an outer fold, or all rows. `ends` says of
    each component after how many epochs its training ends, with the weights that it then has; where
    it is empty the validation rows say so.
    """

    number: int
    composition: Composition
    replicate: Replicate
    seed: int
    part: int = 0
    ends: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All fields as plain values."""
        return {
            "number": self.number,
            "composition": self.composition.to_json(),
            "replicate": {"phase": self.replicate.phase, "index": self.replicate.index},
            "seed": self.seed,
            "part": self.part,
            "ends": list(self.ends),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainingJob":
        """Inverse of `to_json`."""
        composition = Composition.from_json(value["composition"])
        replicate = Replicate(**value["replicate"])
        return cls(
            number=value["number"],
            composition=composition,
            replicate=replicate,
            seed=value["seed"],
            part=value["part"],
            ends=tuple(value.get("ends", ())),
        )


@dataclass(frozen=True)
class ReferenceJob:
    """A reference to be fitted to every task on one replicate of the confirmation.

    Attributes:
        number: What tells the jobs of the references apart.
        reference: The name of the reference.
        replicate: The replicate.
        seed: The seed of the study.
        most_rows: How many training rows it is given at most; None: as many as the reference takes.
        settings: What it is fitted with, by the name of a task; without an entry it is chosen on
            the validation rows of the replicate.
        part: The index of the part of the study whose rows it is fitted on.
    """

    number: int
    reference: str
    replicate: Replicate
    seed: int
    most_rows: int | None = None
    settings: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    part: int = 0

    def to_json(self) -> dict[str, Any]:
        """All fields as plain values."""
        return {
            "number": self.number,
            "reference": self.reference,
            "replicate": {"phase": self.replicate.phase, "index": self.replicate.index},
            "seed": self.seed,
            "most_rows": self.most_rows,
            "settings": dict(self.settings),
            "part": self.part,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ReferenceJob":
        """Inverse of `to_json`."""
        replicate = Replicate(**value["replicate"])
        return cls(
            number=value["number"],
            reference=value["reference"],
            replicate=replicate,
            seed=value["seed"],
            most_rows=value["most_rows"],
            settings=value["settings"],
            part=value["part"],
        )


Job = TrainingJob | ReferenceJob


def job_from_json(value: Mapping[str, Any]) -> Job:
    """Inverse of `to_json` of either kind of job."""
    if "reference" in value:
        return ReferenceJob.from_json(value)
    return TrainingJob.from_json(value)


@dataclass(frozen=True)
class ReferenceFit:
    """How a reference was fitted, task by task.

    Attributes:
        settings: What it was made with, per task name.
        rows: The number of training rows that it was given, per task name.
        labelled: The number of training rows with a label that there are, per task name.
        left_out: Per name of a task why there is no model of it.
    """

    settings: dict[str, dict[str, float]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    labelled: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


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
        reference: Of a reference, how it was fitted; None for a network.
        training_history: The same as `history` of the training rows, as the steps of each epoch saw
            them. Of a confirmed model alone: for reading only, nothing is decided on it.
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
    reference: ReferenceFit | None = None
    training_history: list[list[float]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """True when the training has its scores."""
        return self.failure is None

    def to_json(self) -> dict[str, Any]:
        """All fields but the predictions and the weights, which are arrays and kept apart."""
        names = [item.name for item in fields(self) if item.compare]
        values = {name: getattr(self, name) for name in names}
        if not self.training_history:
            del values["training_history"]
        if self.reference is None:
            del values["reference"]
        else:
            values["reference"] = asdict(self.reference)
        return values

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainingResult":
        """Inverse of `to_json`; what earlier versions stored besides is left out."""
        names = {item.name for item in fields(cls)}
        known = {name: entry for name, entry in value.items() if name in names}
        if "reference" in known:
            known["reference"] = ReferenceFit(**known["reference"])
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
