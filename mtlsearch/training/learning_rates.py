"""The course of a learning rate over the steps of a training."""

import math
from dataclasses import dataclass

from mtlsearch.candidate import OptimizerSettings


@dataclass(frozen=True)
class RateCourse:
    """By what the learning rate is multiplied, step by step.

    It rises linearly to 1 in the warm-up; then it stays, or falls along half a cosine until the
    last step that the training may take. Early stopping ends it before.

    >>> settings = OptimizerSettings(schedule="cosine", warm_up=0.4)
    >>> course = RateCourse(settings, steps=5)
    >>> [round(course.factor(step), 2) for step in range(5)]
    [0.5, 1.0, 1.0, 0.75, 0.25]

    Attributes:
        settings: What the course follows from.
        steps: The most steps of the training.
    """

    settings: OptimizerSettings
    steps: int

    def __post_init__(self) -> None:
        """Refuse a rate that varies over no steps: a fault of who calls."""
        varies = self.settings.schedule != "constant" or self.settings.warm_up > 0
        if varies and self.steps < 1:
            raise ValueError("a learning rate that varies needs the number of steps")

    def factor(self, step: int) -> float:
        """The factor of a step, numbered from 0."""
        warm_up_steps = round(self.settings.warm_up * self.steps)
        if step < warm_up_steps:
            return (step + 1) / warm_up_steps
        if self.settings.schedule == "constant":
            return 1.0
        falling_steps = max(self.steps - warm_up_steps, 1)
        share = min((step - warm_up_steps) / falling_steps, 1.0)
        return (1.0 + math.cos(math.pi * share)) / 2
