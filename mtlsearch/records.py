"""What goes into an engine and what comes out: trainings and outcomes. Plain values with JSON both ways."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mtlsearch.candidate import Candidate, Component, Composition


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
        return {**plain, "composition": [component.to_json() for component in self.composition]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainingJob":
        """Inverse of `to_json`."""
        composition = tuple(Component.from_json(part) for part in value["composition"])
        return cls(value["number"], composition, value["replicate"], value["seed"], value["test"])


@dataclass(frozen=True)
class TrainingResult:
    """What one training came to. Scores are metrics per task name in their own units and direction.

    `epochs` and `history` (relative validation loss after each epoch) are per component; `rungs` holds the validation scores
    at each rung, by its epoch. A training that was `stopped` at a rung has no other scores, and neither has a failed one,
    which has a `failure` (why). `test_resamples` are the test scores on bootstrap samples of the test rows. `costs` are the
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
    rungs: dict[str, dict[str, float]] = field(default_factory=dict)
    stopped: bool = False
    test_resamples: dict[str, list[float]] = field(default_factory=dict)
    costs: list[list[int]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """True when it has its scores."""
        return self.failure is None and not self.stopped

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
    outcome: TrainingResult
