"""Training from scratch."""

from dataclasses import dataclass

from mtlsearch.initializations.contract import Initialization, TaskNumbers


@dataclass(frozen=True)
class Random(Initialization):
    """Weights as the modules of the backbone draw them."""

    def pretraining_tasks(self, component_tasks: TaskNumbers, tasks: int) -> TaskNumbers:
        """Return no task: there is no pretraining model."""
        return ()
