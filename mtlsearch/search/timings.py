"""What single trainings and fits of a study take, as it is timed once."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# seconds that choosing takes for each task, as measured: models are fitted to all trainings
PER_TRAINING = 1.6e-4
PER_PAIR_OF_TRAININGS = 1.5e-6


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
        tasks: How many tasks there are to choose for; 0 where an earlier version did not say.
        choosing_factor: How many times as long as was measured elsewhere choosing takes here.
        confirmation: How many times as long a training of the confirmation takes as one of the
            search, which may read fewer rows.
    """

    trainings: Mapping[str, float]
    first_fold: float = 0.0
    later_fold: float = 0.0
    epochs: int = 1
    most_epochs: int = 1
    tasks: int = 0
    choosing_factor: float = 1.0
    confirmation: float = 1.0

    def choosing(self, trainings: int) -> float:
        """The seconds that it takes to choose from so many trainings of the search."""
        of_task = PER_TRAINING * trainings + PER_PAIR_OF_TRAININGS * trainings**2
        return self.choosing_factor * self.tasks * of_task

    def to_json(self) -> dict[str, Any]:
        """All fields as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Timings":
        """Inverse of `to_json`."""
        return cls(**value)
