"""Callbacks hear what is recorded, in its order, and change nothing, whatever they do."""

import random

import numpy as np
import pytest
import torch

import mtlsearch
from mtlsearch.callbacks import Callback
from mtlsearch.callbacks.telling import checked_callbacks, telling
from mtlsearch.errors import InterruptedSearchError, UsageError
from mtlsearch.search.log import LOG
from mtlsearch.search.observers import Observers
from mtlsearch.search.session import work
from mtlsearch.space import SearchSpace
from tests.support.callbacks import Impatient


class Recorder(Callback):
    """Remembers all that it is told."""

    def __init__(self):
        self.trainings = []
        self.phases = []
        self.verdicts = []
        self.closed = 0

    def training_finished(self, event):
        self.trainings.append(event)

    def phase_finished(self, event):
        self.phases.append((event.phase, event.trainings, event.failed))

    def verdict_reached(self, event):
        self.verdicts.append(event)

    def close(self):
        self.closed += 1


class Troublemaker(Callback):
    """Uses up random numbers, and then fails, every time."""

    def training_finished(self, event):
        torch.rand(3), np.random.rand(3), random.random()
        raise RuntimeError(f"no place\nfor {event.result.number}")


def go_on(bench, study, *callbacks):
    """Work on a study to its end; return what is said."""
    said = []
    space = SearchSpace.from_mapping(study.request.space, len(bench.dataset.tasks))
    with telling(callbacks, study, bench.dataset, said.append) as teller:
        work(study, bench.dataset, space, Observers([teller]))
    return said


def test_a_study_with_callbacks_that_fail_comes_to_what_one_without_does(bench, trace, whole):
    study = bench.create()
    recorder = Recorder()
    said = go_on(bench, study, Troublemaker(), recorder)
    assert trace(study) == whole()
    heard = [(event.phase, event.arm, event.step) for event in recorder.trainings]
    assert len(heard) == len(set(heard)) == 14
    assert heard[:4] == [("search", "searched", number) for number in range(4)]
    assert heard[12:] == [("confirmation", arm, 0) for arm in ("searched", "single_task")]
    first = recorder.trainings[0]
    assert first.result.scores == study.trials("searched")[0].result.scores
    assert first.parameters["sex shares with"] == "species"
    assert first.study.tasks["body_mass_g"] == "r2"
    assert recorder.phases == [("search", 12, 0)]
    assert recorder.closed == 1

    log = (study.folder / LOG).read_text("utf-8")
    assert log.count("Traceback") == 1
    assert said == [
        "callback Troublemaker failed in training_finished: RuntimeError: no place for 0; the "
        f"study goes on. The traceback is in {study.folder / LOG}",
        "callback Troublemaker failed 14 times in all",
    ]


def test_a_callback_stops_a_study_which_keeps_what_is_finished_and_tells_the_rest(
    bench, trace, whole
):
    study = bench.create()
    earlier, later = Recorder(), Recorder()
    with pytest.raises(InterruptedSearchError, match="resume"):
        go_on(bench, study, earlier, Impatient())
    assert len(earlier.trainings) == 3
    assert earlier.phases == []
    assert earlier.closed == 1
    study = bench.reopen(study)
    go_on(bench, study, later)
    assert trace(study) == whole()
    assert len(later.trainings) == 14 - 3
    assert later.phases == [("search", 9, 0)]
    again = Recorder()
    go_on(bench, bench.reopen(study), again)
    assert again.trainings == again.phases == []


def test_parts_and_references_are_told_apart(bench):
    study = bench.create(
        outer_folds=2, trainings=1, replicates=1, arms=("single_task",), references=True
    )
    study.set_references(["linear"])
    recorder = Recorder()
    go_on(bench, study, recorder)
    series = {event.series for event in recorder.trainings}
    assert {"search/single_task", "fold-2/search/single_task", "all-rows/search/single_task"} < (
        series
    )
    assert {"references/linear", "fold-2/references/linear"} < series
    assert recorder.phases == [("search", 3, 0)]


def test_fit_and_resume_tell_the_verdict(tmp_path):
    recorder, further = Recorder(), Recorder()
    search = mtlsearch.Search(
        "quick",
        trainings=1,
        replicates=1,
        epochs=1,
        seeds=1,
        arms="share_all,single_task",
        references=False,
        runner="local",
        study=tmp_path / "study",
        progress=False,
        verbose=False,
        callbacks=[recorder],
    )
    search.fit("penguins")
    assert recorder.phases == [("search", 2, 0), ("confirmation", 2, 0)]
    [event] = recorder.verdicts
    assert event.verdict == search.verdict_
    assert (event.report_folder / "report.html").is_file()
    assert event.study.folder == tmp_path / "study"
    search.resume(callbacks=[further])
    assert len(further.verdicts) == 1
    assert further.trainings == []
    assert (len(recorder.verdicts), recorder.closed) == (1, 1)


@pytest.mark.parametrize(
    ("callbacks", "words"),
    [
        (Recorder(), "must be a list"),
        ([Recorder], "derives from mtlsearch.callbacks.Callback"),
        ([print], "derives from mtlsearch.callbacks.Callback"),
    ],
)
def test_what_is_no_callback_is_refused_before_anything_begins(callbacks, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        checked_callbacks(callbacks)
    search = mtlsearch.Search(study=tmp_path / "study", callbacks=callbacks)
    with pytest.raises(UsageError, match=words):
        search.fit("penguins")
    assert not (tmp_path / "study").exists()
