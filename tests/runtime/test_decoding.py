"""From outputs to predictions and to columns: what an exported model does with numpy alone."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import expit, softmax

from mtlsearch.runtime import decoding
from mtlsearch.runtime.decoding import LAYOUTS, TRANSFORMS, OutputDecoder

EXTREME = [-1e4, -800.0, -30.0, -1e-3, 0.0, 1e-9, 2.5, 36.0, 800.0, 1e4]


def test_values_are_scaled_back():
    decoder = OutputDecoder("affine", "value", mean=3.0, scale=0.5)
    outputs = np.array([[0.0], [2.0], [-4.0]], np.float32)
    np.testing.assert_array_equal(decoder.to_predictions(outputs), [3.0, 4.0, 1.0])


def test_a_logit_becomes_the_probability_of_the_second_class():
    decoder = OutputDecoder("logistic", "probability", ("no", "yes"))
    outputs = np.array(EXTREME)[:, None]
    prediction = decoder.to_predictions(outputs)
    np.testing.assert_allclose(prediction, expit(EXTREME), rtol=1e-12, atol=1e-300)


def test_logits_become_probabilities_of_all_classes():
    decoder = OutputDecoder("softmax", "probabilities", ("a", "b"))
    outputs = np.column_stack([EXTREME, EXTREME[::-1]])
    prediction = decoder.to_predictions(outputs)
    np.testing.assert_allclose(prediction, softmax(outputs, axis=1), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(prediction.sum(1), 1.0)


def test_a_logarithm_becomes_a_rate():
    decoder = OutputDecoder("exponential", "value", scale=4.0)
    prediction = decoder.to_predictions(np.array([[0.0], [np.log(2)], [-800.0]]))
    np.testing.assert_allclose(prediction, [4.0, 8.0, 0.0], atol=1e-300)


def test_cumulative_logits_become_probabilities_of_ordered_classes():
    decoder = OutputDecoder("cumulative", "probabilities", ("low", "mid", "high"))
    outputs = np.column_stack([EXTREME, EXTREME[::-1]])
    prediction = decoder.to_predictions(outputs)
    above_low = expit(EXTREME)
    above_mid = expit(EXTREME - np.logaddexp(0, EXTREME[::-1]))
    expected = np.column_stack([1 - above_low, above_low - above_mid, above_mid])
    np.testing.assert_allclose(prediction, expected, atol=1e-12)
    assert (prediction >= 0).all()
    np.testing.assert_allclose(prediction.sum(1), 1.0)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_many_models_are_decoded_as_one_after_the_other(transform):
    decoder = OutputDecoder(transform, "value", mean=1.0, scale=2.0)
    outputs = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
    together = decoder.to_predictions(outputs)
    assert together.dtype == np.float64
    for model in range(3):
        np.testing.assert_array_equal(together[model], decoder.to_predictions(outputs[model]))


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_an_ensemble_predicts_the_mean_of_its_members_predictions(transform):
    decoder = OutputDecoder(transform, "value", mean=1.0, scale=2.0)
    outputs = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32)
    members = [decoder.rows_to_predictions(outputs[:, member]) for member in range(3)]
    np.testing.assert_allclose(
        decoder.rows_to_predictions(outputs), np.mean(members, axis=0), rtol=1e-12
    )


def test_a_value_is_one_column():
    decoder = OutputDecoder("affine", "value")
    assert decoder.to_columns("stay", np.array([1.5, 2.0])) == {"stay": [1.5, 2.0]}


def test_two_classes_are_a_label_and_a_probability():
    decoder = OutputDecoder("logistic", "probability", ("no", "yes"))
    columns = decoder.to_columns("ill", np.array([0.25, 0.5, 0.75]))
    assert columns == {
        "ill": ["no", "yes", "yes"],
        "ill_probability": [0.25, 0.5, 0.75],
    }


def test_classes_are_a_label_and_their_probabilities():
    decoder = OutputDecoder("softmax", "probabilities", ("a", "b", "c"))
    columns = decoder.to_columns("ward", np.array([[0.25, 0.5, 0.25], [0.5, 0.5, 0.0]]))
    assert columns == {
        "ward": ["b", "a"],
        "ward=a": [0.25, 0.5],
        "ward=b": [0.5, 0.5],
        "ward=c": [0.25, 0.0],
    }


def test_logits_of_labels_become_a_probability_of_each():
    decoder = OutputDecoder("logistic_per_class", "labels", ("a", "b"))
    outputs = np.column_stack([EXTREME, EXTREME[::-1]])
    prediction = decoder.to_predictions(outputs)
    np.testing.assert_allclose(prediction, expit(outputs), rtol=1e-12, atol=1e-300)


def test_a_set_of_labels_is_a_list_and_the_probability_of_each():
    decoder = OutputDecoder("logistic_per_class", "labels", ("sport", "art", "news"))
    columns = decoder.to_columns("topics", np.array([[0.5, 0.25, 0.75], [0.0, 0.4, 0.1]]))
    assert columns == {
        "topics": ["sport;news", ""],
        "topics.sport": [0.5, 0.0],
        "topics.art": [0.25, 0.4],
        "topics.news": [0.75, 0.1],
    }


@pytest.mark.parametrize(
    ("labels", "cell"), [(("a", "b"), "a;b"), (("a;b", "c"), "a;b|c"), (("a;b", "c|d"), "a;b;c|d")]
)
def test_labels_are_separated_by_what_none_of_them_has(labels, cell):
    decoder = OutputDecoder("logistic_per_class", "labels", labels)
    assert decoder.to_columns("t", np.ones((1, 2)))["t"] == [cell]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rows", [1, 7])
def test_predictions_come_back_exactly(layout, rows):
    decoder = OutputDecoder("affine", layout, ("a", "b", "c"))
    shape = (rows, 3) if LAYOUTS[layout].per_class else rows
    predictions = np.random.default_rng(0).random(shape)
    if layout == "probability":
        decoder = OutputDecoder("affine", layout, ("a", "b"))
    columns = decoder.to_columns("t", predictions)
    cells = [list(map(str, column)) for column in columns.values()]
    np.testing.assert_array_equal(decoder.from_columns(cells), predictions)
    assert list(columns) == decoder.column_names("t")


def test_it_needs_numpy_only(tmp_path):
    shutil.copy(decoding.__file__, tmp_path)
    script = (
        "import sys, numpy; before = set(sys.modules); "
        "import decoding; print(*before ^ set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    packages = {name.split(".")[0] for name in ran.stdout.split()}
    assert packages - sys.stdlib_module_names == {"decoding"}
