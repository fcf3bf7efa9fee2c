"""What a worker does with the cohorts that it is given: trains networks, or fits references."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from mtlsearch.candidate import TrainingSettings
from mtlsearch.records import Job, ReferenceJob, TrainingJob, TrainingResult
from mtlsearch.references.trainer import ReferenceTrainer
from mtlsearch.training.engine import Engine


class Worker:
    """Trains the jobs of a study, whichever they are.

    Only the part of the study that is worked on has its data prepared.
    """

    def __init__(
        self,
        make_engine: Callable[[int], Engine],
        verdict_settings: TrainingSettings | None = None,
    ) -> None:
        """Make a worker.

        Args:
            make_engine: What makes the engine of the part of an index.
            verdict_settings: How models are trained that are confirmed; None: as all others.
        """
        self._make_engine = make_engine
        self._verdict_settings = verdict_settings
        self._part = -1
        self._take_up(0)

    def _take_up(self, part: int) -> None:
        """Work on a part of the study. References are fitted on the folds of the engine's data."""
        if part == self._part:
            return
        self._part = part
        self.engine = self._make_engine(part)
        settings = self._verdict_settings or self.engine.schedule
        self._verdict_engine = replace(self.engine, schedule=settings)
        data = self.engine.data
        self.references = ReferenceTrainer(
            data.dataset,
            lambda replicate: data.fold(replicate).prepared,
        )

    def train(self, jobs: Sequence[Job]) -> Iterator[TrainingResult | None]:
        """One result per job as soon as it is known, and None now and then.

        All jobs are of one part of the study, and of one phase.
        """
        [part] = {job.part for job in jobs}
        self._take_up(part)
        networks = [job for job in jobs if isinstance(job, TrainingJob)]
        fits = [job for job in jobs if isinstance(job, ReferenceJob)]
        if networks:
            [confirms] = {job.replicate.confirms for job in networks}
            engine = self._verdict_engine if confirms else self.engine
            yield from engine.train(networks)
        yield from self.references.train(fits)
