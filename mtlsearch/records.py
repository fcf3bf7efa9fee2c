"""What goes into an engine and what comes out: trainings and outcomes. Plain values with JSON both ways."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mtlsearch.candidate import Candidate, Composition


@dataclass(frozen=True)
class TrainingJob:
    """One training: a composition on one replicate. `test` asks for the test rows to be scored as well."""

    number: int
    composition: Composition
    replicate: int
    seed: int
    test: bool = False

    def to_json(self) -> dict[str, Any]:
        """All fields; the composition as a list of components."""
        plain = {
            "number": self.number,
            "replicate": self.replicate,
            "seed": self.seed,
            "test": self.test,
        }
        return {**plain, "composition": self.composition.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainingJob":
        """Inverse of `to_json`."""
        composition = Composition.from_json(value["composition"])
        return cls(value["number"], composition, value["replicate"], value["seed"], value["test"])


@dataclass(frozen=True)
class TrainingResult:
    """What one training came to. Scores are metrics per task name in their own units and direction.

    `epochs` and `history` (relative validation loss after each epoch) are per component. A failed
    training has no scores but a `failure` (why). `test_resamples` are the test scores on bootstrap samples of the test rows. `costs` are the
    parameters and MACs of each component.
    """

    number: int
    scores: dict[str, float]
    test_scores: dict[str, float]
    parameters: int
    macs_per_example: int
    epochs: list[int]
    history: list[list[float]]
    train_seconds: float
    failure: str | None = None
    test_resamples: dict[str, list[float]] = field(default_factory=dict)
    costs: list[list[int]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """True when it has its scores."""
        return self.failure is None

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    @classmethod
    def failed(cls, number: int, reason: str, train_seconds: float = 0.0) -> "TrainingResult":
        """An outcome with nothing but its reason."""
        return cls(number, {}, {}, 0, 0, [], [], train_seconds, reason)


@dataclass(frozen=True)
class Trial:
    """One finished training of an arm: what was trained on which replicate, and what came of it."""

    arm: str
    number: int
    candidate: Candidate
    replicate: int
    result: TrainingResult
