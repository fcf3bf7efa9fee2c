"""The presets of effort: a word for the space, the budget, the seeds and the outer folds.

What a user asks for by itself is taken instead, which is said.
"""

from dataclasses import dataclass

from mtlsearch.errors import UsageError, unknown
from mtlsearch.search.seed_plan import AUTO, Seeds


@dataclass(frozen=True)
class Effort:
    """How much is spent on a study.

    Attributes:
        trainings: The budget of each arm.
        seeds: The fresh seeds of the confirmation.
        outer_folds: The sets of test rows, each with a search of its own.
        space: The name of the search space; None: the one for this kind of data.
    """

    trainings: int
    seeds: Seeds
    outer_folds: int
    space: str | None = None


EFFORTS: dict[str, Effort] = {
    "quick": Effort(trainings=8, seeds=3, outer_folds=1, space="quick"),
    "default": Effort(trainings=32, seeds=AUTO, outer_folds=1),
    "thorough": Effort(trainings=64, seeds=AUTO, outer_folds=5),
}
DEFAULT_EFFORT = "default"


@dataclass(frozen=True)
class Wishes:
    """What a user asks for by itself; None: as the effort has it."""

    trainings: int | None = None
    seeds: Seeds | None = None
    outer_folds: int | None = None
    space: str | None = None

    def with_effort(self, name: str) -> Effort:
        """The effort of a name, with what is asked for by itself. Raises UsageError."""
        if name not in EFFORTS:
            raise UsageError(unknown("--effort", name, EFFORTS))
        effort = EFFORTS[name]
        return Effort(
            trainings=effort.trainings if self.trainings is None else self.trainings,
            seeds=effort.seeds if self.seeds is None else self.seeds,
            outer_folds=effort.outer_folds if self.outer_folds is None else self.outer_folds,
            space=effort.space if self.space is None else self.space,
        )

    def describe(self, name: str) -> str:
        """Say what an effort means here, and what of it is asked for otherwise."""
        effort = self.with_effort(name)
        words = []
        for option, value, asked in (
            ("--space", effort.space, self.space),
            ("--trainings", effort.trainings, self.trainings),
            ("--seeds", effort.seeds, self.seeds),
            ("--outer-folds", effort.outer_folds, self.outer_folds),
        ):
            if value is not None:
                words.append(f"{option} {value}{' (as you say)' if asked is not None else ''}")
        return f"--effort {name}: {' '.join(words)}"
