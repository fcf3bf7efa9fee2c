"""Which model to use, by everything known of it. No claim rests on it.

What is known of a model's true gain over the baseline are three things, each with a normal error:
a prior, the estimate from validation rows, and the gain on test rows. Their mean, weighted by
precision, is the gain that is expected.

- The prior is normal around 0 with a standard deviation of PRIOR_DEVIATION points: true gains of
  sharing arms in the truth benchmark are of that size (root mean square 1.5 points).
- The validation estimate was the largest of many, on rows that were looked at often. So its own
  standard deviation is joined by CHOICE_DEVIATION: measured, estimates missed the true gains by 1.5
  points (root mean square) where their own deviations were 0.7.
- The gain on test rows counts with the deviation that its 95% interval would have were it normal:
  an interval from few seeds is wider than its variance says, and so counts less.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from mtlsearch.evidence.interval import UPPER_QUANTILE, Interval
from mtlsearch.evidence.spelling import SCALE, decimals_for, points, share_of, signed

PRIOR_DEVIATION = 2.0  # points of mean skill
CHOICE_DEVIATION = 1.5  # points of mean skill


@dataclass(frozen=True)
class Cost:
    """What a model costs to use.

    Attributes:
        macs: Its multiply-accumulates for one example.
        parameters: Its trained weights.
    """

    macs: int
    parameters: int


@dataclass(frozen=True)
class Estimate:
    """A gain on validation rows in points of mean skill, with its standard deviation."""

    gain: float
    deviation: float


@dataclass(frozen=True)
class Option:
    """A confirmed model that may be recommended.

    Attributes:
        arm: The arm it is of.
        cost: What it costs to use.
        test: Its gain over the baseline on test rows; None of the baseline itself.
        validation: Its estimated gain on validation rows; None where too few trainings tell.
        is_allowed: Whether every task is sure to stay within its limit.
    """

    arm: str
    cost: Cost
    test: Interval | None = None
    validation: Estimate | None = None
    is_allowed: bool = True

    @property
    def is_baseline(self) -> bool:
        """Whether gains are over this model."""
        return self.test is None

    @property
    def price(self) -> tuple[int, int]:
        """What makes it cheaper than another: multiply-accumulates, then parameters."""
        return self.cost.macs, self.cost.parameters

    def is_equal(self, margin: float) -> bool:
        """Whether it surely differs from the baseline by no more than so many points."""
        return self.test is None or self.test.within(margin)


@dataclass(frozen=True)
class Recommendation:
    """The model to use.

    Attributes:
        arm: The arm whose model it is.
        why: The reason, as a whole sentence.
    """

    arm: str
    why: str


def expected_gain(option: Option) -> float:
    """Return the expected true gain over the baseline in points of mean skill."""
    if option.test is None:
        return 0.0
    precision = 1 / PRIOR_DEVIATION**2
    total = 0.0
    if option.validation is not None:
        variance = option.validation.deviation**2 + CHOICE_DEVIATION**2
        precision += 1 / variance
        total += option.validation.gain / variance
    deviation = _deviation(option.test)
    if deviation == 0.0:
        return option.test.mean
    if deviation is not None:
        precision += 1 / deviation**2
        total += option.test.mean / deviation**2
    return total / precision


def _deviation(gain: Interval) -> float | None:
    """The standard deviation of a normal estimate with the same interval; None without ends."""
    if gain.low is None or gain.high is None:
        return None
    quantile = float(stats.norm.ppf(UPPER_QUANTILE))
    return (gain.high - gain.low) / 2 / quantile


def recommend(options: Sequence[Option]) -> Recommendation:
    """Recommend the model that is expected to be the best; of several the cheapest.

    That one is cheaper counts only where models are claimed to be equal, see `cheapest`: measured,
    a model that is cheaper and expected to be nearly as good was significantly worse than the
    baseline on two problems of 24. Where a task may be only so much worse, a model that is not sure
    to keep that is left out.

    Args:
        options: All confirmed models, the baseline among them.
    """
    allowed = [option for option in options if option.is_allowed]
    expected = {option.arm: expected_gain(option) for option in allowed}
    largest = max(expected.values())
    best = [option for option in allowed if expected[option.arm] == largest]
    chosen = min(best, key=lambda option: option.price)
    [baseline] = [option.arm for option in options if option.is_baseline]
    decimals = decimals_for(list(expected.values()), [0.0])
    gain = f"{signed(largest, decimals)} points"
    return Recommendation(chosen.arm, _why_best(chosen, baseline, gain))


def _why_best(best: Option, baseline: str, gain: str) -> str:
    known = "By all that is known (validation and test, drawn towards no gain)"
    if best.is_baseline:
        return f"{known} no other model is expected to be better."
    return f"{known} it is expected to be best: {gain} {SCALE} over {baseline}."


def cheapest(options: Sequence[Option], margin: float) -> Recommendation:
    """Recommend the cheapest of the models that surely differ from the baseline by no more.

    Args:
        options: All confirmed models, the baseline among them.
        margin: The difference in points of mean skill that does not matter.
    """
    equal = [option for option in options if option.is_allowed and option.is_equal(margin)]
    chosen = min(equal, key=lambda option: option.price)
    others = [option for option in equal if option.price > chosen.price]
    if not others:
        return Recommendation(chosen.arm, "What is equal costs the same.")
    beside = min(others, key=lambda option: not option.is_baseline)
    why = f"Equal within {points(margin)}, and cheaper: {cost_beside(chosen, beside)}."
    return Recommendation(chosen.arm, why)


def cost_beside(option: Option, other: Option) -> str:
    """Return what a model costs, as shares of what another costs."""
    macs = share_of(option.cost.macs, other.cost.macs)
    parameters = share_of(option.cost.parameters, other.cost.parameters)
    return (
        f"{option.arm} needs {macs} the multiply-accumulates and has {parameters} the parameters "
        f"of {other.arm}"
    )
