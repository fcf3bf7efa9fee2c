"""Studies in TensorBoard."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from mtlsearch.callbacks.contract import Callback, StudyFacts, TrainingFinished, VerdictReached
from mtlsearch.callbacks.libraries import require
from mtlsearch.callbacks.series import test_numbers, training_numbers, verdict_words

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"  # within that of the study


class TensorBoard(Callback):
    """Writes event files for TensorBoard.

    Of each arm and task the validation scores are a scalar, whose step is the number of the
    training, or of the fresh seed; test scores, gains and the verdict follow at the end. A resumed
    study adds a file to the same folder.

    Args:
        folder: Where the files are written; None: `tensorboard` in the study's folder.

    Raises:
        UsageError: TensorBoard is not installed.
    """

    def __init__(self, folder: str | PathLike[str] | None = None) -> None:
        require("torch.utils.tensorboard", "tensorboard")
        self.folder = folder
        self._writer: SummaryWriter | None = None

    def training_finished(self, event: TrainingFinished) -> None:
        """Write the scores of a training."""
        writer = self._open(event.study)
        for name, number in training_numbers(event).items():
            writer.add_scalar(_tag(name), number, event.step)

    def verdict_reached(self, event: VerdictReached) -> None:
        """Write the test scores and the answer."""
        writer = self._open(event.study)
        for name, number in test_numbers(event.study, event.report).items():
            writer.add_scalar(_tag(name), number)
        for name, words in verdict_words(event.report).items():
            writer.add_text(name, words)

    def close(self) -> None:
        """Write what is left, and close the file."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def _open(self, study: StudyFacts) -> "SummaryWriter":
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            folder = study.folder / FOLDER if self.folder is None else Path(self.folder)
            self._writer = SummaryWriter(str(folder))
        return self._writer


def _tag(name: str) -> str:
    """A name as TensorBoard takes it: it would replace blanks itself, and say so every time."""
    return name.replace(" ", "_")
