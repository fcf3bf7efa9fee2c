"""What a training can do is a failed training; what we do wrong ends the study, with its traceback
in the log.
"""

import logging
import re
from pathlib import Path

import pytest

import mtlsearch.search.session as session_module
from mtlsearch.errors import StudyError
from mtlsearch.references.trainer import ReferenceTrainer
from mtlsearch.search.log import LOG, study_log
from mtlsearch.search.study import REFERENCES_ARM
from mtlsearch.system_errors import ProgramFault
from mtlsearch.training.engine import Engine


def break_after(monkeypatch, count, error):
    """Let every engine raise an error once it has trained so many."""
    trained = []
    sound = Engine.train

    def train_some(self, jobs):
        for result in sound(self, jobs):
            if result:
                trained.append(result.number)
            yield result
            if len(trained) >= count:
                raise error

    monkeypatch.setattr(Engine, "train", train_some)


def test_a_fault_ends_the_study_and_all_that_was_recorded_is_kept(bench, monkeypatch, trace, whole):
    study = bench.create()
    with monkeypatch.context() as broken:
        break_after(broken, 3, ValueError("zip() argument 2 is longer than argument 1"))
        with pytest.raises(ProgramFault) as caught:
            bench.go_on(study)
    assert caught.value.exit_code == 1
    words = str(caught.value)
    assert "\n" not in words
    assert str(study.folder / LOG) in words
    log = (study.folder / LOG).read_text("utf-8")
    assert "Traceback (most recent call last)" in log
    assert "ValueError: zip() argument 2 is longer than argument 1" in log
    states = [trial.state.name for trial in study.stored_trials("searched")]
    assert states.count("FAIL") == 0
    done = sum(len(study.trials(arm)) for arm in study.request.arms)
    assert done == 3
    study = bench.reopen(study)
    bench.go_on(study)
    assert trace(study) == whole()


def test_a_fault_beside_the_trainings_ends_the_study_as_well(bench, monkeypatch):
    def broken(*arguments):
        raise ValueError("a fault of ours")

    monkeypatch.setattr(ReferenceTrainer, "fit_of", broken)
    study = bench.create(references=True, trainings=2)
    with pytest.raises(ProgramFault):
        bench.go_on(study)
    assert "a fault of ours" in (study.folder / LOG).read_text("utf-8")
    assert not any(trial.state.is_finished() for trial in study.stored_trials(REFERENCES_ARM))


def test_the_log_tells_what_failed(bench):
    space = bench.space(optimizer={"learning_rate": 0.005, "weight_decay": {"choice": [0.0, 1e30]}})
    study = bench.run(space=space, trainings=6, replicates=1)
    log = (study.folder / LOG).read_text("utf-8")
    assert re.search(r"WARNING mtlsearch\.search\.work_queue: searched: training \d+ failed", log)
    assert "confirmation begins" in log


def test_mistakes_of_the_user_and_failures_of_the_machine_are_raised_as_they_are(tmp_path):
    for error in (StudyError("taken"), PermissionError(13, "denied", "a.txt")):
        with pytest.raises(type(error)), study_log(tmp_path):
            raise error


def test_the_log_is_closed_afterwards_and_the_level_put_back(tmp_path):
    package = logging.getLogger("mtlsearch")
    before = (package.level, list(package.handlers))
    with study_log(tmp_path):
        logging.getLogger("mtlsearch.search.x").info("inside")
    logging.getLogger("mtlsearch.search.x").warning("outside")
    assert (package.level, list(package.handlers)) == before
    text = (tmp_path / LOG).read_text("utf-8")
    assert "inside" in text
    assert "outside" not in text


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path, capsys):
    (tmp_path / LOG).mkdir()
    with study_log(tmp_path):
        logging.getLogger("mtlsearch.search.x").info("lost")
    assert capsys.readouterr().err == ""


def test_the_package_prints_nothing_by_itself():
    handlers = logging.getLogger("mtlsearch").handlers
    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)


def test_every_logger_has_the_name_of_its_module():
    root = Path(session_module.__file__).parents[1]
    for path in root.rglob("*.py"):
        text = path.read_text("utf-8")
        for argument in re.findall(r"logging\.getLogger\((.*?)\)", text):
            assert argument in ("__name__", "PACKAGE"), path
