import numpy as np
import pytest

from mtlsearch.data import PROBLEMS, TEST, Preparation, fold, load, prepare
from mtlsearch.errors import DataError

KINDS = {
    "penguins": {"species": "multiclass", "sex": "binary", "body_mass_g": "regression"},
    "tecator": {"water": "regression", "fat": "regression", "protein": "regression"},
    "bikeshare": {"log1p_casual": "regression", "log1p_registered": "regression"},
    "vowel": {"vowel": "multiclass", "speaker": "multiclass", "sex": "binary"},
    "digits": {"digit": "multiclass", "odd": "binary", "at_least_five": "binary"},
    "iris+breast_cancer": {"species": "multiclass", "malignant": "binary"},
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_is_ready_to_train(name):
    dataset = load(name)
    assert {task.name: task.kind.name for task in dataset.tasks} == KINDS[name]
    prepared = prepare(dataset, fold(dataset, 0, 0))
    for encoded in prepared.inputs.values():
        inputs = encoded.values
        assert inputs.dtype == np.float32
        assert np.isfinite(inputs).all()
    for task in dataset.tasks:
        perfect = _perfect_logits(task, prepared.targets[task.name])
        prediction = prepared.decoders[task.name].to_predictions(perfect)
        score = task.metric.score(dataset.targets[task.name], prediction)
        assert score == pytest.approx(1, abs=1e-5)
    assert dataset.digest == load(name).digest


def _perfect_logits(task, targets):
    filled = np.nan_to_num(targets)
    if task.outputs > 1:
        return 50 * np.eye(task.outputs)[filled.astype(int)]
    return (20 * filled - 10 if task.kind.is_classification else filled)[:, None]


def test_prefixes_and_split_columns_are_no_inputs():
    for name in ("penguins", "tecator", "bikeshare", "vowel"):
        dataset = load(name)
        columns = set(dataset.sources[name].inputs)
        assert not columns & {"split", "group", *(task.target for task in dataset.tasks)}
        assert not any(column.startswith(("x_", "y_")) for column in columns)
        assert dataset.sources[name].splits.given
    assert load("bikeshare").sources["bikeshare"].splits.group is not None


def test_penguins_is_the_default_and_has_nine_missing_labels():
    dataset = load()
    assert dataset.name == "penguins"
    assert np.isnan(dataset.targets["sex"]).sum() == 9
    assert dataset.tasks[1].classes == ("female", "male")


def test_task_flags_select_and_override_without_leaking_the_other_targets():
    dataset = load("penguins", ["body_mass_g::mae", "sex"])
    assert [(task.name, task.kind.name, task.metric.name) for task in dataset.tasks] == [
        ("body_mass_g", "regression", "mae"),
        ("sex", "binary", "roc_auc"),
    ]
    assert list(dataset.sources["penguins"].inputs) == list(load().sources["penguins"].inputs)


def test_a_task_flag_that_the_problem_lacks_is_named():
    with pytest.raises(
        DataError, match=r'penguins: task: "spicies" is unknown; did you mean "species"\?'
    ):
        load("penguins", ["spicies", "sex"])


def test_fitting_takes_nothing_from_test_or_validation_rows():
    dataset = load("penguins")
    chosen = fold(dataset, 0, 0)
    before = Preparation.fit(dataset, chosen).to_json()
    rows = np.flatnonzero(dataset.sources["penguins"].splits.role == TEST)
    dataset.sources["penguins"].inputs.loc[rows, "year"] = 1e9
    dataset.targets["body_mass_g"][np.concatenate([rows, chosen.validation["penguins"]])] = 1e9
    assert Preparation.fit(dataset, chosen).to_json() == before
