"""What single trainings and fits of a study take, as it is timed once."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Timings:
    """What a study takes, in seconds of one worker.

    Attributes:
        trainings: Those of a training, by arm.
        first_fold: Those of the fits of all references on the first fold, where settings are
            chosen.
        later_fold: Those of their fits on any other fold.
        epochs: After how many epochs trainings are taken to end.
        most_epochs: After how many they end at the latest.
        confirmation: How many times as long a training of the confirmation takes as one of the
            search, which may read fewer rows.
    """

    trainings: Mapping[str, float]
    first_fold: float = 0.0
    later_fold: float = 0.0
    epochs: int = 1
    most_epochs: int = 1
    confirmation: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """All fields as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Timings":
        """Inverse of `to_json`."""
        return cls(**value)
