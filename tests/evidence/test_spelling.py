"""Figures in sentences never look like others than they are."""

import pytest

from mtlsearch.evidence.interval import Interval
from mtlsearch.evidence.spelling import points, share_of, signed, spell_interval


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((-0.2, 1.4), "+0.60 points, 95% interval -0.20 to +1.40"),
        ((0.004, 1.4), "+0.702 points, 95% interval +0.004 to +1.400"),
        ((0.0, 1.0), "+0.50 points, 95% interval 0.00 to +1.00"),
        ((-0.5, 1.0004), "+0.2502 points, 95% interval -0.5000 to +1.0004"),
    ],
)
def test_figures_have_the_decimals_that_tell_them_from_zero_and_the_margin(ends, text) -> None:
    low, high = ends
    gain = Interval((low + high) / 2, low, high)
    assert spell_interval(gain, (0.0, 1.0, -1.0), " points", "one seed") == text


def test_without_ends_it_says_why() -> None:
    text = spell_interval(Interval(1.0, None, None), (0.0,), "%", "one seed")
    assert text == "+1.00%, no interval from one seed"


def test_a_zero_has_no_sign() -> None:
    assert signed(-0.0, 2) == signed(0.001, 2) == "0.00"


@pytest.mark.parametrize(
    ("part", "text"),
    [(34, "a third of"), (50, "half of"), (67, "67% of"), (100, "100% of"), (0.5, "less than 1%")],
)
def test_a_part_is_said_in_words(part, text) -> None:
    assert share_of(part, 100).startswith(text)


def test_points_are_counted() -> None:
    assert (points(1.0), points(0.5)) == ("1 point", "0.5 points")
