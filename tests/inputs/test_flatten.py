"""What ready-made models are shown of inputs that are no tables."""

import numpy as np
import pytest

from mtlsearch.data import fold, prepare
from mtlsearch.data.planted_arrays import PLANTED, planted_arrays
from mtlsearch.inputs import (
    ImageSchema,
    PictureColumn,
    SequenceSchema,
    TableSchema,
    TokenSchema,
)
from mtlsearch.runtime.encoded_input import EncodedInput
from tests.support.references import test_scores

TRAIN = np.arange(3)


def test_pixels_are_averaged_tile_by_tile():
    images = np.arange(2 * 1 * 16 * 20, dtype=float).reshape(2, 1, 16, 20)
    found = ImageSchema(1, 16, 20).flatten(EncodedInput(values=images), TRAIN)
    assert found.shape == (2, 64)
    assert found[1, 0] == images[1, 0, :2, :3].mean()
    assert found[1, 63] == images[1, 0, 14:, 18:].mean()
    small = images[:, :, :4, :5]
    found = ImageSchema(1, 4, 5).flatten(EncodedInput(values=small), TRAIN)
    np.testing.assert_array_equal(found, small.reshape(2, 20))


def test_the_tiles_of_pictures_stand_beside_the_numbers():
    pictures = np.arange(2 * 6 * 16 * 16, dtype=float).reshape(2, 6, 16, 16)
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    schema = TableSchema(2, pictures=(PictureColumn(16, 4), PictureColumn(16, 4)))
    found = schema.flatten(EncodedInput(values=values, pictures=pictures), TRAIN)
    assert found.shape == (2, 2 + 6 * 64)
    np.testing.assert_array_equal(found[:, :2], values)
    assert found[1, 2 + 5 * 64] == pictures[1, 5, :2, :2].mean()


def test_steps_stand_one_after_another():
    steps = np.arange(16.0).reshape(2, 4, 2)
    mask = np.array([[True, True, True, True], [True, False, False, False]])
    found = SequenceSchema(4, 2).flatten(EncodedInput(values=steps, mask=mask), TRAIN)
    assert found.shape == (2, 12)
    np.testing.assert_array_equal(found[1], [8, 9, 1, 10, 11, 0, 12, 13, 0, 14, 15, 0])


def test_tokens_are_counted_as_shares_of_the_text():
    tokens = np.array([[1, 2, 2, 0], [2, 2, 3, 1], [0, 0, 0, 0], [3, 3, 3, 3]])
    found = TokenSchema(4, 3).word_shares(EncodedInput(categories=tokens), TRAIN)
    np.testing.assert_allclose(
        found, [[2 / 3, 1 / 3, 0], [2 / 4, 1 / 4, 1 / 4], [0, 0, 0], [0, 0, 1]]
    )


@pytest.mark.parametrize("kind", PLANTED)
def test_references_learn_from_every_kind_of_input(kind):
    dataset = planted_arrays(kind, rows=400)
    schemas = prepare(dataset, fold(dataset, 0, 0)).schemas
    assert list(schemas) == [kind]
    found = test_scores(dataset, names=("linear", "random_forest"))
    assert found["linear"]["high"][0] > 0.8
    assert found["random_forest"]["amount"][0] > 0.4
