"""What a person sees while a study runs."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from mtlsearch.records import TrainingResult
from mtlsearch.search.forecast import Forecast
from mtlsearch.search.progress import CandidateScores, Progress
from mtlsearch.search.timings import Timings
from mtlsearch.search.work_queue import WorkQueue
from tests.search.test_phases import Trainings


def result(number, score, tasks=("sex",)):
    scores = dict.fromkeys(tasks, score)
    return replace(TrainingResult.failed(number, "", 1.0), failure=None, scores=scores)


def test_an_arm_is_shown_by_its_median_candidate_and_not_by_the_luckiest_training():
    scores = CandidateScores(replicates=2)
    assert scores.median("sex") is None
    for number, score in enumerate([0.5, 0.7, 0.99, 0.41, 0.8, 0.8]):
        scores.add(result(number, score))
    assert scores.median("sex") == pytest.approx(0.7)  # of 0.6, 0.7 and 0.8


@pytest.fixture
def watched(bench):
    """A progress display of a study under way, and its queue."""
    arms = ("searched", "single_task")
    study = bench.create(trainings=4, arms=arms)
    progress = Progress(study, bench.dataset)
    timings = Timings(dict.fromkeys(arms, 2.0), 4.0, 2.0)
    progress.expect(lambda: Forecast(study.request, timings, ("linear",)))
    beside = [Trainings("references", 2)]
    schedules = [*(Trainings(arm, 4) for arm in arms), *beside]
    queue = WorkQueue(schedules, progress.observe)
    progress.begin(schedules, queue)
    return progress, queue, bench.dataset


def drawn(progress, width):
    progress._console = Console(width=width, stderr=True)
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(progress._draw())
    return " ".join(console.export_text().split())


def test_the_table_says_what_it_leaves_out_and_what_is_left_in_all(watched):
    progress, queue, dataset = watched
    names = [task.name for task in dataset.tasks]
    queue.next()
    queue.done("searched", result(0, 0.75, names))
    narrow = drawn(progress, 80)
    assert "and 2 more tasks of 3" in narrow
    assert "searching: 1/8 trainings" in narrow
    assert "references 0 of 2" in narrow
    assert "left in all" in narrow
    wide = drawn(progress, 200)
    assert "more tasks" not in wide
    assert wide.count("0.75") == 3


def test_a_step_that_trains_nothing_has_its_name(watched):
    progress, queue, _ = watched
    for arm in ("searched", "single_task"):
        for number in range(4):
            queue.next()
            queue.done(arm, result(number, 0.5))
    assert progress._title() == "references"
    progress.enter("writing the report")
    assert "writing the report: 8/8 trainings" in drawn(progress, 120)
