"""Contenders with intervals as they are asked for, and what they are judged by."""

import math
from collections.abc import Sequence

from mtlsearch.evidence.comparison import ENSEMBLE, Comparison, Limit
from mtlsearch.evidence.contenders import Contender, Groups
from mtlsearch.evidence.interval import Interval
from mtlsearch.evidence.recommendation import Cost, Option
from mtlsearch.evidence.verdict import Question

ALONE = "alone"  # the baseline
CONTROL = "warmed_up"
TOGETHER = (("a", "b"),)
UNKNOWN = (None, None)
Ends = tuple[float | None, float | None]


def between(low: float | None, high: float | None) -> Interval:
    """An interval with its mean in the middle; of mean 1 where it has no ends."""
    if low is None or high is None:
        return Interval(1.0, None, None)
    return Interval((low + high) / 2, low, high)


def contender(
    ends: Ends,
    arm: str = "ours",
    gain: float = 0.0,
    groups: Groups = TOGETHER,
    limits: Sequence[Limit] = (),
    pretrained: bool = False,
) -> Contender:
    """A contender whose mean gain has this interval."""
    differences = {"a": between(*ends), "b": between(-1.0, 1.0)}
    comparison = Comparison(
        arm=arm,
        differences=differences,
        points=differences,
        gain=between(*ends),
        relative=between(*ends),
        seeds=1 if ends == UNKNOWN else 5,
        models=ENSEMBLE,
        limits=tuple(limits),
    )
    return Contender(comparison, gain, groups, f"the model of {arm}", pretrained)


def limit(at_most_worse: float, ends: Ends) -> Limit:
    """What task b may lose, and what it gains."""
    return Limit("b", at_most_worse, between(*ends))


def option(
    arm: str,
    ends: Ends | None,
    macs: int = 100,
    parameters: int = 100,
    is_allowed: bool = True,
) -> Option:
    """A model that may be recommended; the baseline without ends of its gain."""
    test = None if ends is None else between(*ends)
    return Option(arm, Cost(macs, parameters), test, is_allowed=is_allowed)


def question(
    contenders: Sequence[Contender],
    margin: float = 1.0,
    macs: int = 50,
    **parts: object,
) -> Question:
    """What contenders that need so many multiply-accumulates are judged by; the baseline's 100."""
    options = [option(ALONE, None)]
    for entry in contenders:
        gain = entry.comparison.gain
        ends = (gain.low, gain.high)
        options.append(option(entry.arm, ends, macs, math.ceil(macs / 2), not entry.unsure))
    return Question(ALONE, CONTROL, margin, options, **parts)
