"""The engine of a study: trains cohorts of jobs, so many members at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mtlsearch.candidate import TrainingSettings
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.training.chunks import Chunks, Costs
from mtlsearch.training.cohort import CohortTrainer
from mtlsearch.training.plain.network import CompositionNetwork
from mtlsearch.training.trainers import FALLBACK, TRAINERS
from mtlsearch.training.training_data import TrainingData


@dataclass(frozen=True)
class Engine:
    """Trains the cohorts of a study, `chunk` members at a time.

    `trainer` is one of the names in `TRAINERS`. `costs` holds the costs of networks that have been
    counted.
    """

    data: TrainingData
    schedule: TrainingSettings
    trainer: str
    chunk: int = 32
    costs: Costs = field(default_factory=dict)

    def train(self, jobs: Sequence[TrainingJob]) -> Iterator[TrainingResult | None]:
        """One result per job as soon as it is known, and None after each epoch.

        At each None the caller may do other things.
        """
        return CohortTrainer(self._chunks(), jobs).results()

    def fit_model(self, job: TrainingJob) -> tuple[CompositionNetwork, list[list[float]]]:
        """The trained model of a job and the losses of each component, epoch by epoch.

        Raises TrainingFailedError.
        """
        return CohortTrainer(self._chunks(), [job]).model()

    def _chunks(self) -> Chunks:
        make_trainer = TRAINERS[self.trainer]()
        fallback = TRAINERS[FALLBACK]()
        return Chunks(
            self.data,
            self.schedule,
            make_trainer,
            fallback,
            self.chunk,
            costs=self.costs,
        )
