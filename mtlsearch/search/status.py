"""What `status` shows: for every arm what is done, running, failed and left.

It reads the study only, never the data, and needs no plugin.
"""

from dataclasses import asdict, dataclass
from typing import Any

from optuna.trial import TrialState
from rich.console import Group
from rich.table import Table
from rich.text import Text

from mtlsearch.program import command
from mtlsearch.search.part_names import ALL_ROWS, part_names
from mtlsearch.search.study import REFERENCES_ARM, Study

COLUMNS = ("arm", "trainings", "complete", "failed", "running", "left")


@dataclass(frozen=True)
class ArmStatus:
    """How far an arm, or the confirmation, has come.

    `part` is the outer fold that it is of, empty for the first, or all rows. `running` counts
    trainings that were begun and have no result yet.
    """

    part: str
    arm: str
    trainings: int
    complete: int
    failed: int
    running: int
    left: int

    @classmethod
    def of(cls, study: Study, part: str, arm: str, trainings: int) -> "ArmStatus":
        """The status of an arm of a part of a study, with a budget of so many trainings."""
        counts = study.count(arm)
        finished = [count for state, count in counts.items() if state.is_finished()]
        return cls(
            part=part,
            arm=arm,
            trainings=trainings,
            complete=counts.get(TrialState.COMPLETE, 0),
            failed=counts.get(TrialState.FAIL, 0),
            running=counts.get(TrialState.RUNNING, 0),
            left=trainings - sum(finished),
        )


@dataclass(frozen=True)
class StudyStatus:
    """How far a study has come. It is finished when the picked models are confirmed."""

    folder: str
    finished: bool
    wall_seconds: float
    arms: tuple[ArmStatus, ...]

    @classmethod
    def of(cls, study: Study) -> "StudyStatus":
        """The status of a study."""
        arms: list[ArmStatus] = []
        is_settled = study.seed_plan.ending is not None
        for name in part_names(study.request.outer_folds):
            part = study.part(name) if name else study
            is_settled &= part.picked > 0
            arms += _arms_of(part, name)
        return cls(
            folder=str(study.folder),
            finished=is_settled and all(arm.left == 0 for arm in arms),
            wall_seconds=round(study.wall_seconds, 1),
            arms=tuple(arms),
        )

    def to_json(self) -> dict[str, Any]:
        """All fields as plain values."""
        return asdict(self)

    def table(self) -> Group:
        """The status for people: a line that can be copied, and a table."""
        state = "finished"
        if not self.finished:
            state = f"not finished; go on with: {command('resume', self.folder)}"
        title = Text(f"{self.folder}: {state}", no_wrap=True, overflow="ignore")
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in COLUMNS:
            table.add_column(name, justify="left" if name == "arm" else "right")
        for arm in self.arms:
            values = [str(getattr(arm, name)) for name in COLUMNS]
            if arm.part:
                values[0] = f"{arm.part} {arm.arm}"
            table.add_row(*values)
        return Group(title, table)


def _arms_of(study: Study, part: str) -> list[ArmStatus]:
    """The status of the arms of a part, of its confirmation, and of the references beside it."""
    request = study.request
    arms = [ArmStatus.of(study, part, arm, request.budget(arm)) for arm in request.arms]
    confirmations = study.picked * study.seeds
    arms.append(ArmStatus.of(study, part, study.confirmation, confirmations))
    if study.references and part != ALL_ROWS:
        fits = len(study.references) * study.reference_seeds
        fits = max(fits, sum(study.count(REFERENCES_ARM).values()))  # of earlier versions
        arms.append(ArmStatus.of(study, part, REFERENCES_ARM, fits))
    return arms
