"""The table of trainers.

Each is loaded when it is asked for, so that the plain one can be used, and read, alone.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtlsearch.training.trainer import TrainerFactory


def _plain_trainer() -> "TrainerFactory":
    from mtlsearch.training.plain.trainer import PlainTrainer

    return PlainTrainer


def _stacked_trainer() -> "TrainerFactory":
    from mtlsearch.training.stacked.trainer import StackedTrainer

    return StackedTrainer


# By the names that users know: `serial` trains networks one by one, `forest` many at a time.
TRAINERS: dict[str, Callable[[], "TrainerFactory"]] = {
    "serial": _plain_trainer,
    "forest": _stacked_trainer,
}
FALLBACK = "serial"  # the trainer of networks that another one cannot train
