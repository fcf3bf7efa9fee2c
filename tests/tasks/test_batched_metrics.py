"""The metrics of many models at once against scikit-learn, one model after another."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlsearch.tasks.batched_metrics import BATCHED_METRICS, batched_score
from mtlsearch.tasks.metrics import METRICS, score
from mtlsearch.tasks.task import Task

PAIRS = [(name, kind) for name, metric in METRICS.items() for kind in metric.kinds]
NEEDS_TWO_VALUES = ("r2", "roc_auc", "average_precision")
CLASSES = {"regression": 0, "binary": 2, "multiclass": 4}
MODELS, ROWS, NAN = 6, 40, math.nan

pairs = pytest.mark.parametrize(("name", "kind"), PAIRS)


def example(kind, seed=0, decimals=None):
    """Predictions [H, N] or [H, N, C] that know something of the labels [H, N]; rounded to `decimals` they are full of ties."""
    rng = np.random.default_rng(seed)
    if kind == "regression":
        target = 3 + 10 * rng.normal(size=(MODELS, ROWS))
        prediction = target + rng.normal(size=target.shape)
    else:
        target = rng.integers(0, CLASSES[kind], (MODELS, ROWS)).astype(float)
        logits = np.eye(CLASSES[kind])[target.astype(int)] + rng.normal(
            size=(MODELS, ROWS, CLASSES[kind])
        )
        prediction = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    prediction = prediction[:, :, 1] if kind == "binary" else prediction
    return (prediction if decimals is None else prediction.round(decimals)), target


def batched(name, prediction, target):
    return batched_score(name, torch.tensor(prediction), torch.tensor(target))


def one_by_one(name, kind, prediction, target):
    task = Task("t", kind, name, "s", "t", tuple("abcd"[: CLASSES[kind]]))
    targets = np.broadcast_to(target, prediction.shape[:2])
    return np.array([score(task, y, p) for y, p in zip(targets, prediction, strict=True)])


def assert_agrees(name, kind, prediction, target):
    """Compare both ways; return what scikit-learn says."""
    values, reference = (
        batched(name, prediction, target),
        one_by_one(name, kind, prediction, target),
    )
    assert values.dtype == torch.float64
    np.testing.assert_allclose(values.numpy(), reference, rtol=1e-9, atol=1e-9)
    return reference


def test_every_metric_has_a_batched_form():
    assert BATCHED_METRICS.keys() == METRICS.keys()


@pytest.mark.parametrize("decimals", [None, 1, 0])
@pytest.mark.parametrize("seed", range(5))
@pairs
def test_random_predictions_with_and_without_ties(name, kind, seed, decimals):
    prediction, target = example(kind, seed, decimals)
    assert np.isfinite(assert_agrees(name, kind, prediction, target)).all()


@pairs
def test_models_may_share_the_labels(name, kind):
    prediction, target = example(kind)
    reference = assert_agrees(name, kind, prediction, target[0])
    assert len(set(reference)) > 1


@pytest.mark.parametrize("seed", range(3))
@pairs
def test_every_model_may_miss_other_labels(name, kind, seed):
    prediction, target = example(kind, seed, decimals=1)
    missing = (
        np.random.default_rng(seed).random(target.shape) < np.linspace(0, 0.8, MODELS)[:, None]
    )
    prediction[missing] = np.array([NAN, math.inf, 0.5])[seed]
    reference = assert_agrees(name, kind, prediction, np.where(missing, NAN, target))
    assert np.isfinite(reference).all()


@pairs
def test_padding_changes_nothing(name, kind):
    prediction, target = example(kind)
    padded = np.pad(
        prediction, [(0, 0), (3, 5)] + [(0, 0)] * (prediction.ndim - 2), constant_values=NAN
    )
    values = batched(name, padded, np.pad(target, [(0, 0), (3, 5)], constant_values=NAN))
    torch.testing.assert_close(values, batched(name, prediction, target), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kept", [(0, 2), (1, 3), (3,), (0, 1, 2)])
@pytest.mark.parametrize("predicted", [True, False])
@pytest.mark.parametrize("name", [name for name, kind in PAIRS if kind == "multiclass"])
def test_classes_that_no_label_has(name, kept, predicted):
    prediction, target = example("multiclass")
    if not predicted:
        prediction[:, :, [code for code in range(4) if code not in kept]] = 0
    reference = assert_agrees(
        name, "multiclass", prediction, np.where(np.isin(target, kept), target, NAN)
    )
    assert np.isfinite(reference).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("name", [name for name, kind in PAIRS if kind == "binary"])
def test_one_class_of_a_binary_task(name, value):
    prediction, target = example("binary")
    reference = assert_agrees(name, "binary", prediction, np.where(target == value, target, NAN))
    assert np.isnan(reference).all() == (name in NEEDS_TWO_VALUES)


@pytest.mark.parametrize("bad", [NAN, math.inf, -math.inf])
@pairs
def test_a_prediction_that_is_not_finite_spoils_its_own_model_only(name, kind, bad):
    prediction, target = example(kind)
    before = batched(name, prediction, target)
    prediction[2, 7:9] = bad
    prediction[4, ROWS - 1, ...] = bad
    after = batched(name, prediction, target)
    assert after.isnan().tolist() == [model in (2, 4) for model in range(MODELS)]
    others = [0, 1, 3, 5]
    assert torch.equal(after[others], before[others])


@pairs
def test_a_model_scores_the_same_alone(name, kind):
    prediction, target = example(kind)
    alone = [batched(name, prediction[i : i + 1], target[i : i + 1]) for i in range(MODELS)]
    assert torch.equal(torch.cat(alone), batched(name, prediction, target))


@pairs
def test_no_label_no_row_and_constant_labels(name, kind):
    prediction, target = example(kind)
    target[1], target[2], target[3, 1:] = NAN, 1.0, NAN
    reference = assert_agrees(name, kind, prediction, target)
    undefined = [1, 2, 3] if name in NEEDS_TWO_VALUES else [1]
    assert np.flatnonzero(np.isnan(reference)).tolist() == undefined
    nothing = batched(name, prediction[:, :0], target[:, :0])
    assert nothing.dtype == torch.float64
    assert nothing.isnan().tolist() == [True] * MODELS
    assert batched(name, prediction[:0], target[:0]).shape == (0,)


@pairs
def test_a_label_outside_the_contract_spoils_its_own_model_only(name, kind):
    prediction, target = example(kind)
    before = batched(name, prediction, target)
    target[0, 3], target[1, 3] = math.inf, -math.inf
    target[2, 3], target[3, 3] = (
        (math.inf, math.inf) if kind == "regression" else (CLASSES[kind], 0.5)
    )
    target[4, 3] = math.inf if kind == "regression" else -1
    after = batched(name, prediction, target)
    assert after[:5].isnan().all()
    assert torch.equal(after[5:], before[5:])


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_log_loss_of_certain_predictions(kind):
    target = np.array([[0.0, 1, 1, 0]] * 3)
    of_class_1 = np.array([[0.0, 1, 1, 0], [1, 0, 1, 0], [1e-20, 1 - 1e-16, 0.5, 1e-300]])
    columns = np.stack([1 - of_class_1, of_class_1, 0 * of_class_1, 0 * of_class_1], 2)
    prediction = of_class_1 if kind == "binary" else columns
    reference = assert_agrees("log_loss", kind, prediction, target)
    values = batched("log_loss", prediction, target).numpy()
    np.testing.assert_allclose(values, reference, rtol=1e-6, atol=0)
    assert 0 < values[0] < 1e-14
    assert values[1] == pytest.approx(-math.log(1e-15) / 2)


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "f1_macro"])
def test_equal_probabilities_are_decided_alike(name):
    target = np.array([0.0, 1, 1, 0, 1])
    assert_agrees(name, "binary", np.full((2, 5), 0.5), target)
    assert_agrees(
        name, "multiclass", np.array([[[0.1, 0.4, 0.4, 0.1]] * 5, [[0.25] * 4] * 5]), target
    )


def test_r2_where_the_squares_underflow():
    target = np.array([0.0, 1e-170, 2e-170])
    reference = assert_agrees(
        "r2", "regression", np.array([[0.0, 1e-170, 0], [0, 1e-3, 0], [1e-160, 0, 0]]), target
    )
    assert reference.tolist() == [1, 0, 0]


def test_r2_far_from_zero():
    prediction, target = example("regression")
    assert_agrees("r2", "regression", prediction + 1e6, target + 1e6)


@pairs
def test_single_precision_is_scored_in_double(name, kind):
    prediction, target = example(kind)
    single = prediction.astype(np.float32)
    assert_agrees(name, kind, single, target)
    assert torch.equal(
        batched(name, single, target), batched(name, single.astype(np.float64), target)
    )


@pairs
def test_no_value_is_read_back_from_the_device(name, kind):
    """A tensor on the meta device has a shape and no values, so this fails on whatever would stall a GPU."""
    prediction, target = example(kind)
    values = batched_score(
        name, torch.tensor(prediction).to("meta"), torch.tensor(target).to("meta")
    )
    assert (values.device.type, values.shape, values.dtype) == ("meta", (MODELS,), torch.float64)


def test_an_unknown_metric_is_refused():
    with pytest.raises(KeyError, match="lift"):
        batched_score("lift", torch.zeros(1, 3), torch.zeros(3))


@given(data=st.data(), rows=st.integers(1, 7))
@settings(max_examples=40, deadline=None, derandomize=True)
@pairs
def test_few_rows_of_few_values(name, kind, data, rows):
    """Many ties, absent classes, missing labels and undefined values by chance."""
    cell = st.sampled_from(
        [0.0, 0.25, 0.5, 1.0, NAN] if kind == "regression" else [0.0, 0.25, 0.5, 0.75, 1.0]
    )
    label = st.sampled_from(
        [NAN, *([0.0, 0.25, 1.0] if kind == "regression" else range(CLASSES[kind]))]
    )
    shape = (3, rows, CLASSES[kind]) if kind == "multiclass" else (3, rows)
    size = math.prod(shape)
    prediction = np.array(data.draw(st.lists(cell, min_size=size, max_size=size))).reshape(shape)
    target = np.array(
        data.draw(st.lists(label, min_size=3 * rows, max_size=3 * rows)), np.float64
    ).reshape(3, rows)
    assert_agrees(name, kind, prediction, target)
