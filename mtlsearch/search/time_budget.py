"""The budget of trainings that fits into the minutes that a user has.

Time is kept back for the confirmation, the references, the start and the report. A study records
the budget: it is never timed again, so that resuming and repeating it try the same candidates.
"""

import math
from bisect import bisect_right
from dataclasses import replace

from mtlsearch.errors import UsageError
from mtlsearch.evidence.sequential import FIRST_SEEDS
from mtlsearch.search.forecast import FIXED_SECONDS, Forecast
from mtlsearch.search.request import Pacing, Request
from mtlsearch.search.seed_plan import AUTO
from mtlsearch.search.timings import Timings
from mtlsearch.wording import duration

PLANNED = 0.85  # of the time is planned with: a forecast is not exact
FEWEST_CANDIDATES = 4  # of an arm, below which a search is none
MOST_TRAININGS = 512  # of an arm that are begun without being named


def within_minutes(request: Request, timings: Timings, references: tuple[str, ...] = ()) -> Request:
    """Return the request with the largest budget that fits into its minutes.

    Where the answer could ask for more seeds, their number is fixed: it could not be kept within
    the time.

    Args:
        request: What is asked for, with minutes; its number of trainings is of no account.
        timings: What single trainings and fits take.
        references: The ready-made models that are fitted.

    Raises:
        UsageError: Not even the smallest budget fits.
    """
    minutes = request.minutes
    assert minutes is not None, "a time is asked for"
    seeds = FIRST_SEEDS if request.seeds == AUTO else request.seeds
    request = replace(request, seeds=seeds)
    fewest = FEWEST_CANDIDATES * request.replicates
    available = minutes * 60 * PLANNED

    def forecast(trainings: int) -> Forecast:
        return Forecast(_with_trainings(request, trainings), timings, references)

    smallest = forecast(fewest)
    if smallest.seconds > available:
        raise UsageError(_too_short(smallest))
    most = max(fewest, MOST_TRAININGS // request.replicates * request.replicates)
    budgets = range(fewest, most + 1, request.replicates)
    fitting = bisect_right(budgets, available, key=lambda budget: forecast(budget).seconds)
    return forecast(budgets[fitting - 1]).request


def describe_budget(request: Request) -> str:
    """Say what the minutes of a request came to, and what would come to the same again."""
    words = (
        f"--minutes {request.minutes:g}: {request.trainings} trainings of each arm and "
        f"{request.seeds} seeds; the same again: --trainings {request.trainings} "
        f"--seeds {request.seeds}"
    )
    if request.trainings + request.replicates > MOST_TRAININGS:
        words += "; more are begun only where --trainings says so"
    return words


def _with_trainings(request: Request, trainings: int) -> Request:
    """The request with a budget, and the pacing that goes with it."""
    pacing = Pacing.of(trainings, request.replicates, request.workers, len(request.arms))
    return replace(
        request,
        trainings=trainings,
        cohort=pacing.cohort,
        proposal_delay=pacing.proposal_delay,
    )


def _too_short(smallest: Forecast) -> str:
    request = smallest.request
    workload = smallest.workload
    parts = []
    for name, seconds in (
        (f"{request.trainings} trainings of each arm", workload.search),
        (f"the confirmation with {request.seeds} seeds", workload.confirmation),
        ("the references", workload.references),
    ):
        if seconds:
            parts.append(f"{name} {duration(smallest.on_the_clock(seconds))}")
    needed = smallest.seconds / PLANNED
    return (
        f"--minutes: found {request.minutes:g}; the smallest study takes about "
        f"{duration(needed)} ({', '.join(parts)}, start and report {duration(FIXED_SECONDS)}): "
        f"--minutes {math.ceil(needed / 6) / 10:g}, or fewer --arms or --seeds, or --no-references"
    )
