"""The files of confirmed models: what is written is read, whole or not at all, before the trial is
told.
"""

import numpy as np
import pytest

from mtlsearch.errors import StudyError
from mtlsearch.records import TrainingResult
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.confirmed_files import (
    FOLDER,
    read_predictions,
    read_weights,
    write_files,
)
from mtlsearch.search.ledger import Ledger, files_of

PREDICTIONS = {
    "file": np.array([1.0, 2.5]),
    "allow_pickle": np.array([[0.25, 0.75], [1.0, 0.0]]),
    "größe/../x": np.array([np.pi, -1e300]),
}


def result(predictions, weights=b"weights"):
    return TrainingResult(0, {}, 1, 1, [1], [[1.0]], 0.1, predictions=predictions, weights=weights)


def test_what_is_written_is_read_whatever_the_tasks_are_called(tmp_path):
    files = write_files(tmp_path, "searched-4-0", result(PREDICTIONS))
    read = read_predictions(tmp_path, files)
    assert list(read) == list(PREDICTIONS)
    for name, values in PREDICTIONS.items():
        assert read[name].dtype == np.float64
        np.testing.assert_array_equal(read[name], values)
    assert read_weights(tmp_path, files) == b"weights"
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == [
        "searched-4-0.npz",
        "searched-4-0.safetensors",
    ]


def test_a_failed_training_has_no_files(tmp_path):
    assert write_files(tmp_path, "x", TrainingResult.failed(0, "not finite")) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_whole_gets_no_name(tmp_path):
    class Unwritable(dict):
        def values(self):
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        write_files(tmp_path, "x", result(Unwritable(a=1)))
    assert not (tmp_path / FOLDER / "x.npz").exists()


@pytest.mark.parametrize("content", [None, b"", b"no zip"])
def test_files_that_are_lost_or_damaged_are_one_line(tmp_path, content):
    files = write_files(tmp_path, "x", result(PREDICTIONS))
    for path in (tmp_path / FOLDER).iterdir():
        path.unlink()
        if content is not None and path.suffix == ".npz":
            path.write_bytes(content)
    with pytest.raises(StudyError, match=r"x\.npz: the predictions"):
        read_predictions(tmp_path, files)
    with pytest.raises(StudyError, match=r"x\.safetensors: the weights"):
        read_weights(tmp_path, files)


def test_the_files_are_there_before_the_trial_is_told(bench, monkeypatch):
    recorded = []
    record = Ledger.record

    def watched(self, result, values, attributes=None):
        if attributes:
            names = attributes.values()
            recorded.append([(study.folder / name).is_file() for name in names])
        record(self, result, values, attributes)

    monkeypatch.setattr(Ledger, "record", watched)
    study = bench.create()
    bench.go_on(study)
    assert recorded == [[True, True]] * 2


def test_a_larger_budget_leaves_the_files_of_the_smaller_one(bench):
    study = bench.run(trainings=4)
    before = {path.name: path.read_bytes() for path in (study.folder / FOLDER).iterdir()}
    study = bench.reopen(study)
    study.extend(8)
    bench.go_on(study)
    after = {path.name: path.read_bytes() for path in (study.folder / FOLDER).iterdir()}
    assert {name: after[name] for name in before} == before
    assert len(after) == 2 * len(before) == 8


def test_a_study_whose_predictions_are_lost_says_which(bench):
    study = bench.run()
    lost = files_of(study.stored_trials(study.confirmation)[0])["predictions"]
    (study.folder / lost).unlink()
    with pytest.raises(StudyError, match=lost):
        _ = Analysis(bench.reopen(study), bench.dataset).confirmed
