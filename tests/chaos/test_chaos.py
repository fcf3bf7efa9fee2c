"""Disturbed studies come to what the undisturbed one does, and nothing finished is lost.

Six kills run always; `-m slow` tries every case of the table once, and `python -m tests.chaos` as
often as the table in docs/robustness.md says.
"""

import random
import sys

import pytest

from tests.chaos.bench import Bench, CannotTry
from tests.chaos.cases import CASES, ELSEWHERE, KILL_9, Case
from tests.support.running_program import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals, mounts, limits of Linux")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("chaos"), random.Random(0))


def _try(case: Case, bench: Bench) -> None:
    try:
        outcomes = case.disturb(bench)
    except CannotTry as reason:
        pytest.skip(str(reason))
    assert outcomes, "the program was never disturbed"
    assert sum(outcome.lost for outcome in outcomes) == 0
    assert all(outcome.is_equal for outcome in outcomes)


def test_a_study_killed_in_every_phase_comes_to_the_same(bench: Bench) -> None:
    _try(KILL_9, bench)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[1:], ids=lambda case: case.name)
def test_a_disturbed_study_comes_to_the_same(bench: Bench, case: Case) -> None:
    _try(case, bench)


def test_the_page_names_every_case_and_the_tests_of_others() -> None:
    page = (ROOT / "docs" / "robustness.md").read_text("utf-8")
    assert [case.name for case in CASES if f"| {case.name} |" not in page] == []
    for name, path in ELSEWHERE.items():
        assert f"| {name} | `{path}` |" in page
        assert (ROOT / path).is_file()
