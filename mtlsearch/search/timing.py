"""What trainings and fits of a study will take, timed on a few of them before it begins.

A first epoch of a few candidates tells the time of a stage and an epoch on the data at hand. How
many stages an arm's candidates have is counted, without training them. When a training will end is
not known before: it is taken to improve for IMPROVING epochs and to end when its patience does.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mtlsearch.candidate import Candidate, TrainingSettings
from mtlsearch.data import Dataset
from mtlsearch.records import ReferenceJob, Replicate, TrainingJob
from mtlsearch.references import REFERENCES
from mtlsearch.references.trainer import ReferenceTrainer
from mtlsearch.search.arms import ARMS, SEARCH
from mtlsearch.search.objectives import directions
from mtlsearch.search.proposal import propose, shape_parameters
from mtlsearch.search.timings import Timings
from mtlsearch.space import SearchSpace
from mtlsearch.training.engine import Engine
from mtlsearch.training.engine_choice import Choice
from mtlsearch.training.history import TrainingFailedError
from mtlsearch.training.member import Member
from mtlsearch.training.training_data import TrainingData

IMPROVING = 25  # epochs in which a training improves, on average over measured studies
LONGEST = 2.0  # seconds of timed epochs, after which no further backbone is timed
ALIKE = 4  # candidates of one shape that are timed together, as the search trains them
REPLICATES = 2  # on which each of them is timed
COUNTED = 8  # candidates of an arm whose stages are counted
ROWS = 400  # training rows that a reference is timed on


@dataclass(frozen=True)
class Timer:
    """Times a study before it begins.

    Attributes:
        data: What is trained on.
        space: What is searched.
        engine: What trains.
        seed: The seed of the study.
    """

    data: TrainingData
    space: SearchSpace
    engine: Choice
    seed: int
    directions: Sequence[Any] = field(init=False)

    def __post_init__(self) -> None:
        """Read the objectives, which proposals name."""
        objectives = directions(self.dataset, self.space.cost)
        object.__setattr__(self, "directions", objectives)

    @property
    def dataset(self) -> Dataset:
        """The dataset."""
        return self.data.dataset

    def timings(
        self,
        arms: Sequence[str],
        references: Sequence[str] = (),
        most_rows: int | None = None,
    ) -> Timings:
        """Time what takes the time of a study.

        Args:
            arms: The arms of the search.
            references: The ready-made models that are fitted for comparison.
            most_rows: How many training rows these are given at most; None: as each kind takes.
        """
        settings = self.space.training
        epochs = usual_epochs(settings)
        seconds = self._stage_seconds()
        trainings = {}
        for arm in arms:
            trainings[arm] = seconds * self._mean_stage_epochs(arm, epochs)
        first_fold, later_fold = self._reference_seconds(references, most_rows)
        return Timings(
            trainings=trainings,
            first_fold=first_fold,
            later_fold=later_fold,
            epochs=epochs,
            most_epochs=settings.epochs,
            tasks=len(self.dataset.tasks),
            confirmation=self._confirmation_factor(),
        )

    def _confirmation_factor(self) -> float:
        """How many times as many rows a training of the confirmation reads as one of the search."""
        if self.space.training.search_rows is None:
            return 1.0
        search = self.data.fold(Replicate("search", 0))
        confirmation = self.data.fold(Replicate("confirmation", 0))
        return confirmation.longest / search.longest

    def _stage_seconds(self) -> float:
        """The seconds of one stage in one epoch, on average over the backbones of the space.

        Raises TrainingFailedError where no training comes to the end of an epoch.
        """
        settings = replace(self.space.training, epochs=1, averaged_epochs=1)
        engine = Engine(self.data, settings, self.engine.trainer, self.engine.chunk)
        until = time.perf_counter() + LONGEST
        rates = []
        for option in self.space.options["backbone"]:
            jobs = self._alike(option.name)
            results = [result for result in engine.train(jobs) if result and result.complete]
            if not results:
                continue
            seconds = sum(result.train_seconds for result in results)
            trained = {result.number for result in results}
            stages = 0
            for job in jobs:
                if job.number in trained:
                    stages += self._stage_epochs(job, settings, epochs=1)
            rates.append(seconds / stages)
            if time.perf_counter() > until:
                break
        if not rates:
            raise TrainingFailedError("no candidate comes to the end of an epoch")
        return float(np.mean(rates))

    def _alike(self, backbone: str) -> list[TrainingJob]:
        """Jobs of the search with a backbone, of one shape, on a few replicates."""
        space = ARMS[SEARCH].restrict(self.space)
        shape: dict[str, Any] = {"backbone": backbone}
        jobs: list[TrainingJob] = []
        for number in range(ALIKE):
            candidate, trial = propose(space, "random", number, [], self.directions, shape)
            shape |= shape_parameters(trial)
            for index in range(REPLICATES):
                jobs.append(self._job(len(jobs), candidate, index))
        return jobs

    def _job(self, number: int, candidate: Candidate, replicate: int) -> TrainingJob:
        return TrainingJob(
            number=number,
            composition=candidate.composition(),
            replicate=Replicate("search", replicate),
            seed=self.seed,
        )

    def _mean_stage_epochs(self, arm: str, epochs: int) -> float:
        """How many stages a training of an arm trains, times the epochs, on average."""
        space = ARMS[arm].restrict(self.space)
        counts = []
        for number in range(COUNTED):
            candidate, _ = propose(space, "random", number, [], self.directions)
            job = self._job(number, candidate, 0)
            counts.append(self._stage_epochs(job, self.space.training, epochs))
        return float(np.mean(counts))

    def _stage_epochs(self, job: TrainingJob, settings: TrainingSettings, epochs: int) -> int:
        """How many stages a training has, times the epochs, where each ends after so many."""
        members: dict[Member, None] = {}
        for component in job.composition:
            member = Member.of(component, job, len(self.dataset.tasks), settings)
            members[member] = None
            if member.pretraining:
                members[member.pretraining] = None
        return sum(member.stages * min(epochs, member.epochs) for member in members)

    def _reference_seconds(
        self, references: Sequence[str], most_rows: int | None
    ) -> tuple[float, float]:
        """The seconds of the fits of all references on the first fold, and on a later one.

        Each is timed for one task on ROWS rows, and is taken to need as much for each task, and to
        be fitted for each row; what it predicts for the validation rows it predicts in any case.
        """
        fold = self.data.fold(Replicate("confirmation", 0))
        trainer = ReferenceTrainer(self.dataset, lambda replicate: fold.prepared)
        task = self.dataset.tasks[0]
        rows = len(fold.train[task.source])
        first_fold = 0.0
        later_fold = 0.0
        for name in references:
            job = ReferenceJob(0, name, Replicate("confirmation", 0), self.seed, ROWS)
            fit = trainer.fit_of(job, task)
            if fit.refusal is not None:
                continue
            settings = len(REFERENCES[name].settings)
            started = time.perf_counter()
            model = fit.best()
            seconds = (time.perf_counter() - started) / settings
            started = time.perf_counter()
            model.predict(fit.rows.table.take(fit.rows.validation))
            predicting = min(time.perf_counter() - started, seconds)
            given = min(rows, most_rows or REFERENCES[name].most_rows)
            seconds = predicting + (seconds - predicting) * max(1.0, given / ROWS)
            later_fold += seconds * len(self.dataset.tasks)
            first_fold += seconds * len(self.dataset.tasks) * settings
        return first_fold, later_fold


def usual_epochs(settings: TrainingSettings) -> int:
    """After how many epochs trainings end, as far as their patience tells."""
    return min(settings.epochs, IMPROVING + settings.patience)
