"""One thing to predict."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["regression", "binary", "multiclass"]


@dataclass(frozen=True)
class Task:
    """One thing to predict. `classes` are the labels in code order, as text (empty for regression)."""

    name: str
    kind: Kind
    metric: str
    source: str
    target: str
    classes: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """Number of head outputs: one per class for multiclass, one otherwise."""
        return len(self.classes) if self.kind == "multiclass" else 1
