"""Pretraining on several tasks at once, then fine-tuning.

See Caruana 1997 (doi:10.1023/A:1007379606734).
"""

from dataclasses import dataclass
from typing import Literal

from mtlsearch.initializations.contract import Frozen, Initialization, Pretraining, TaskNumbers


@dataclass(frozen=True)
class Pretrained(Initialization):
    """A trunk that was trained before, with everything shared.

    It was trained on `all` tasks, or on the `others` than the component's own.
    """

    pretraining: Pretraining = 0.5
    frozen: Frozen = 0.0
    tasks: Literal["all", "others"] = "all"

    def pretraining_tasks(self, component_tasks: TaskNumbers, tasks: int) -> TaskNumbers:
        """Return all tasks, or those that are not the component's own."""
        if self.tasks == "all":
            return tuple(range(tasks))
        others = [task for task in range(tasks) if task not in component_tasks]
        return tuple(others)
