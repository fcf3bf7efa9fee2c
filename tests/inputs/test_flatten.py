"""What scikit-learn's models are shown of inputs that are no tables."""

import numpy as np
import pytest

from mtlsearch.data import fold, prepare
from mtlsearch.data.planted_arrays import PLANTED, planted_arrays
from mtlsearch.inputs.flatten import flattened
from mtlsearch.inputs.schema import Images, Sequences, Tokens
from mtlsearch.search.sklearn_baselines import score_sklearn_baselines

TRAIN = np.arange(3)


def test_pixels_are_averaged_tile_by_tile():
    images = np.arange(2 * 1 * 16 * 20, dtype=float).reshape(2, 1, 16, 20)
    found = flattened(images, Images(1, 16, 20), TRAIN)
    assert found.shape == (2, 64)
    assert found[1, 0] == images[1, 0, :2, :3].mean()
    assert found[1, 63] == images[1, 0, 14:, 18:].mean()
    small = images[:, :, :4, :5]
    np.testing.assert_array_equal(flattened(small, Images(1, 4, 5), TRAIN), small.reshape(2, 20))


def test_steps_stand_one_after_another():
    steps = np.arange(24.0).reshape(2, 4, 3)
    np.testing.assert_array_equal(flattened(steps, Sequences(4, 2), TRAIN), steps.reshape(2, 12))


def test_tokens_are_counted_as_shares_of_the_text():
    tokens = np.array([[1, 2, 2, 0], [2, 2, 3, 1], [0, 0, 0, 0], [3, 3, 3, 3]])
    found = flattened(tokens, Tokens(4, 3), TRAIN)
    np.testing.assert_allclose(
        found, [[2 / 3, 1 / 3, 0], [2 / 4, 1 / 4, 1 / 4], [0, 0, 0], [0, 0, 1]]
    )


@pytest.mark.parametrize("kind", PLANTED)
def test_references_learn_from_every_kind_of_input(kind):
    dataset = planted_arrays(kind, rows=400)
    features = prepare(dataset, fold(dataset, 0, 0)).features
    assert list(features) == [kind]
    found = score_sklearn_baselines(dataset, seed=0, seeds=1)
    assert found["linear"]["high"][0] > 0.8
    assert found["random_forest"]["amount"][0] > 0.4
