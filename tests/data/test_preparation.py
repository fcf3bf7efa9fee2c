import json

import numpy as np
import pytest

from mtlsearch.data import PROBLEMS, Preparation, fold, load, prepare


def column_of(record, values):
    """The recipe of `Preparation.to_json`, in numpy alone."""
    if record["type"] == "categorical":
        return [
            np.array([v == c and s for v in values], float)
            for c, s in zip(record["categories"], record["seen"], strict=True)
        ]
    missing = ~(np.abs(values) < 1e30)
    number = (np.where(missing, record["median"], values) - record["mean"]) / record["scale"]
    found = [np.zeros(len(values)) if record["constant"] else number]
    return found + [(missing & record["indicator_seen"]).astype(float)] * record["indicator"]


def encodings_of(dataset, chosen, source):
    """The fitted encoding of each column."""
    fitted = Preparation.fit(dataset, chosen).inputs[source]
    return {encoding.name: encoding for encoding in fitted.encodings}


@pytest.mark.parametrize("name", [*PROBLEMS, "clinic"])
def test_json_reproduces_the_inputs_exactly(name, write, clinic):
    dataset = load(write(clinic), ["readmitted", "stay"]) if name == "clinic" else load(name)
    chosen = fold(dataset, 1, 0)
    fitted = json.loads(json.dumps(Preparation.fit(dataset, chosen).to_json(), allow_nan=False))
    prepared = prepare(dataset, chosen)
    for source, records in fitted["sources"].items():
        inputs = dataset.sources[source].inputs
        columns = [
            part
            for record in records
            for part in column_of(record, inputs[record["name"]].to_numpy())
        ]
        np.testing.assert_array_equal(
            np.stack(columns, 1).astype(np.float32), prepared.inputs[source].values
        )


def test_layout_is_the_same_in_every_fold(write, clinic):
    clinic["rare"] = ["often"] * 59 + ["once"]
    clinic.loc[5, "patient"] = np.nan
    dataset = load(write(clinic), ["readmitted", "stay"])
    widths = {
        prepare(dataset, fold(dataset, replicate, 0)).inputs["data"].values.shape
        for replicate in range(10)
    }
    assert len(widths) == 1


def test_a_category_or_gap_unseen_in_training_gives_zeros(write, clinic):
    clinic["rare"] = ["often"] * 30 + ["once"] + ["often"] * 29
    clinic["gap"] = np.arange(60.0)
    clinic.loc[30, "gap"] = np.nan
    clinic["split"] = ["train"] * 30 + ["val"] * 15 + ["test"] * 15
    path = write(clinic)
    card = (
        f"sources: {{v: {{path: {path}}}}}\n"
        "tasks: {readmitted: {}, stay: {}}\n"
        "split: {column: split}"
    )
    dataset = load(write(card, "c.yaml"))
    chosen = fold(dataset, 0, 0)
    encodings = encodings_of(dataset, chosen, "v")
    inputs = dataset.sources["v"].inputs
    columns = {name: inputs[name].to_numpy() for name in ("rare", "gap")}
    assert encodings["rare"].categories == ("often", "once")
    np.testing.assert_array_equal(encodings["rare"].encode(columns).values[30], [0, 0])
    np.testing.assert_array_equal(encodings["gap"].encode(columns).values[:, 1], np.zeros(60))
    columns["rare"] = np.array([None, "new"], object)
    np.testing.assert_array_equal(encodings["rare"].encode(columns).values, np.zeros((2, 2)))


def test_empty_constant_and_infinite_inputs(write, clinic):
    clinic["empty"], clinic["flat"], clinic["endless"] = np.nan, 7.1, np.arange(60.0)
    clinic.loc[::5, "endless"] = np.inf
    clinic["huge"] = np.where(np.arange(60) % 9, np.arange(60.0), 1e300)
    dataset = load(write(clinic), ["readmitted", "stay"])
    chosen = fold(dataset, 0, 0)
    fitted = encodings_of(dataset, chosen, "data")
    assert fitted["empty"].constant
    assert fitted["flat"].constant
    assert fitted["endless"].indicator
    assert np.isfinite(prepare(dataset, chosen).inputs["data"].values).all()


def test_training_rows_are_standardised_and_targets_come_back():
    dataset = load("tecator")
    prepared = prepare(dataset, fold(dataset, 0, 0))
    rows = prepared.fold.train["tecator"]
    np.testing.assert_allclose(prepared.inputs["tecator"].values[rows].mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(prepared.inputs["tecator"].values[rows].std(0), 1, atol=1e-4)
    for task in dataset.tasks:
        assert prepared.targets[task.name].dtype == np.float32
        back = prepared.decoders[task.name].to_predictions(prepared.targets[task.name][:, None])
        np.testing.assert_allclose(back, dataset.targets[task.name], rtol=1e-5)


def test_outputs_of_classes_become_probabilities():
    dataset = load("penguins")
    prepared = prepare(dataset, fold(dataset, 0, 0))
    species = prepared.decoders["species"].to_predictions(np.array([[1000.0, 0, 0]]))
    np.testing.assert_allclose(species, [[1, 0, 0]])
    sex = prepared.decoders["sex"].to_predictions(np.array([[-1000.0], [0], [1000]]))
    np.testing.assert_allclose(sex, [0, 0.5, 1])
    assert prepared.baseline_loss["sex"] == pytest.approx(np.log(2), abs=0.01)
