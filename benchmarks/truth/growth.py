"""How often a confirmation takes more seeds, what that does to its interval, and what it costs.

Whole studies of the part `verdict`, on fewer of its problems: first with five seeds, then those
very studies with as many as the answer needs. Compared are the intervals of the mean gain of the
arm that stands for sharing: with 95% by itself after five seeds, and in the end with what the looks
at the answer are allowed.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.truth.experiment import FOREST, grouped, request, space
from benchmarks.truth.finding import Estimate, Finding, ratio_of_sums, share_of_true
from benchmarks.truth.verdicts import (
    ARMS,
    BUDGET,
    GROUPS,
    OTHER_TEST_ROWS,
    ROWS,
    TEST_ROWS,
    with_test_rows,
)
from mtlsearch.data import Dataset
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.evidence.interval import Interval
from mtlsearch.evidence.sequential import FIRST_SEEDS, seeds_dominate
from mtlsearch.evidence.verdict import OPEN
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.seed_plan import AUTO
from mtlsearch.search.session import Observer, work
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace

PROBLEMS = {"unrelated": 4, "related": 6}


@dataclass(frozen=True)
class Growth:
    """A study with five seeds, and with as many as its answer needed.

    Attributes:
        seeds: How many these were.
        ending: Why not more.
        decisions: The decision before and after.
        seeds_dominated: Whether the seeds were the larger part of the interval of five.
        widths: The width of the interval before and after, in the unit of the mean gain.
        seconds: What the study took, and what the further seeds took.
    """

    seeds: int
    ending: str
    decisions: tuple[str, str]
    seeds_dominated: bool
    widths: tuple[float, float]
    seconds: tuple[float, float]


def grow(
    study: Study,
    dataset: Dataset,
    searched: SearchSpace,
) -> Growth:
    """Let a finished study of five seeds take as many as its answer needs."""
    before = Analysis(study, dataset)
    seconds = study.wall_seconds
    gain, decision = _answer(before)
    study.extend(seeds=AUTO)
    started = time.monotonic()
    work(study, dataset, searched, Observer())
    took = time.monotonic() - started
    after = Analysis(study, dataset)
    last_gain, last_decision = _answer(after)
    plan = study.seed_plan
    allowed = last_gain.at(after.confidence)
    return Growth(
        seeds=plan.seeds,
        ending=plan.ending or "",
        decisions=(decision, last_decision),
        seeds_dominated=seeds_dominate(gain),
        widths=(_width(gain), _width(allowed)),
        seconds=(seconds, took),
    )


def _answer(analysis: Analysis) -> tuple[Interval, str]:
    """The mean gain that decides, with 95% by itself, and the decision."""
    assert analysis.standing_gain is not None
    assert analysis.verdict is not None
    return analysis.standing_gain, analysis.verdict.decision


def _width(gain: Interval) -> float:
    assert gain.low is not None
    assert gain.high is not None
    return gain.high - gain.low


def _grow_planted(relation: str, seed: int) -> Growth:
    has_noise = seed % 2 == 1
    teacher = Teacher(grouped(GROUPS[relation], 1), unrelated=(3,) if has_noise else ())
    whole = planted(teacher, test_rows=TEST_ROWS + OTHER_TEST_ROWS, seed=seed)
    dataset = with_test_rows(whole, ROWS).dataset
    searched = space(4, 2)
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        asked = request(dataset, searched, BUDGET, ARMS, seed)
        study = Study.create(Path(folder) / "study", asked, None)
        study.set_engine(FOREST)
        work(study, dataset, searched, Observer())
        return grow(study, dataset, searched)


def findings() -> list[Finding]:
    """Return how often seeds were added, and what that came to where it was done."""
    table = []
    for relation, problems in PROBLEMS.items():
        studies = []
        for seed in range(problems):
            studies.append(_grow_planted(relation, seed))
            print(relation, seed, studies[-1], flush=True)
        for what, estimate in summarise(studies).items():
            named = f"{relation}: {what}"
            table.append(Finding("growth", BUDGET.trainings, named, estimate, problems, ROWS))
    return table


def summarise(studies: list[Growth]) -> dict[str, Estimate]:
    """Return what many studies come to, by what it is called."""
    is_grown = [study.seeds > FIRST_SEEDS for study in studies]
    summary = {
        "seeds were the larger part": share_of_true([study.seeds_dominated for study in studies]),
        "seeds were added": share_of_true(is_grown),
        "cannot tell, before": share_of_true([_is_open(study, 0) for study in studies]),
        "cannot tell, after": share_of_true([_is_open(study, 1) for study in studies]),
        "time of all added seeds / of the studies": _ratio([study.seconds for study in studies]),
    }
    grown = [study for study, added in zip(studies, is_grown, strict=True) if added]
    if grown:
        summary["seeds in the end, where added"] = _mean([study.seeds for study in grown])
        summary["width after / before, where added"] = _ratio([study.widths for study in grown])
    return summary


def _is_open(study: Growth, when: int) -> bool:
    return study.decisions[when] == OPEN


def _mean(values: Sequence[float]) -> Estimate:
    return ratio_of_sums(np.array(values), np.ones(len(values)))


def _ratio(pairs: Sequence[tuple[float, float]]) -> Estimate:
    """The sum of the second values over that of the first."""
    before, after = np.array(pairs).T
    return ratio_of_sums(after, before)
