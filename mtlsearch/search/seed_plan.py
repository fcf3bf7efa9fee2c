"""How many seeds the confirmation has, and why no more: fixed before, or as the answer needs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from mtlsearch.errors import UsageError
from mtlsearch.evidence.sequential import (
    FIRST_SEEDS,
    MOST_SEEDS,
    next_seeds,
    seeds_dominate,
)
from mtlsearch.evidence.words import OPEN

if TYPE_CHECKING:
    from mtlsearch.evidence.interval import Interval

AUTO: Literal["auto"] = "auto"
Seeds = int | Literal["auto"]
Ending = Literal["asked", "answered", "rows", "most", "no answer"]

REASONS: dict[Ending, str] = {
    "asked": "as asked for",
    "answered": "the answer was clear then",
    "rows": "the test rows were the larger part of the interval then",
    "most": "no more are taken",
    "no answer": "nothing is compared that more would make surer",
}


@dataclass(frozen=True)
class SeedPlan:
    """The seeds of the confirmation of one budget.

    Attributes:
        looks: The number of seeds at each look at the answer, ascending. The last is how many there
            are, or will be once those that are missing are trained.
        ending: Why no more seeds follow; None while that depends on the answer.
    """

    looks: tuple[int, ...]
    ending: Ending | None

    @classmethod
    def of(cls, seeds: Seeds) -> "SeedPlan":
        """The plan of a confirmation that has not begun."""
        if seeds == AUTO:
            return cls((FIRST_SEEDS,), None)
        return cls((seeds,), "asked")

    @property
    def seeds(self) -> int:
        """The number of seeds."""
        return self.looks[-1]

    def after(self, claim: str | None, gain: "Interval | None") -> "SeedPlan":
        """The plan after a look at the answer.

        Args:
            claim: What the figures of the verdict say; None where there is no verdict.
            gain: The mean gain that it rests on; None where there is none.
        """
        if self.ending is not None:
            return self
        if claim is None or gain is None or gain.low is None:
            return replace(self, ending="no answer")
        if claim != OPEN:
            return replace(self, ending="answered")
        if self.seeds >= MOST_SEEDS:
            return replace(self, ending="most")
        if not seeds_dominate(gain):
            return replace(self, ending="rows")
        return replace(self, looks=(*self.looks, next_seeds(self.seeds)))

    def raised(self, seeds: Seeds, *, has_answer: bool) -> "SeedPlan":
        """The plan with more seeds: to a number that is not below the present one, or as needed.

        Args:
            seeds: The number of seeds.
            has_answer: Whether the present seeds are all trained: then their answer may have been
                looked at, and there will be one look more.
        """
        if seeds == AUTO:
            return replace(self, ending=None)
        if seeds == self.seeds:
            return replace(self, ending="asked")
        seen = self.looks if has_answer else self.looks[:-1]
        return SeedPlan((*seen, seeds), "asked")

    def describe(self, seconds: float) -> str:
        """Say how many seeds there are and why, and what those after the first look took.

        Args:
            seconds: The time of their trainings.
        """
        first = self.looks[0]
        added = self.seeds - first
        reason = "more follow if the answer needs them"
        if self.ending is not None:
            reason = REASONS[self.ending]
        if not added:
            return f"{self.seeds} seeds: {reason}."
        time = f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
        if self.ending == "asked":
            return f"{self.seeds} seeds: {first}, then {added} more, {reason}; {time} of training."
        return (
            f"{self.seeds} seeds: {first}, then {added} more since seeds were the larger part of "
            f"the interval; {time} of training; {reason}."
        )

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "SeedPlan":
        """Inverse of `to_json`."""
        return cls(tuple(value["looks"]), value["ending"])


def read_seeds(text: str) -> Seeds:
    """Return what `--seeds` of a search says. Raises UsageError."""
    if text == AUTO:
        return AUTO
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise UsageError(f'--seeds: found "{text}"; allowed: {AUTO}, or a number from 1 on')


def most_seeds(seeds: Seeds) -> int:
    """Return how many seeds a confirmation may come to."""
    return MOST_SEEDS if seeds == AUTO else seeds
