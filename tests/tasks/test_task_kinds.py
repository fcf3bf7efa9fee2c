"""The contract of a kind of task. A kind is tested by being listed in the table."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from mtlsearch.columns import RawColumn, resolve
from mtlsearch.data.card import TaskCard
from mtlsearch.data.inference import infer_kind, infer_target
from mtlsearch.errors import DataError
from mtlsearch.references import REFERENCES
from mtlsearch.references.fitting import Fit, TaskRows
from mtlsearch.references.flat_table import FlatColumns, FlatTable
from mtlsearch.runtime.decoding import LAYOUTS, TRANSFORMS, OutputDecoder
from mtlsearch.tasks import METRICS, TASK_KINDS, Metric, TaskKind, task_loss
from tests.support.references import OF_SCIKIT_LEARN
from tests.support.tasks import make_example, raw_columns

kinds = pytest.mark.parametrize("kind", TASK_KINDS.values(), ids=list(TASK_KINDS))


def minimised(example, rows):
    """Return the outputs [rows, C] with the least mean loss on an example, and that loss.

    With one row, the outputs are a constant for all targets.
    """
    targets = torch.from_numpy(example.targets)
    outputs = torch.zeros(rows, example.task.outputs, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([outputs], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = task_loss(example.kind, outputs.expand(len(targets), -1), targets)
        loss.backward()
        return loss

    optimizer.step(closure)
    return outputs.detach(), closure().item()


@kinds
def test_it_says_what_it_is(kind):
    assert isinstance(kind, TaskKind)
    assert TASK_KINDS[kind.name] is kind
    assert kind.transform in TRANSFORMS
    assert kind.layout in LAYOUTS
    assert kind.requirement
    assert repr(kind) == repr(kind.name)


@kinds
def test_its_metrics_fit_its_labels(kind):
    assert kind.default_metric is kind.metrics[0]
    assert len(set(kind.metrics)) == len(kind.metrics)
    for metric in kind.metrics:
        assert isinstance(metric, Metric)
        assert METRICS[metric.name] is metric
        assert metric.of_classes == kind.is_classification


@kinds
def test_it_is_the_same_after_a_journey(kind):
    copy = pickle.loads(pickle.dumps(kind))
    assert copy == kind
    assert hash(copy) == hash(kind)
    assert {copy, *TASK_KINDS.values()} == set(TASK_KINDS.values())
    task = make_example(kind).task
    assert pickle.loads(pickle.dumps(task)) == task


def test_kinds_differ():
    assert len(set(TASK_KINDS.values())) == len(TASK_KINDS)


@kinds
def test_the_text_of_a_task_says_nothing_of_this_process(kind):
    """The digest of a dataset is made of it."""
    text = repr(make_example(kind).task)
    assert f"kind={kind.name!r}, metric={kind.default_metric.name!r}" in text
    assert "0x" not in text


@kinds
def test_a_loss_for_each_row_of_each_model(kind):
    example = make_example(kind)
    outputs = torch.from_numpy(example.outputs(models=3)).requires_grad_()
    targets = torch.from_numpy(example.targets)
    targets = targets.expand(3, *targets.shape)
    losses = kind.loss(outputs, targets)
    assert losses.shape == targets.shape
    assert losses.isfinite().all()
    for model in range(3):
        for row in range(2):
            alone = kind.loss(outputs[model, row : row + 1], targets[model, row : row + 1])
            torch.testing.assert_close(alone, losses[model, row : row + 1])
    losses.sum().backward()
    assert (outputs.grad != 0).any(-1).all()


@kinds
def test_the_best_constant_has_the_least_loss(kind):
    example = make_example(kind, rows=300)
    outputs, loss = minimised(example, rows=1)
    assert kind.constant_loss(example.labels) == pytest.approx(loss, rel=1e-3)

    [prediction] = example.decoder.to_predictions(outputs.numpy())
    constant = kind.best_constant(example.labels, example.task.classes)
    assert constant.shape == prediction.shape
    np.testing.assert_allclose(constant, prediction, rtol=1e-2)


@kinds
def test_what_divides_losses_is_positive(kind):
    example = make_example(kind)
    assert example.task.baseline_loss(example.labels) == kind.constant_loss(example.labels)
    same = np.repeat(example.labels[:1], 20, axis=0)
    assert example.task.baseline_loss(same) > 0


@kinds
def test_a_smaller_loss_means_better_predictions(kind):
    """Loss, decoding and metrics agree on what is good."""
    example = make_example(kind, rows=60)
    outputs, _ = minimised(example, rows=60)
    prediction = example.decoder.to_predictions(outputs.numpy())
    noisy = example.decoder.to_predictions(example.outputs(noise=3.0)[0])
    for metric in kind.metrics:
        best = metric.score(example.labels, prediction)
        worse = metric.score(example.labels, noisy)
        assert metric.sign * best > metric.sign * worse
        assert best == pytest.approx(metric.possible(metric.sign * np.inf), abs=0.02)


@kinds
def test_predictions_come_back_from_the_columns_that_spell_them(kind):
    example = make_example(kind)
    decoder = example.decoder
    prediction = decoder.to_predictions(example.outputs()[0])
    columns = decoder.to_columns("dose", prediction)
    assert list(columns) == decoder.column_names("dose")
    cells = [list(map(str, column)) for column in columns.values()]
    np.testing.assert_array_equal(decoder.from_columns(cells), prediction)
    if kind.is_classification:
        labels = {label for cell in columns["dose"] for label in cell.split(";") if label}
        assert labels <= set(example.task.classes)


@kinds
def test_predictions_of_no_rows_are_columns_without_cells(kind):
    example = make_example(kind)
    nothing = example.decoder.to_predictions(np.zeros((0, example.task.outputs)))
    columns = example.decoder.to_columns("dose", nothing)
    assert list(columns) == example.decoder.column_names("dose")
    assert not any(columns.values())


@kinds
def test_a_decoder_comes_back_from_json(kind):
    decoder = make_example(kind).decoder
    record = {"source": "s", **decoder.to_json()}
    assert OutputDecoder.from_json(record) == decoder


@kinds
def test_it_accepts_its_own_kind_of_column_and_says_what_it_needs(kind):
    for name, raw in raw_columns(60).items():
        known = np.ones(60, bool)
        card = TaskCard(kind=kind.name)
        try:
            target = infer_target(RawColumn("y", raw), known, card, "here")
        except DataError as error:
            message = str(error)
            assert message.startswith(f"here: kind {kind.name} needs {kind.requirement}, found ")
            continue
        assert target.kind == kind, name
        assert target.metric == kind.default_metric
        assert bool(target.classes) == kind.is_classification


@kinds
@pytest.mark.parametrize("name", raw_columns(60))
def test_a_metric_of_the_kind_settles_the_kind_where_it_fits(kind, name):
    """What is found can always be the target, and always has the metric if a kind does."""
    raw = raw_columns(60)[name]
    known = np.ones(60, bool)
    column = resolve(RawColumn("y", raw), known)
    for metric in kind.metrics:
        found = infer_kind(column, known, TaskCard(metric=metric.name), "here")
        assert (
            infer_target(RawColumn("y", raw), known, TaskCard(kind=found.name), "here").kind
            == found
        )
        if _accepts(kind, raw):
            assert metric in found.metrics


def _accepts(kind, raw):
    try:
        infer_target(RawColumn("y", raw), np.ones(len(raw), bool), TaskCard(kind=kind.name), "here")
    except DataError:
        return False
    return True


def joined(kind, make, x, labels):
    """A model for each column of labels, as one."""
    columns = labels.T if kind.labels_per_class else [labels]
    return kind.joined_estimator([make().fit(x, column) for column in columns])


@kinds
def test_scikit_learn_is_shown_the_same_task(kind):
    example = make_example(kind, rows=80)
    x = example.outputs(noise=0.5)[0]
    make = LogisticRegression if kind.is_classification else Ridge
    estimator = joined(kind, make, x, example.labels)
    classes = example.task.classes
    prediction = kind.estimator_prediction(estimator, x, classes)
    assert prediction.shape == example.decoder.to_predictions(x).shape

    shuffled = np.random.default_rng(0).permutation(x)
    guess = kind.estimator_prediction(estimator, shuffled, classes)
    metric = kind.default_metric
    score = metric.score(example.labels, prediction)
    assert metric.sign * score > metric.sign * metric.score(example.labels, guess)


@pytest.mark.parametrize("name", OF_SCIKIT_LEARN)
@kinds
def test_references_with_the_loss_of_the_kind_beat_the_best_constant(kind, name):
    example = make_example(kind, rows=200)
    x = example.outputs(noise=0.5)[0]
    assert kind.can_be_fitted(example.labels)
    numbers = np.arange(len(x))
    table = FlatTable(x, FlatColumns(x.shape[1]))
    rows = TaskRows(example.task, table, example.labels, numbers, numbers[::2], numbers)
    setting = REFERENCES[name].settings[0]
    prediction = Fit(REFERENCES[name], rows, 0, 1000, setting).best().predict(x)
    constant = kind.best_constant(example.labels, example.task.classes)
    metric = kind.metrics[-1]
    score = metric.score(example.labels, prediction)
    at_best = metric.score(example.labels, np.broadcast_to(constant, prediction.shape))
    assert metric.sign * score > metric.sign * at_best


def test_references_of_counts_have_the_poisson_loss():
    count = TASK_KINDS["count"]
    estimators = {}
    for name in OF_SCIKIT_LEARN:
        reference = REFERENCES[name]
        estimators[name] = reference.estimator(count.estimator_loss, reference.settings[0], 0)
    assert estimators["histogram_boosting"].loss == "poisson"
    assert estimators["random_forest"].criterion == "poisson"
    assert type(estimators["linear"]) is PoissonRegressor
    assert not count.can_be_fitted(np.zeros(9))


@pytest.mark.parametrize("kind", [k for k in TASK_KINDS.values() if k.is_classification], ids=repr)
def test_a_class_that_scikit_learn_never_saw_is_improbable(kind):
    example = make_example(kind, rows=80)
    x = example.outputs()[0]
    classes = (*example.task.classes, "never")
    labels = example.labels
    if kind.labels_per_class:
        return  # a label that no row has is a constant
    estimator = LogisticRegression().fit(x, labels)
    if kind.output_count(classes) > 1:
        prediction = kind.estimator_prediction(estimator, x, classes)
        assert (prediction[:, -1] == 0).all()
    else:
        reversed_labels = 1 - example.labels
        mirrored = LogisticRegression().fit(x, reversed_labels)
        one = kind.estimator_prediction(estimator, x, example.task.classes)
        other = kind.estimator_prediction(mirrored, x, example.task.classes)
        np.testing.assert_allclose(one, 1 - other, atol=1e-3)


def test_text_without_a_kind_is_refused_with_what_would_do():
    raw = pd.Series([f"word {number}" for number in range(40)])
    known = np.ones(40, bool)
    column = resolve(RawColumn("y", raw), known)
    with pytest.raises(DataError, match="here: holds text with 40 distinct values") as refused:
        infer_kind(column, known, TaskCard(), "here")
    for kind in TASK_KINDS.values():
        assert f"{kind.requirement} ({kind.name})" in str(refused.value)


def test_many_words_that_repeat_are_classes_only_when_the_user_says_so():
    raw = pd.Series([f"word {number % 60}" for number in range(240)])
    known = np.ones(240, bool)
    column = resolve(RawColumn("y", raw), known)
    with pytest.raises(DataError, match="if these are classes, say so with kind multiclass"):
        infer_kind(column, known, TaskCard(), "here")
    found = infer_kind(
        resolve(RawColumn("y", raw), known), known, TaskCard(metric="accuracy"), "here"
    )
    assert found == TASK_KINDS["multiclass"]
