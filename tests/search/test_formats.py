"""Studies of other versions are refused in one line that says what to do."""

import gzip
import json
from pathlib import Path

import pytest

from mtlsearch.errors import StudyError
from mtlsearch.search.study import FORMAT, FORMAT_NUMBER, Study
from mtlsearch.search.study_folder import DATABASE, POINTER
from mtlsearch.search.study_loading import open_study
from tests.support.running_program import one_error_line, run

STORED = Path(__file__).parent / "data"  # a small finished study of the first format


@pytest.fixture
def earlier(tmp_path):
    """The folder of a study that an earlier version made."""
    folder = tmp_path / "earlier"
    folder.mkdir()
    (folder / POINTER).write_bytes((STORED / "format_1.json").read_bytes())
    packed = (STORED / "format_1.db.gz").read_bytes()
    (folder / DATABASE).write_bytes(gzip.decompress(packed))
    return folder


@pytest.mark.parametrize("opens", [Study.open, open_study])
def test_a_study_of_an_earlier_version_is_refused_with_what_to_do(earlier, opens):
    with pytest.raises(StudyError) as caught:
        opens(earlier)
    assert caught.value.exit_code == 4
    words = str(caught.value)
    assert "\n" not in words
    assert "an earlier version of mtlsearch made this study (format 1" in words
    assert f"{earlier}/report/report.html stays readable" in words
    assert "another --study" in words
    assert "the same seed gives the same candidates" in words


@pytest.mark.parametrize(
    "command",
    [["status"], ["status", "--json"], ["report"], ["resume"], ["export", "--to", "model"]],
    ids=" ".join,
)
def test_every_command_that_opens_it_refuses_it_and_changes_nothing(earlier, command):
    before = (earlier / DATABASE).read_bytes()
    name, *options = command
    finished = run(name, earlier, *options, cwd=earlier.parent)
    assert finished.code == 4
    assert "earlier version" in one_error_line(finished)
    assert (earlier / DATABASE).read_bytes() == before
    assert not (earlier.parent / "model").exists()


def test_a_study_of_a_later_version_is_refused(bench):
    study = bench.create()
    study._root.set_user_attr(FORMAT, FORMAT_NUMBER + 1)
    with pytest.raises(StudyError, match=r"a later version of mtlsearch made this study"):
        bench.reopen(study)


def test_a_new_study_says_its_format(bench):
    study = bench.create()
    assert study._root.user_attrs[FORMAT] == FORMAT_NUMBER
    assert json.loads((study.folder / POINTER).read_text("utf-8"))["name"] == study.name
