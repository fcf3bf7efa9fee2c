"""The study's folder: made, opened, locked; what is stored in it survives."""

import json
import shutil

import pytest

from mtlsearch.candidate import Component, Composition
from mtlsearch.errors import StudyError
from mtlsearch.evidence.selection import Pick
from mtlsearch.search.request import Request
from mtlsearch.search.study import Study
from mtlsearch.search.study_folder import LOCK, POINTER

NO_DATABASE = b"this is no database" * 99


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_new_study_can_be_opened_again(bench):
    study = bench.create(arms=("searched",), sampler="random", seed=9)
    again = bench.reopen(study)
    assert again.request == study.request
    assert (again.request.seed, again.request.arms) == (9, ("searched",))
    assert again.stored_trials("searched") == []
    assert again.picks() == []


def test_a_request_survives_json(bench):
    request = bench.request(trainings=9, arms=("random", "share_all"))
    assert Request.from_json(json.loads(json.dumps(request.to_json()))) == request


def test_an_empty_folder_may_be_used_and_its_parents_are_made(bench):
    (bench.folder / "empty").mkdir()
    assert bench.create("empty").folder.name == "empty"
    assert bench.create("a/b/c").folder == bench.folder / "a" / "b" / "c"


def test_a_folder_with_a_study_is_refused_and_left_as_it_was(bench):
    study = bench.create()
    before = contents(study.folder)
    with pytest.raises(StudyError, match="already here") as error:
        bench.create()
    assert error.value.exit_code == 4
    assert contents(study.folder) == before


def test_a_folder_with_other_files_is_refused_and_left_as_it_was(bench):
    folder = bench.folder / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    with pytest.raises(StudyError, match="not empty"):
        bench.create("mine")
    assert {str(name): text for name, text in contents(folder).items()} == {
        "thesis.txt": b"precious"
    }


def test_a_file_in_the_place_of_the_folder_is_refused(bench):
    (bench.folder / "file").write_text("precious")
    with pytest.raises(StudyError):
        bench.create("file")
    assert (bench.folder / "file").read_text() == "precious"


def test_a_storage_that_cannot_be_reached_leaves_no_folder_behind(bench):
    with pytest.raises(StudyError, match="cannot be created"):
        Study.create(
            bench.folder / "new",
            bench.request(),
            f"sqlite:///{bench.folder}/missing/folder/study.db",
        )
    assert not (bench.folder / "new").exists()


def test_opening_where_there_is_no_study_is_refused(bench):
    with pytest.raises(StudyError, match="no study here"):
        Study.open(bench.folder / "nowhere")
    with pytest.raises(StudyError, match="no study here"):
        Study.open(bench.folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"storage": null, "name": "another"}',
        '{"storage": "nonsense", "name": "x"}',
    ],
)
def test_a_damaged_pointer_is_one_line_not_a_traceback(bench, text):
    study = bench.create()
    (study.folder / POINTER).write_text(text)
    with pytest.raises(StudyError) as error:
        bench.reopen(study)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [None, b"", NO_DATABASE])
def test_a_lost_or_damaged_database_is_one_line_not_a_traceback(bench, content):
    study = bench.create()
    # A copy, since the study that is open here would hold the lock of its database for a minute.
    copy = shutil.copytree(study.folder, bench.folder / "copy")
    database = copy / "study.db"
    database.unlink() if content is None else database.write_bytes(content)
    with pytest.raises(StudyError) as error:
        Study.open(copy)
    assert "\n" not in str(error.value)
    assert ("put back a copy" in str(error.value)) == (content == NO_DATABASE)


def test_only_one_may_hold_the_lock(bench):
    study = bench.create()
    with study.lock():
        assert (study.folder / LOCK).exists()
        with pytest.raises(StudyError, match="another process"):
            bench.reopen(study).lock()
    with bench.reopen(study).lock():
        pass


def test_a_storage_elsewhere_is_found_through_the_pointer(bench):
    study = Study.create(
        bench.folder / "study", bench.request(), f"sqlite:///{bench.folder}/elsewhere.db"
    )
    bench.go_on(study, 2)
    assert not (study.folder / "study.db").exists()
    assert (
        sum(
            trial.state.is_finished()
            for arm in study.request.arms
            for trial in bench.reopen(study).stored_trials(arm)
        )
        == 2
    )


def test_two_studies_in_one_storage_do_not_meet(bench):
    url = f"sqlite:///{bench.folder}/both.db"
    first, second = (
        Study.create(bench.folder / name, bench.request(), url) for name in ("one", "two")
    )
    bench.go_on(first, 3)
    assert [bench.reopen(second).stored_trials(arm) for arm in second.request.arms] == [[], []]


def test_picks_are_kept_per_budget(bench):
    study, space = bench.create(), bench.space()
    study_of_one = Component((0, 1, 2), bench.candidate(space))
    study.set_picks([Pick("searched", 3, Composition((study_of_one,)), 1.5)])
    assert bench.reopen(study).picks() == [Pick("searched", 3, Composition((study_of_one,)), 1.5)]
    study.extend(7)
    assert study.picks() == []


def test_the_seconds_of_all_sessions_are_added(bench):
    study = bench.create()
    study.add_seconds(1.5)
    study.add_seconds(2.0)
    assert bench.reopen(study).wall_seconds == 3.5
