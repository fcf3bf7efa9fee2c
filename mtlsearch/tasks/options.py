"""What the user wants of a task beside its kind: how much it counts, and what it may cost."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TaskOptions:
    """How a task counts.

    Attributes:
        importance: The weight of the task in the mean over tasks, and of its loss in training.
        auxiliary: Whether it is trained to help others and not scored: it is in no objective, no
            gain, no front and no verdict.
        at_most_worse: By how many percent its score may be worse than that of separate models.
    """

    importance: float = 1.0
    auxiliary: bool = False
    at_most_worse: float | None = None

    @property
    def weight(self) -> float:
        """The weight in the mean over tasks: 0 where the task is auxiliary."""
        return 0.0 if self.auxiliary else self.importance

    @property
    def description(self) -> str:
        """The options that are no defaults, as words; empty where all are."""
        words = []
        if self.auxiliary:
            words.append("auxiliary")
        if self.importance != 1.0:
            words.append(f"importance {self.importance:g}")
        if self.at_most_worse is not None:
            words.append(f"at most {self.at_most_worse:g}% worse")
        return ", ".join(words)


NO_OPTIONS = TaskOptions()


def loss_weights(options: Sequence[TaskOptions]) -> list[float]:
    """Return the weights of the losses of tasks that are trained together; their mean is 1.

    A task that is trained alone has the weight 1, however important it is.
    """
    return _with_mean_1([task.importance for task in options])


def stopping_weights(options: Sequence[TaskOptions]) -> list[float]:
    """Return the weights of validation losses, by which training stops early; their mean is 1.

    Auxiliary tasks have no say, unless there is no other.
    """
    weights = [task.weight for task in options]
    return _with_mean_1(weights) if any(weights) else loss_weights(options)


def _with_mean_1(weights: Sequence[float]) -> list[float]:
    mean = sum(weights) / len(weights)
    return [weight / mean for weight in weights]
