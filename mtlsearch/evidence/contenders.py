"""The confirmed models that stand for sharing, and what of the conditions of a decision holds.

The model with the best validation gain, the first of equals, stands for sharing; those that keep
all limits on validation rows come first. No test row has a say in that, so its interval needs no
correction for the number of models. What speaks against sharing has to hold for all of them: a
poor search is no evidence against sharing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mtlsearch.evidence.comparison import Comparison, Limit
from mtlsearch.evidence.selection import Pick

Groups = Sequence[Sequence[str]]  # the names of the tasks of each component


@dataclass(frozen=True)
class Contender:
    """The confirmed model of an arm that may stand for sharing.

    Attributes:
        comparison: The model beside the baseline's, on test rows.
        validation_gain: Its estimated mean gain on validation rows, in points of mean skill.
        groups: The tasks of each of its components.
        phrase: What the sentence calls it, such as "all on one trunk".
        pretrained: True when some of its weights were first learned from other tasks.
        breach: By how many percent more than it may be a task is estimated to be worse, on
            validation rows.
    """

    comparison: Comparison
    validation_gain: float
    groups: Groups
    phrase: str
    pretrained: bool = False
    breach: float = 0.0

    @property
    def arm(self) -> str:
        """The arm that the model is of."""
        return self.comparison.arm

    @property
    def name(self) -> str:
        """What a sentence calls it: several arms may have the same phrase."""
        return f"{self.phrase} ({self.arm})"

    @property
    def gains(self) -> bool:
        """Whether its mean gain is surely above zero."""
        return self.comparison.gain.sign == "above"

    @property
    def loses(self) -> bool:
        """Whether its mean gain is surely below zero."""
        return self.comparison.gain.sign == "below"

    @property
    def broken(self) -> Sequence[Limit]:
        """The limits of tasks that it surely breaks."""
        return [limit for limit in self.comparison.limits if limit.is_broken]

    @property
    def unsure(self) -> Sequence[Limit]:
        """The limits of tasks that it is not sure to keep."""
        return [limit for limit in self.comparison.limits if not limit.is_kept]

    @property
    def hurts(self) -> bool:
        """Whether it is surely worse than the baseline, on average or on a task with a limit."""
        return self.loses or bool(self.broken)

    def may_gain_more_than(self, margin: float) -> bool:
        """Whether its interval reaches beyond so many points, or has no ends."""
        high = self.comparison.gain.high
        return high is None or high > margin


@dataclass(frozen=True)
class Contest:
    """All contenders, and the difference in points of mean skill that does not matter."""

    contenders: Sequence[Contender]
    margin: float

    @property
    def standing(self) -> Contender:
        """The contender that stands for sharing."""
        return max(self.contenders, key=promise)

    @property
    def is_equal(self) -> bool:
        """Whether the model that stands for sharing surely makes no difference that matters.

        That is not said while a task may be worse than it may be, or another contender may gain
        more than the margin.
        """
        standing = self.standing
        if not standing.comparison.gain.within(self.margin) or standing.unsure:
            return False
        return not self.hopes

    @property
    def hopes(self) -> Sequence[Contender]:
        """The other contenders that may gain more than the margin, and are not sure to hurt."""
        hopes = []
        for contender in self.spared:
            if contender is not self.standing and contender.may_gain_more_than(self.margin):
                hopes.append(contender)
        return hopes

    @property
    def spared(self) -> Sequence[Contender]:
        """The contenders that are not sure to hurt."""
        return [contender for contender in self.contenders if not contender.hurts]


def promise(model: Contender | Pick) -> tuple[bool, float]:
    """Return what models that may stand for sharing are ordered by, on validation rows."""
    return model.breach == 0.0, model.validation_gain
