"""What a case is given, and what it tells."""

import itertools
import random
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.chaos.studies import Disturbed, Whole, make_half, make_whole


class CannotTry(Exception):
    """This machine does not allow the disturbance; the message says what is missing."""


@dataclass(frozen=True)
class Outcome:
    """What came of one disturbance.

    Attributes:
        moment: What the program was doing.
        lost: How many trainings had been finished and were gone or changed afterwards.
        is_equal: Whether results, predictions, scores and verdict are in the end those of the
            undisturbed study.
    """

    moment: str
    lost: int
    is_equal: bool


@dataclass
class Bench:
    """Makes the studies of the cases, in folders of their own.

    Attributes:
        folder: Where they are made.
        draw: Chooses the moments.
    """

    folder: Path
    draw: random.Random = field(default_factory=lambda: random.Random(0))
    _numbers: itertools.count = field(default_factory=itertools.count)

    @cached_property
    def whole(self) -> Whole:
        """The undisturbed study."""
        return make_whole(self.folder / "whole")

    @cached_property
    def half(self) -> Path:
        """A study that was killed in its search: its folder, for reading only."""
        return make_half(self.folder / "half")

    def new(self) -> Disturbed:
        """A folder in which nothing was searched yet."""
        return Disturbed(self.folder / str(next(self._numbers)))

    def half_done(self) -> Disturbed:
        """A study that was killed in its search, to be disturbed further."""
        disturbed = self.new()
        disturbed.take(self.half)
        return disturbed

    def finished(self) -> Disturbed:
        """A finished study, to be disturbed."""
        disturbed = self.new()
        disturbed.take(self.whole.study)
        return disturbed

    def outcome(self, moment: str, disturbed: Disturbed) -> list[Outcome]:
        """What came of a study that must now be able to go on to its end."""
        is_equal = disturbed.comes_to(self.whole)
        return [Outcome(moment, disturbed.lost, is_equal)]
