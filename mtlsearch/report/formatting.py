"""Numbers as the report prints them: digits that their errors support, signs and units."""

import math

from mtlsearch.evidence import spelling
from mtlsearch.report.model import ReportedInterval

MISSING = "–"
MOST_DECIMALS = 8
ROUNDING = 1e-12  # errors of sums in float64, relative to what is summed


def number(value: float | None, error: float | None = None) -> str:
    """Print with the digits that the error supports, or with four where none is known.

    The error is half the width of an interval, or a standard error.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    value += 0.0  # no minus before a zero
    if not error or not math.isfinite(error):
        text = f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
        return _with_minus(text)
    leading_digit = math.floor(math.log10(abs(error)))
    decimals = max(0, 1 - leading_digit)
    if decimals <= MOST_DECIMALS:
        return _with_minus(f"{value:,.{decimals}f}")
    if abs(value) < 1:
        digits = _digits_after_first(value, leading_digit)
        return _with_minus(f"{value:.{digits}e}")
    return _with_minus(f"{value:,.{MOST_DECIMALS}f}")


def _digits_after_first(value: float, leading_digit: int) -> int:
    """How many digits follow the first, down to the second digit of an error that begins there."""
    if not value:
        return 1
    first = math.floor(math.log10(abs(value)))
    return min(MOST_DECIMALS, max(0, first - leading_digit + 1))


def signed(value: float, error: float | None = None) -> str:
    """The same with a plus before what is positive and not printed as zero."""
    text = number(value, error)
    if value < 0 or set(text) <= set("0."):
        return text
    return f"+{text}"


def interval(value: ReportedInterval | None, unit: str = "") -> str:
    """`+1.3 [−0.2, +2.8]`; the ends are left out where they are unknown."""
    if value is None:
        return MISSING
    if value.low is None or value.high is None:
        return signed(value.mean) + unit
    error = value.half_width
    mean = signed(value.mean, error)
    low = signed(value.low, error)
    high = signed(value.high, error)
    return f"{mean} [{low}, {high}]{unit}"


def minutes(value: float) -> str:
    """`about 4 minutes`, `under a minute`."""
    whole = round(value)
    if whole < 1:
        return "under a minute"
    return "about 1 minute" if whole == 1 else f"about {whole} minutes"


def gain(value: ReportedInterval | None, unit: str = "") -> str:
    """Print `+1.3 [−0.2, +2.8]`: with one decimal, so that all gains of a column have as many."""
    if value is None:
        return MISSING
    mean = point(value.mean)
    if value.low is None or value.high is None:
        return mean + unit
    return f"{mean} [{point(value.low)}, {point(value.high)}]{unit}"


def skill(value: ReportedInterval | None) -> str:
    """Print a skill in points, `83.1 [80.2, 86.0]`."""
    return gain(value).replace("+", "")


def point(value: float | None) -> str:
    """Print a gain with one decimal and its sign, `+1.3`; what is printed as zero has none."""
    if value is None or not math.isfinite(value):
        return MISSING
    return _with_minus(spelling.signed(value, 1))


def score_interval(score: float, low: float | None, high: float | None) -> str:
    """`0.912 [0.893, 0.931]`; the ends are left out where they are unknown."""
    if low is None or high is None:
        return number(score)
    error = (high - low) / 2
    return f"{number(score, error)} [{number(low, error)}, {number(high, error)}]"


def with_error(value: float | None, error: float | None) -> str:
    """`0.912 ± 0.004`, or the value alone where its standard error is unknown or zero."""
    if error is None or (value is not None and error <= ROUNDING * abs(value)):
        return number(value)
    return f"{number(value, error)} ± {number(error, error)}"


def count(value: float) -> str:
    """A whole number with separators: `21,345`."""
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """`41 s`, `12 min 34 s` or `3 h 20 min`."""
    whole = round(seconds)
    minutes = whole // 60
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{minutes} min {whole % 60} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _with_minus(text: str) -> str:
    return text.replace("-", "−")
