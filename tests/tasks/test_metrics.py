"""The contract of a metric. A metric is tested by being listed in a kind of task."""

import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from mtlsearch.tasks import METRICS, TASK_KINDS, Binary, LabelSet, Multiclass, Regression
from tests.support.tasks import make_example

NAN = math.nan
MODELS = 6
ROWS = 40
PAIRS = [(metric, kind) for kind in TASK_KINDS.values() for metric in kind.metrics]
NEEDS_TWO_VALUES = (
    "r2",
    "roc_auc",
    "average_precision",
    "quadratic_kappa",
    "macro_roc_auc",
    "macro_average_precision",
)

pairs = pytest.mark.parametrize(
    ("metric", "kind"), PAIRS, ids=[f"{metric.name}-{kind.name}" for metric, kind in PAIRS]
)


def metrics_of(kind):
    return pytest.mark.parametrize("metric", kind.metrics, ids=lambda metric: metric.name)


def class_labels(kind):
    """The number of codes that a label of a kind may have, or 0 for numbers."""
    if kind.labels_per_class:
        return 2
    return len(make_example(kind, ROWS).task.classes)


def examples(kind, seed=0, decimals=None):
    """Predictions [H, N] or [H, N, C] that know something of the labels, [H, N] or [H, N, C].

    Rounded to some decimals they are full of ties.
    """
    example = make_example(kind, ROWS, seed)
    prediction = example.decoder.to_predictions(example.outputs(MODELS, seed=seed))
    labels = np.broadcast_to(example.labels, (MODELS, *example.labels.shape)).copy()
    draw = np.random.default_rng(seed)
    for model in range(1, MODELS):  # labels of their own for each model
        order = draw.permutation(ROWS)
        labels[model] = labels[model, order]
        prediction[model] = prediction[model, order]
    if decimals is not None:
        prediction = prediction.round(decimals)
    return prediction, labels


def batched(metric, prediction, labels):
    return metric.score_batch(torch.tensor(prediction), torch.tensor(labels))


def assert_agrees(metric, prediction, labels):
    """Compare the scores of all models at once with those of one after the other; return these."""
    values = batched(metric, prediction, labels)
    of_models = prediction.shape if metric.per_class else prediction.shape[:2]
    spread = np.broadcast_to(labels, of_models)
    reference = [metric.score(y, p) for y, p in zip(spread, prediction, strict=True)]
    assert values.dtype == torch.float64
    np.testing.assert_allclose(values.numpy(), reference, rtol=1e-9, atol=1e-9)
    return np.array(reference)


# One model


def perfect(kind):
    """Labels and the predictions that are certain of them."""
    labels = examples(kind)[1][0]
    if not kind.is_classification or kind.labels_per_class:
        return labels, labels
    prediction = examples(kind)[0]
    if prediction.ndim == 2:
        return labels, labels
    return labels, np.eye(prediction.shape[2])[labels.astype(int)]


@pairs
def test_a_perfect_prediction_has_the_best_score_and_missing_labels_are_left_out(metric, kind):
    labels, prediction = perfect(kind)
    best = metric.score(labels, prediction)
    assert best == pytest.approx(1.0 if metric.higher_is_better else 0.0, abs=1e-9)
    turned = metric.score(labels, np.roll(prediction, 7, axis=0))
    assert metric.sign * best > metric.sign * turned

    spoiled = prediction.copy()
    spoiled[:3] = NAN
    known = labels.copy()
    known[:3] = NAN
    assert metric.score(known, spoiled) == pytest.approx(best, abs=1e-9)


@pairs
def test_undefined_scores_are_nan_and_absent_classes_are_no_error(metric, kind):
    labels, prediction = perfect(kind)
    assert math.isnan(metric.score(labels * NAN, prediction))
    assert math.isnan(metric.score(labels, prediction * NAN))
    constant = metric.score(np.zeros_like(labels), prediction)
    if metric.name in NEEDS_TWO_VALUES:
        assert math.isnan(constant)
    else:
        assert math.isfinite(constant)


@metrics_of(Multiclass())
def test_an_absent_class_costs_nothing_when_it_is_not_predicted(metric):
    labels = np.array([0.0, 1, 0, 1])
    score = metric.score(labels, np.eye(3)[labels.astype(int)])
    assert score == pytest.approx(metric.possible(metric.sign * math.inf), abs=1e-9)


@pairs
def test_a_metric_is_the_same_after_a_journey(metric, kind):
    copy = pickle.loads(pickle.dumps(metric))
    assert copy == metric
    assert hash(copy) == hash(metric)
    assert repr(metric) == repr(metric.name)


def test_names_are_of_one_metric_only():
    assert {metric.name for metric, _ in PAIRS} == set(METRICS)
    assert len({metric for metric, _ in PAIRS}) == len(METRICS)


def test_the_default_metrics():
    defaults = {kind.name: kind.default_metric.name for kind in TASK_KINDS.values()}
    built_in = {"regression": "r2", "binary": "roc_auc", "multiclass": "accuracy"}
    assert defaults | built_in == defaults


@pairs
def test_floors(metric, kind):
    """Scores between 0 and 1 have a floor, errors in units of their own have next to none."""
    assert metric.floor == (0.1 if metric.higher_is_better else 1e-9)


@pairs
def test_an_estimate_is_brought_back_to_what_is_possible(metric, kind):
    best = 1.0 if metric.higher_is_better else 0.0
    assert metric.possible(best + metric.sign) == best
    assert metric.possible(best - metric.sign * 0.25) == best - metric.sign * 0.25


# Many models at once


@pytest.mark.parametrize("decimals", [None, 1, 0])
@pytest.mark.parametrize("seed", range(5))
@pairs
def test_random_predictions_with_and_without_ties(metric, kind, seed, decimals):
    prediction, labels = examples(kind, seed, decimals)
    reference = assert_agrees(metric, prediction, labels)
    assert np.isfinite(reference).all()


@pairs
def test_models_may_share_the_labels(metric, kind):
    prediction, labels = examples(kind)
    reference = assert_agrees(metric, prediction, labels[0])
    assert len(set(reference)) > 1


@pytest.mark.parametrize("spoiled", [NAN, math.inf, 0.5])
@pairs
def test_every_model_may_miss_other_labels(metric, kind, spoiled):
    prediction, labels = examples(kind, decimals=1)
    draw = np.random.default_rng(0)
    shares = np.linspace(0, 0.8, MODELS)
    missing = shares > draw.random(labels.shape).T
    missing = missing.T
    prediction[missing] = spoiled
    reference = assert_agrees(metric, prediction, np.where(missing, NAN, labels))
    assert np.isfinite(reference).all()


@pairs
def test_padding_changes_nothing(metric, kind):
    prediction, labels = examples(kind)
    padded = []
    for array in (prediction, labels):
        widths = [(0, 0), (3, 5), (0, 0)][: array.ndim]
        padded.append(np.pad(array, widths, constant_values=NAN))
    values = batched(metric, *padded)
    unpadded = batched(metric, prediction, labels)
    torch.testing.assert_close(values, unpadded, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kept", [(0, 2), (1, 3), (3,), (0, 1, 2)])
@pytest.mark.parametrize("predicted", [True, False])
@metrics_of(Multiclass())
def test_classes_that_no_label_has(metric, kept, predicted):
    prediction, labels = examples(Multiclass())
    others = [code for code in range(prediction.shape[2]) if code not in kept]
    if not predicted:
        prediction[:, :, others] = 0
    labels[:, :4] = kept[0]  # so that no model is left without a label
    known = np.where(np.isin(labels, kept), labels, NAN)
    assert np.isfinite(assert_agrees(metric, prediction, known)).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
@metrics_of(Binary())
def test_one_class_of_two(metric, value):
    prediction, labels = examples(Binary())
    known = np.where(labels == value, labels, NAN)
    reference = assert_agrees(metric, prediction, known)
    assert np.isnan(reference).all() == (metric.name in NEEDS_TWO_VALUES)


@pytest.mark.parametrize("bad", [NAN, math.inf, -math.inf])
@pairs
def test_a_prediction_that_is_not_finite_spoils_its_own_model_only(metric, kind, bad):
    prediction, labels = examples(kind)
    before = batched(metric, prediction, labels)
    prediction[2, 7:9] = bad
    prediction[4, ROWS - 1, ...] = bad
    after = batched(metric, prediction, labels)
    assert after.isnan().tolist() == [model in (2, 4) for model in range(MODELS)]
    others = [0, 1, 3, 5]
    assert torch.equal(after[others], before[others])


@pairs
def test_a_model_scores_the_same_alone(metric, kind):
    prediction, labels = examples(kind)
    alone = []
    for model in range(MODELS):
        only = slice(model, model + 1)
        alone.append(batched(metric, prediction[only], labels[only]))
    assert torch.equal(torch.cat(alone), batched(metric, prediction, labels))


@pairs
def test_no_label_no_row_and_constant_labels(metric, kind):
    prediction, labels = examples(kind)
    labels[1] = NAN
    labels[2] = 1.0
    labels[3, 1:] = NAN
    reference = assert_agrees(metric, prediction, labels)
    undefined = [1, 2, 3] if metric.name in NEEDS_TWO_VALUES else [1]
    assert np.flatnonzero(np.isnan(reference)).tolist() == undefined

    nothing = batched(metric, prediction[:, :0], labels[:, :0])
    assert nothing.dtype == torch.float64
    assert nothing.isnan().tolist() == [True] * MODELS
    assert batched(metric, prediction[:0], labels[:0]).shape == (0,)


@pairs
def test_a_label_that_is_none_spoils_its_own_model_only(metric, kind):
    prediction, labels = examples(kind)
    before = batched(metric, prediction, labels)
    bad = [math.inf, -math.inf, math.inf, math.inf, -math.inf]
    if kind.is_classification:
        bad[2:] = [class_labels(kind), 0.5, -1]
    labels[: len(bad), 3].T[...] = bad
    after = batched(metric, prediction, labels)
    assert after[:5].isnan().all()
    assert torch.equal(after[5:], before[5:])


@pytest.mark.parametrize("kind", [Binary(), Multiclass()], ids=repr)
def test_log_loss_of_certain_predictions(kind):
    metric = METRICS["log_loss"]
    labels = np.array([[0.0, 1, 1, 0]] * 3)
    of_class_1 = np.array([[0.0, 1, 1, 0], [1, 0, 1, 0], [1e-20, 1 - 1e-16, 0.5, 1e-300]])
    nothing = np.zeros_like(of_class_1)
    columns = np.stack([1 - of_class_1, of_class_1, nothing, nothing], 2)
    prediction = of_class_1 if kind.output_count("ab") == 1 else columns
    reference = assert_agrees(metric, prediction, labels)
    values = batched(metric, prediction, labels).numpy()
    np.testing.assert_allclose(values, reference, rtol=1e-6, atol=0)
    assert 0 < values[0] < 1e-14
    assert values[1] == pytest.approx(-math.log(1e-15) / 2)


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "f1_macro"])
def test_equal_probabilities_are_decided_alike(name):
    labels = np.array([0.0, 1, 1, 0, 1])
    assert_agrees(METRICS[name], np.full((2, 5), 0.5), labels)
    two_equal = [[0.1, 0.4, 0.4, 0.1]] * 5
    all_equal = [[0.25] * 4] * 5
    assert_agrees(METRICS[name], np.array([two_equal, all_equal]), labels)


def test_r2_where_the_squares_underflow():
    labels = np.array([0.0, 1e-170, 2e-170])
    prediction = np.array([[0.0, 1e-170, 0], [0, 1e-3, 0], [1e-160, 0, 0]])
    reference = assert_agrees(METRICS["r2"], prediction, labels)
    assert reference.tolist() == [1, 0, 0]


def test_r2_far_from_zero():
    prediction, labels = examples(Regression())
    assert_agrees(METRICS["r2"], prediction + 1e6, labels + 1e6)


@pairs
def test_single_precision_is_scored_in_double(metric, kind):
    prediction, labels = examples(kind)
    single = prediction.astype(np.float32)
    assert_agrees(metric, single, labels)
    double = batched(metric, single.astype(np.float64), labels)
    assert torch.equal(batched(metric, single, labels), double)


@pairs
def test_no_value_is_read_back_from_the_device(metric, kind):
    """A tensor on the meta device has no values, so whatever would stall a GPU fails."""
    prediction, labels = (torch.tensor(values).to("meta") for values in examples(kind))
    scores = metric.score_batch(prediction, labels)
    assert (scores.device.type, scores.shape, scores.dtype) == ("meta", (MODELS,), torch.float64)


@given(data=st.data(), rows=st.integers(1, 7))
@settings(max_examples=40, deadline=None, derandomize=True)
@pairs
def test_few_rows_of_few_values(metric, kind, data, rows):
    """Many ties, absent classes, missing labels and undefined values by chance."""
    models = 3
    shape = (models, rows, *examples(kind)[0].shape[2:])
    if kind.is_classification:
        cells = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
        known = st.sampled_from([NAN, *range(class_labels(kind))])
    else:
        cells = st.sampled_from([0.0, 0.25, 0.5, 1.0, NAN])
        known = st.sampled_from([NAN, 0.0, 0.25, 1.0])

    size = math.prod(shape)
    values = data.draw(st.lists(cells, min_size=size, max_size=size))
    of_labels = shape if metric.per_class else shape[:2]
    size = math.prod(of_labels)
    labels = data.draw(st.lists(known, min_size=size, max_size=size))
    prediction = np.array(values).reshape(shape)
    assert_agrees(metric, prediction, np.array(labels, np.float64).reshape(of_labels))


# Sets of labels


def by_scikit_learn(name, labels, prediction):
    """The score of one label where it is known."""
    known = ~np.isnan(labels)
    labels, prediction = labels[known], prediction[known]
    if name == "macro_f1":
        return sklearn_metrics.f1_score(labels, prediction >= 0.5)
    if name == "macro_log_loss":
        return sklearn_metrics.log_loss(labels, prediction, labels=[0, 1])
    return getattr(sklearn_metrics, f"{name.removeprefix('macro_')}_score")(labels, prediction)


@metrics_of(LabelSet())
def test_a_macro_metric_is_the_mean_of_that_of_each_label_over_the_rows_where_it_is_known(metric):
    draw = np.random.default_rng(0)
    labels = draw.integers(2, size=(50, 4)).astype(float)
    prediction = draw.random((50, 4))
    labels[draw.random(labels.shape) < 0.3] = NAN
    pairs_by_label = zip(labels.T, prediction.T, strict=True)
    scores = [by_scikit_learn(metric.name, *pair) for pair in pairs_by_label]
    assert metric.score(labels, prediction) == pytest.approx(np.mean(scores))
    assert_agrees(metric, prediction[None], labels)


@pytest.mark.parametrize("value", [0.0, NAN])
@metrics_of(LabelSet())
def test_a_label_that_cannot_be_scored_is_left_out_of_the_mean(metric, value):
    """One that no row has, or that is known of none, and that is not predicted."""
    prediction, labels = examples(LabelSet())
    if metric.name == "macro_log_loss":
        value = NAN
    reference = [metric.score(y[:, 1:], p[:, 1:]) for y, p in zip(labels, prediction, strict=True)]
    labels[:, :, 0] = value
    prediction[:, :, 0] *= 0.4
    np.testing.assert_allclose(assert_agrees(metric, prediction, labels), reference)
