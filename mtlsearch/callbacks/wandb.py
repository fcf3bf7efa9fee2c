"""Studies in Weights & Biases."""

import hashlib
from os import PathLike
from typing import TYPE_CHECKING, Literal

from mtlsearch.callbacks.contract import Callback, StudyFacts, TrainingFinished, VerdictReached
from mtlsearch.callbacks.libraries import require
from mtlsearch.callbacks.series import test_numbers, training_numbers, verdict_words

if TYPE_CHECKING:
    from wandb import Run

STEP = "step"  # what the last part of a series' name is that its scores are drawn over


class WeightsAndBiases(Callback):
    """Writes each study as a run of Weights & Biases.

    The run has the settings as its config; of each arm and task the validation scores, drawn over
    the number of the training, or of the fresh seed; and in its summary the test scores, the gains
    and the verdict. A resumed study goes on with its run.

    Args:
        project: The project.
        folder: Where the library keeps its files; None: the study's folder.
        mode: offline: only files, which `wandb sync` sends later; online: to the server as well.

    Raises:
        UsageError: wandb is not installed.
    """

    def __init__(
        self,
        project: str = "mtlsearch",
        *,
        folder: str | PathLike[str] | None = None,
        mode: Literal["offline", "online"] = "offline",
    ) -> None:
        require("wandb", "wandb")
        self.project = project
        self.folder = folder
        self.mode = mode
        self._run: Run | None = None
        self._series: set[str] = set()
        self._has_ended = False

    def training_finished(self, event: TrainingFinished) -> None:
        """Write the scores of a training."""
        run = self._open(event.study)
        step = f"{event.series}/{STEP}"
        if event.series not in self._series:
            self._series.add(event.series)
            run.define_metric(step, hidden=True)
            run.define_metric(f"{event.series}/*", step_metric=step)
        run.log({step: event.step, **training_numbers(event)})

    def verdict_reached(self, event: VerdictReached) -> None:
        """Write the test scores and the answer."""
        run = self._open(event.study)
        run.summary.update(test_numbers(event.study, event.report))
        run.summary.update(verdict_words(event.report))
        self._has_ended = True

    def close(self) -> None:
        """End the run; without a verdict it is marked as failed until `resume` goes on with it."""
        if self._run is not None:
            self._run.finish(exit_code=0 if self._has_ended else 1)
        self._run = None
        self._series.clear()
        self._has_ended = False

    def _open(self, study: StudyFacts) -> "Run":
        if self._run is None:
            import wandb

            self._run = wandb.init(
                project=self.project,
                name=study.folder.name,
                id=hashlib.sha256(study.name.encode()).hexdigest()[:16],
                resume="allow",
                dir=str(self.folder or study.folder),
                mode=self.mode,
                config=dict(study.settings),
                reinit="create_new",
                settings=wandb.Settings(silent=True, disable_git=True, x_disable_stats=True),
            )
        return self._run
