"""Pretraining on several tasks at once, then fine-tuning (Caruana 1997, doi:10.1023/A:1007379606734)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mtlsearch.initializations.contract import Frozen, Initialization, Pretraining


@dataclass(frozen=True)
class Pretrained(Initialization):
    """A trunk that was trained with everything shared on all `tasks`, or on those that are not the component's own."""

    pretraining: Pretraining = 0.5
    frozen: Frozen = 0.0
    tasks: Literal["all", "others"] = "all"

    def teachers(self, own: Sequence[int], tasks: int) -> tuple[int, ...]:
        """All tasks, or those that are not the component's own."""
        return tuple(task for task in range(tasks) if self.tasks == "all" or task not in own)
