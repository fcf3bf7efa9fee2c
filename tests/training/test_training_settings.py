"""What a training is stopped by, its batches, and the course of its learning rate."""

import dataclasses

import pytest
import torch

from mtlsearch.candidate import OptimizerSettings, TrainingSettings
from mtlsearch.records import TrainingJob
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks.options import TaskOptions
from mtlsearch.training.batches import rows_per_step, steps_per_epoch
from mtlsearch.training.engine import Engine
from mtlsearch.training.history import EpochRank, TrainingFailedError, TrainingHistory
from mtlsearch.training.learning_rates import RateCourse
from mtlsearch.training.plain.step import losses_of
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.training.stacked.trainer import StackedTrainer
from mtlsearch.training.stopping import MetricCriterion
from mtlsearch.training.trainers import TRAINERS
from tests.support.forest_members import (
    DEPTH,
    SEED,
    assert_close,
    bag,
    begin,
    member,
    results,
    trained,
)
from tests.support.replicates import searched

BY_METRIC = TrainingSettings(epochs=7, batch_size=64, patience=7, stop_on="metric")
SHARED = SharingTree.shared(3, DEPTH)
SEPARATE = SharingTree.separate(3, DEPTH)


def test_an_epoch_is_judged_by_its_criterion_and_of_equal_ones_by_the_loss():
    history = TrainingHistory()
    for rank in (EpochRank(0.3, 0.9), EpochRank(0.3, 0.8), EpochRank(0.3, 0.8), EpochRank(0.4, 0)):
        history.add_epoch(rank, epochs=10, patience=2)
    assert history.best == EpochRank(0.3, 0.8)
    assert history.epochs_since_best == 2
    assert history.ended
    assert history.losses == [0.9, 0.8, 0.8, 0]


@pytest.mark.parametrize("make_trainer", [PlainTrainer, StackedTrainer])
def test_the_model_is_that_of_the_best_metrics(penguins, make, make_trainer):
    one = member(make(SHARED, rate=0.1), epochs=BY_METRIC.epochs)
    reference = begin(penguins, [one], PlainTrainer, BY_METRIC)
    [fitting] = reference.fittings.values()
    criterion = MetricCriterion(penguins.dataset.tasks, penguins.fold(searched(0)))
    ranks = []
    for epoch in range(1, BY_METRIC.epochs + 1):
        reference.advance(epoch)
        value = criterion.value(fitting.step.validation_scores())
        ranks.append(EpochRank(value, fitting.history.losses[-1]))
    losses = fitting.history.losses
    best = ranks.index(min(ranks))
    assert best != losses.index(min(losses))

    trainer = trained(penguins, [one], make_trainer, BY_METRIC)
    shorter = dataclasses.replace(BY_METRIC, epochs=best + 1, averaged_epochs=1)
    ended = trained(penguins, [dataclasses.replace(one, epochs=best + 1)], make_trainer, shorter)
    [shorter_one] = ended.histories
    assert trainer.histories[one].losses == pytest.approx(losses, rel=1e-4)
    assert trainer.scores(None)[one] == ended.scores(None)[shorter_one]


def test_both_trainers_stop_on_the_metric_alike(three_sources, make, doubled):
    data = three_sources
    schedule = dataclasses.replace(BY_METRIC, patience=2, averaged_epochs=2)
    members = [dataclasses.replace(one, epochs=6) for one in bag(data, make)]
    doubles = doubled(data)
    stacked = trained(doubles, members, schedule=schedule)
    assert_close(stacked, trained(doubles, members, PlainTrainer, schedule), members, 1e-7)
    lengths = {len(history.losses) for history in stacked.histories.values()}
    assert len(lengths) > 1


def test_no_bit_of_a_choice_by_metric_depends_on_who_is_trained_beside(penguins, make):
    schedule = dataclasses.replace(BY_METRIC, patience=2, averaged_epochs=2)
    members = [dataclasses.replace(one, epochs=6) for one in bag(penguins, make)[:4]]
    together = results(trained(penguins, members, schedule=schedule), members)
    for one, beside in zip(members, together, strict=True):
        assert results(trained(penguins, [one], schedule=schedule), [one]) == [beside]


def test_a_criterion_is_one_for_a_constant_and_nothing_for_perfect_scores(penguins):
    fold = penguins.fold(searched(0))
    tasks = penguins.dataset.tasks
    constant, perfect = {}, {}
    for task in tasks:
        labels = fold.labels[task.name][fold.train[task.source].numpy()]
        constant[task.name] = task.constant_score(labels[labels == labels])
        perfect[task.name] = 1.0 if task.metric.higher_is_better else 0.0
    criterion = MetricCriterion(tasks, fold)
    assert criterion.value(constant) == pytest.approx(1)
    assert criterion.value(perfect) == 0

    first, *others = tasks
    counted = [dataclasses.replace(first, options=TaskOptions(importance=3.0)), *others]
    half = {**perfect, first.name: (constant[first.name] + perfect[first.name]) / 2}
    assert MetricCriterion(counted, fold).value(half) == pytest.approx(0.5 * 3 / 5)
    aside = [dataclasses.replace(first, options=TaskOptions(auxiliary=True)), *others]
    assert MetricCriterion(aside, fold).value({**perfect, first.name: float("nan")}) == 0
    with pytest.raises(TrainingFailedError, match=f"of {first.name} is nan on"):
        criterion.value({**perfect, first.name: float("nan")})


def test_a_constant_rate_stays_and_a_cosine_rises_and_falls():
    assert RateCourse(OptimizerSettings(), 0).factor(7) == 1.0
    rising = RateCourse(OptimizerSettings(warm_up=0.5), 8)
    assert [rising.factor(step) for step in range(8)] == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]
    cosine = RateCourse(OptimizerSettings(schedule="cosine"), 100)
    factors = [cosine.factor(step) for step in range(100)]
    assert factors == sorted(factors, reverse=True)
    assert (factors[0], factors[50]) == (1.0, pytest.approx(0.5))
    assert 0 < factors[99] < 0.001


def test_smoothing_is_of_training_alone(penguins, make):
    candidate = make(SHARED, label_smoothing=0.3)
    trainer = begin(penguins, [member(candidate)], PlainTrainer)
    [fitting] = trainer.fittings.values()
    fold = fitting.fold
    rows = dict(fold.validation)
    with torch.no_grad():
        plain = losses_of(fitting.network, fitting.step.tasks, fold, rows)[0]
        smoothed = losses_of(fitting.network, fitting.step.tasks, fold, rows, smooths=True)[0]
    for task, before, after in zip(fitting.step.tasks, plain, smoothed, strict=True):
        assert torch.equal(before, after) != task.kind.is_classification
    baselines = [fold.prepared.baseline_loss[task.name] for task in fitting.step.tasks]
    relative = plain / torch.tensor(baselines)
    assert fitting.step.validate(0) == pytest.approx(float(relative.mean()))


def test_batches_go_by_the_training_rows():
    sizes = [rows_per_step("auto", rows) for rows in (1, 2_799, 2_800, 7_000, 31_999, 1_000_000)]
    assert sizes == [32, 32, 64, 256, 256, 1024]
    assert rows_per_step(100, 1_000_000) == 100


@pytest.mark.parametrize("trainer", TRAINERS)
def test_networks_with_batches_of_their_own_train_as_if_all_had_them(penguins, make, trainer):
    """So do those whose batches are of one padded length, but not of one number of steps."""
    schedule = TrainingSettings(epochs=3, patience=3)
    sizes = (40, 64, "auto", 50, None)
    jobs = []
    for number, size in enumerate(sizes):
        composition = make(SEPARATE, batch_size=size).composition()
        jobs.append(TrainingJob(number, composition, searched(0), SEED))
    found = {}
    for result in Engine(penguins, schedule, trainer).train(jobs):
        if result:
            found[result.number] = result.history
    for number, size in enumerate(sizes):
        own = dataclasses.replace(schedule, batch_size=size or schedule.batch_size)
        job = TrainingJob(0, make(SEPARATE).composition(), searched(0), SEED)
        [alone] = [result for result in Engine(penguins, own, trainer).train([job]) if result]
        assert found[number] == alone.history
    assert found[1] == found[4] != found[0]
    fold = penguins.fold(searched(0))
    steps = [steps_per_epoch(fold, dataclasses.replace(schedule, batch_size=k)) for k in (40, 50)]
    assert steps[0] != steps[1]


def test_gradients_are_clipped_component_by_component(penguins, make):
    """So a component trains the same whatever else its candidate holds."""
    settings = {"clip": 0.01, "schedule": "cosine", "warm_up": 0.1, "label_smoothing": 0.1}
    whole = make(SEPARATE, **settings).composition()
    parted = make([[[0], [1, 2]]] * DEPTH, **settings).composition()
    histories = []
    for composition in (whole, parted):
        job = TrainingJob(0, composition, searched(0), SEED)
        [result] = [one for one in Engine(penguins, BY_METRIC, "forest").train([job]) if one]
        histories.append(result.history[0])
    assert histories[0] == histories[1]
