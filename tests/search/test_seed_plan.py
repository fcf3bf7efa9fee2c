"""How many seeds a confirmation takes: fixed before, raised later, or as the answer needs."""

from dataclasses import replace

import pytest

from mtlsearch.errors import UsageError
from mtlsearch.evidence.interval import Interval
from mtlsearch.search.seed_plan import AUTO, SeedPlan, most_seeds, read_seeds

OPEN = "cannot tell"
SEEDS_LARGER = Interval(1.0, -1.0, 3.0, seed_variance=2.0, row_variance=1.0)
ROWS_LARGER = replace(SEEDS_LARGER, row_variance=3.0)
FIRST = SeedPlan.of(AUTO)


def test_seeds_are_added_while_the_answer_is_open_and_they_are_the_larger_part():
    plan = FIRST
    for _ in range(6):
        plan = plan.after(OPEN, SEEDS_LARGER)
    assert plan == SeedPlan((5, 10, 15, 20), "most")


@pytest.mark.parametrize(
    ("decision", "gain", "ending"),
    [
        ("share", SEEDS_LARGER, "answered"),
        (OPEN, ROWS_LARGER, "rows"),
        (None, None, "no answer"),
        (OPEN, Interval(1.0, None, None), "no answer"),
    ],
)
def test_it_ends_where_more_seeds_would_not_help(decision, gain, ending):
    assert FIRST.after(decision, gain) == SeedPlan((5,), ending)


def test_a_fixed_number_does_not_grow():
    plan = SeedPlan.of(3)
    assert plan.after(OPEN, SEEDS_LARGER) == plan == SeedPlan((3,), "asked")


def test_a_raised_number_is_a_further_look_only_where_there_was_an_answer():
    assert SeedPlan.of(5).raised(20, has_answer=True) == SeedPlan((5, 20), "asked")
    assert SeedPlan.of(5).raised(20, has_answer=False) == SeedPlan((20,), "asked")
    assert SeedPlan((5, 10), None).raised(12, has_answer=False) == SeedPlan((5, 12), "asked")


def test_what_was_fixed_may_grow_from_there_on():
    plan = SeedPlan.of(7).raised(AUTO, has_answer=True)
    assert plan.after(OPEN, SEEDS_LARGER) == SeedPlan((7, 12), None)


def test_to_ask_for_the_present_number_ends_the_growth():
    assert SeedPlan((5, 10), None).raised(10, has_answer=False) == SeedPlan((5, 10), "asked")


def test_it_says_how_many_why_and_what_they_took():
    assert SeedPlan((5, 10, 15), "answered").describe(42.3) == (
        "15 seeds: 5, then 10 more since seeds were the larger part of the interval; 42 s of "
        "training; the answer was clear then."
    )
    assert SeedPlan((5,), "rows").describe(0.0) == (
        "5 seeds: the test rows were the larger part of the interval then."
    )
    assert SeedPlan((5, 20), "asked").describe(7.0) == (
        "20 seeds: 5, then 15 more, as asked for; 7.0 s of training."
    )


def test_it_is_stored_as_json():
    plan = SeedPlan((5, 10), None)
    assert SeedPlan.from_json(plan.to_json()) == plan


def test_the_option_is_auto_or_a_number():
    assert (read_seeds("auto"), read_seeds("7")) == (AUTO, 7)
    assert (most_seeds(AUTO), most_seeds(7)) == (20, 7)
    for text in ("0", "-1", "all", "1.5"):
        with pytest.raises(UsageError, match=f'--seeds: found "{text}"; allowed: auto, or a num'):
            read_seeds(text)
