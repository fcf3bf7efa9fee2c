"""What a model loses where it cannot see an input: permutation importance (Breiman 2001).

The cells of one column are dealt to the rows anew by chance, and the loss of skill is taken.
Columns that tell the same stand in for each other, so that each of them loses little.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.evidence.skill import SkillScale

Scores = Mapping[str, float]  # column -> score of a task with its cells dealt anew


@dataclass(frozen=True)
class ColumnImportance:
    """What shuffling a column costs a task.

    Attributes:
        column: The name of the column.
        loss: The mean loss of skill over the networks, in points.
        low: The smallest loss of a network.
        high: The largest.
    """

    column: str
    loss: float
    low: float
    high: float


def importances(
    scale: SkillScale,
    whole: Sequence[float],
    shuffled: Sequence[Scores],
) -> list[ColumnImportance]:
    """Return the columns, the most important first.

    Args:
        scale: The scale of the skill of the task.
        whole: The score of each network with all columns as they are.
        shuffled: By column the score of each network with that column shuffled.
    """
    ranked = []
    for column in shuffled[0]:
        losses = []
        for score, scores in zip(whole, shuffled, strict=True):
            losses.append(scale.points(score - scores[column]))
        loss = float(np.mean(losses))
        ranked.append(ColumnImportance(column, loss, min(losses), max(losses)))
    return sorted(ranked, key=lambda entry: -entry.loss)
