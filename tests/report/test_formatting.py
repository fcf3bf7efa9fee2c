"""Numbers have the digits that their errors support."""

import pytest

from mtlsearch.report.formatting import (
    count,
    duration,
    gain,
    interval,
    number,
    point,
    signed,
    skill,
    with_error,
)
from mtlsearch.report.model import ReportedInterval


def test_a_number_has_the_digits_its_error_supports() -> None:
    assert number(0.912345, 0.0042) == "0.9123"
    assert number(12345.6, 250.0) == "12,346"
    assert number(0.0) == "0"
    assert number(-0.5) == "−0.5"


def test_a_number_of_a_small_unit_keeps_its_digits() -> None:
    assert number(2.116e-12, 3.4e-14) == "2.116e−12"
    assert number(0.0, 3.4e-14) == "0.0e+00"
    assert number(-3.4e-14, 2.1e-12) == "−3e−14"
    assert number(5.25, 3.4e-14) == "5.25000000"


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")])
def test_what_is_no_number_is_a_dash(missing: float | None) -> None:
    assert number(missing) == "–"
    assert point(missing) == "–"


def test_a_sign_is_printed_unless_the_number_is_printed_as_zero() -> None:
    assert signed(1.25) == "+1.25"
    assert signed(-1.25) == "−1.25"
    assert signed(0.001, 5.0) == "0.0"


def test_an_interval_leaves_unknown_ends_out() -> None:
    assert interval(ReportedInterval(1.25, -0.5, 3.0), " %") == "+1.2 [−0.5, +3.0] %"
    assert interval(ReportedInterval(1.25, None, None)) == "+1.25"
    assert interval(None) == "–"


def test_an_unknown_error_is_left_out() -> None:
    assert with_error(0.912345, 0.0042) == "0.9123 ± 0.0042"
    assert with_error(0.912345, None) == "0.9123"
    assert with_error(0.88, 5.6e-17) == "0.88"
    assert signed(-0.0) == "0"
    assert with_error(None, None) == "–"


def test_point_and_count() -> None:
    assert point(-3.21) == "−3.2"
    assert point(3.21) == "+3.2"
    assert count(21345) == "21,345"


def test_a_duration_has_the_units_that_fit() -> None:
    assert duration(4.26) == "4.3 s"
    assert duration(41) == "41 s"
    assert duration(754.2) == "12 min 34 s"
    assert duration(12_000) == "3 h 20 min"


def test_gains_have_one_decimal_and_what_is_printed_as_zero_no_sign() -> None:
    assert gain(ReportedInterval(1.25, -0.04, 30.0), " points") == "+1.2 [0.0, +30.0] points"
    assert gain(ReportedInterval(-1e-9, None, None)) == "0.0"
    assert gain(None) == "–"
    assert skill(ReportedInterval(83.14, -1.0, 86.0)) == "83.1 [−1.0, 86.0]"
