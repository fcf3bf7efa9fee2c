"""What a worker does with the cohorts that it is given: trains networks, or fits references."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mtlsearch.records import Job, ReferenceJob, TrainingJob, TrainingResult
from mtlsearch.references.trainer import ReferenceTrainer
from mtlsearch.training.engine import Engine


@dataclass(frozen=True)
class Worker:
    """Trains the jobs of a study, whichever they are."""

    engine: Engine
    references: ReferenceTrainer

    @classmethod
    def of(cls, engine: Engine) -> "Worker":
        """A worker whose references are fitted on the folds of an engine's data."""
        data = engine.data
        references = ReferenceTrainer(
            data.dataset,
            lambda replicate: data.fold(replicate).prepared,
        )
        return cls(engine, references)

    def train(self, jobs: Sequence[Job]) -> Iterator[TrainingResult | None]:
        """One result per job as soon as it is known, and None now and then."""
        networks = [job for job in jobs if isinstance(job, TrainingJob)]
        fits = [job for job in jobs if isinstance(job, ReferenceJob)]
        if networks:
            yield from self.engine.train(networks)
        yield from self.references.train(fits)
