"""Which confirmed models a greedy ensemble is made of, as a study keeps it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mtlsearch.wording import first_of_many


@dataclass(frozen=True)
class GreedyChoice:
    """What was chosen, as it is kept in the study.

    Attributes:
        counts: By arm how often its model was taken.
        seeds: The indexes of the seeds of which each of these models has a network.
        validation_gain: The gain of mean skill on validation rows over the reference, in points.
        reference: The arm whose single model that is over.
        left_out: By arm why its model could not be taken.
        seconds: What the choice took.
    """

    counts: Mapping[str, int]
    seeds: tuple[int, ...]
    validation_gain: float
    reference: str
    left_out: Mapping[str, str]
    seconds: float

    @property
    def weights(self) -> dict[str, float]:
        """By arm the share of its model in the mean prediction."""
        total = sum(self.counts.values())
        return {arm: count / total for arm, count in self.counts.items()}

    @property
    def networks(self) -> int:
        """How many models there are to deploy: each chosen one with each seed."""
        return len(self.counts) * len(self.seeds)

    def __str__(self) -> str:
        """In words: `3 x searched, 1 x share_all`, and what it costs."""
        taken = [f"{count} x {arm}" for arm, count in self.counts.items()]
        parts = f"{len(self.counts)} x {len(self.seeds)} seeds"
        return f"{first_of_many(taken)}: {self.networks} models to deploy ({parts})"

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "GreedyChoice":
        """Inverse of `to_json`."""
        return cls(**{**value, "seeds": tuple(value["seeds"])})
