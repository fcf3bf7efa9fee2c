"""Ready-made callbacks, against the libraries themselves: one study, stopped once and resumed."""

import json
import struct
import sys
from pathlib import Path

import pytest

import mtlsearch
from mtlsearch.callbacks import MLflow, TensorBoard, WeightsAndBiases
from mtlsearch.callbacks.contract import StudyFacts
from mtlsearch.callbacks.series import metric_names
from mtlsearch.errors import InterruptedSearchError, UsageError
from tests.support.callbacks import Impatient

# what the libraries do on their way that they themselves warn of
FOREIGN = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
SERIES = "search/searched/species.accuracy"
TRAININGS = 4

# of the records of LevelDB's logs
BLOCK, HEAD, WHOLE, LAST = 2**15, struct.Struct("<IHB"), 1, 4


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("ready")


@pytest.fixture(scope="module")
def study(place):
    """A finished study that all of them heard of."""
    uri = f"sqlite:///{place / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)  # where MLflow keeps artifacts
        ready = [MLflow(uri, nested=True), TensorBoard(), WeightsAndBiases()]
        search = mtlsearch.Search(
            "quick",
            trainings=TRAININGS,
            replicates=2,
            epochs=2,
            seeds=2,
            arms="searched,single_task",
            references=False,
            runner="local",
            study=place / "study",
            progress=False,
            verbose=False,
            callbacks=[*ready, Impatient()],
        )
        with pytest.raises(InterruptedSearchError):
            search.fit("penguins")
        study = mtlsearch.open_study(place / "study", progress=False, verbose=False)
        study.resume(callbacks=ready)
    log = (place / "study" / "log.txt").read_text("utf-8")
    assert "Traceback" not in log, log
    return study


def scores(study, arm="searched"):
    """By the number of a training its score."""
    stored = study._contents().stored.trials(arm)
    return {trial.number: trial.result.scores["species"] for trial in stored}


@pytest.mark.slow
@FOREIGN
def test_mlflow_has_a_run_for_the_study_and_one_for_each_training(study, place):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("mtlsearch").experiment_id
    runs = client.search_runs([experiment])
    [parent] = [run for run in runs if "mtlsearch.study" in run.data.tags]
    assert parent.info.status == "FINISHED"
    assert parent.data.params["trainings"] == str(TRAININGS)
    assert parent.data.params["arms"] == "searched, single_task"
    history = client.get_metric_history(parent.info.run_id, SERIES)
    assert {metric.step: metric.value for metric in history} == scores(study)
    assert len(history) == TRAININGS
    assert parent.data.tags["mtlsearch.verdict"] == study.verdict_.sentence
    assert parent.data.tags["mtlsearch.decision"] == study.verdict_.decision
    [model] = [model for model in study.report_.confirmed if model.arm == "searched"]
    assert parent.data.metrics["test/searched/sex.roc_auc"] == model.mean["sex"]
    files = [file.path for file in client.list_artifacts(parent.info.run_id, "report")]
    assert "report/report.html" in files

    nested = [run for run in runs if run is not parent]
    assert {run.data.tags["mlflow.parentRunId"] for run in nested} == {parent.info.run_id}
    assert len(nested) == 2 * TRAININGS + 4
    [first] = [run for run in nested if run.info.run_name == "search/searched/0"]
    assert first.data.params["sex shares with"] == "species"
    assert first.info.status == "FINISHED"


@pytest.mark.slow
@FOREIGN
def test_tensorboard_reads_the_event_files(study):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(study.folder / "tensorboard")).Reload()
    steps = {event.step: event.value for event in events.Scalars(SERIES)}
    assert steps == pytest.approx(scores(study))
    assert len(events.Scalars("confirmation/single_task/sex.roc_auc")) == 2
    [words] = events.Tensors("verdict/text_summary")
    assert words.tensor_proto.string_val[0].decode() == study.verdict_.sentence


@pytest.mark.slow
@FOREIGN
def test_wandb_s_files_hold_series_and_summary(study):
    from wandb.proto import wandb_internal_pb2

    files = sorted((study.folder / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(files) == 2  # of the two sessions
    assert len({file.stem for file in files}) == 1  # of one run
    steps, summary, config = {}, {}, {}
    for file in files:
        for data in _records(file.read_bytes()):
            record = wandb_internal_pb2.Record.FromString(data)
            row = _items(record.history.item)
            if SERIES in row:
                steps[row["search/searched/step"]] = row[SERIES]
            summary |= _items(record.summary.update)
            config |= _items(record.run.config.update)
    assert steps == pytest.approx(scores(study))
    assert summary["verdict"] == study.verdict_.sentence
    assert config["trainings"] == TRAININGS


def _records(content):
    """The records of wandb's file: a log of LevelDB's, whose blocks hold parts of records.

    Its own package has no reader in Python any more.
    """
    place, record = 7, b""  # behind the head of the file
    while place < len(content):
        left = BLOCK - place % BLOCK
        if left < HEAD.size:
            place += left
            continue
        _, size, kind = HEAD.unpack_from(content, place)
        place += HEAD.size
        record += content[place : place + size]
        place += size
        if kind in (WHOLE, LAST):
            yield record
            record = b""


def _items(items):
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [
        (MLflow, "mlflow", "mlflow"),
        (TensorBoard, "torch.utils.tensorboard", "tensorboard"),
        (WeightsAndBiases, "wandb", "wandb"),
    ],
)
def test_a_library_that_is_missing_is_said_at_once(kind, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    with pytest.raises(UsageError, match=rf"pip install 'mtlsearch\[{extra}\]'"):
        kind()


def test_names_that_no_tool_takes_are_spelled_otherwise_and_stay_different():
    tasks = {"age (years)": "mae", "age [years]": "mae", "größe": "r2"}
    names = metric_names(StudyFacts(Path(), "name", tasks, {}))
    assert names == {
        "age (years)": "age _years_.mae",
        "age [years]": "age _years__2.mae",
        "größe": "gr__e.r2",
    }
