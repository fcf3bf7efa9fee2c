"""Every engine: common random numbers, soft ties, pretraining, failures, and what comes out."""

import dataclasses
import json
from collections.abc import Iterable

import numpy as np
import pytest
import torch

from mtlsearch.candidate import Component, Composition, TrainingSettings
from mtlsearch.initializations import Pretrained, Random
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.seeding import derive_seed
from mtlsearch.sharing import L2Sharing, NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine import Engine
from mtlsearch.training.plain.network import Network
from mtlsearch.training.prediction import predict
from mtlsearch.training.trainers import TRAINERS
from mtlsearch.training.weights import load_weights
from mtlsearch.weightings import Fixed, Uncertainty
from tests.support.replicates import confirmed, searched

SEED, DEPTH = 5, 2
SEPARATE, SHARED = SharingTree.separate(3, DEPTH), SharingTree.shared(3, DEPTH)
TWO_AND_ONE = [[(0, 1), (2,)], [(0,), (1,), (2,)]]
SHORT = TrainingSettings(epochs=4, batch_size=64, patience=4)


@pytest.fixture(params=TRAINERS)
def engine(request):
    """Makes an engine of every kind in turn, for some data and settings."""
    return lambda data, settings=SHORT: Engine(data, settings, request.param)


def run(engine, trainings):
    return [outcome for outcome in engine.train(trainings) if outcome]


def training(candidate, number=0, replicate=None):
    return TrainingJob(number, candidate.composition(), replicate or searched(0), SEED)


def outcomes(engine, data, candidates: Iterable, schedule=SHORT):
    return run(
        engine(data, schedule), [training(each, number) for number, each in enumerate(candidates)]
    )


def untimed(outcome, number=0):
    return dataclasses.replace(outcome, train_seconds=0.0, number=number)


def equal(one, other):
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def of_task(engine, data, candidate, task, schedule=SHORT):
    """The fitted network that holds a task, with its history and the outcome's score."""
    model, histories = engine(data, schedule).fit_model(training(candidate))
    [position] = [index for index, part in enumerate(model.composition) if task in part.tasks]
    [outcome] = outcomes(engine, data, [candidate], schedule)
    return (
        model.networks[position],
        histories[position],
        outcome.scores[data.dataset.tasks[task].name],
    )


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("weighting", [Fixed((5.0, 2.0, 1.0)), Uncertainty()])
def test_a_task_alone_trains_the_same_whatever_the_others_do(
    penguins, make, dropout, weighting, engine
):
    candidates = [
        make(tree, dropout=dropout, weighting=weighting)
        for tree in (SEPARATE, TWO_AND_ONE, [[(0, 1), (2,)]] * DEPTH)
    ]
    (net, history, score), *others = [of_task(engine, penguins, each, 2) for each in candidates]
    for other_net, other_history, other_score in others:
        assert equal(net, other_net)
        assert (history, score) == (other_history, other_score)
    assert (
        of_task(engine, penguins, candidates[0], 0)[1]
        != of_task(engine, penguins, candidates[1], 0)[1]
    )


def test_a_task_alone_trains_the_same_when_the_other_has_another_source(two_sources, make, engine):
    candidates = [make(SharingTree.separate(2, depth), dropout=0.3) for depth in (DEPTH, DEPTH)]
    alone = TrainingJob(
        0, Composition((candidates[0].composition().components[1],)), searched(0), SEED
    )
    fitted, [fitted_history] = engine(two_sources).fit_model(alone)
    net, history, _ = of_task(engine, two_sources, candidates[1], 1)
    assert equal(net, fitted.networks[0])
    assert history == fitted_history


@pytest.mark.parametrize("problem", ["penguins", "two_sources"])
def test_the_same_training_twice_comes_to_the_same(request, make, problem, engine):
    data = request.getfixturevalue(problem)
    candidate = make(SharingTree.shared(len(data.dataset.tasks), DEPTH), dropout=0.2)
    first, again = outcomes(engine, data, [candidate, candidate])
    assert untimed(first) == untimed(again)
    [third] = outcomes(engine, data, [candidate])
    assert untimed(first) == untimed(third)
    [other] = run(engine(data), [training(candidate, replicate=searched(1))])
    assert other.history != first.history


def test_the_callers_random_state_is_left_as_it_was(penguins, make, engine):
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    outcomes(engine, penguins, [make(TWO_AND_ONE, dropout=0.5)])
    assert torch.equal(torch.rand(3), expected)


def test_the_callers_random_state_does_not_matter(penguins, make, engine):
    torch.manual_seed(1)
    [first] = outcomes(engine, penguins, [make(TWO_AND_ONE, dropout=0.5)])
    torch.manual_seed(2)
    [second] = outcomes(engine, penguins, [make(TWO_AND_ONE, dropout=0.5)])
    assert untimed(first) == untimed(second)


def test_a_diverged_training_fails_with_task_and_epoch_and_its_neighbours_are_untouched(
    penguins, make, engine
):
    first, wild, last = make(SEPARATE), make(TWO_AND_ONE, rate=1e30), make(SHARED, dropout=0.2)
    cohort = outcomes(engine, penguins, [first, wild, last])
    assert [outcome.number for outcome in cohort] == [0, 1, 2]
    assert "not finite" in cohort[1].failure
    assert "epoch 1" in cohort[1].failure
    assert "species" in cohort[1].failure
    assert cohort[1].scores == {}
    for index, candidate in ((0, first), (2, last)):
        [alone] = outcomes(engine, penguins, [candidate])
        assert alone.failure is None
        assert untimed(cohort[index]) == untimed(alone)


def spread(engine, data, candidate, schedule):
    """Summed squared distance of the branches' stages from their mean."""
    model, _ = engine(data, schedule).fit_model(training(candidate))
    stages = [stage for network in model.networks for level in network.stages for stage in level]
    assert len(stages) == 3
    stacked = [
        torch.stack(weights).detach()
        for weights in zip(*(stage.parameters() for stage in stages), strict=True)
    ]
    return sum(float((weights - weights.mean(0)).square().sum()) for weights in stacked)


def test_pull_draws_the_branches_together_the_more_the_stronger_it_is(penguins, make, engine):
    schedule, tree = (
        TrainingSettings(epochs=25, batch_size=64, patience=25),
        SharingTree.separate(3, 1),
    )
    none = spread(engine, penguins, make(tree), schedule)
    zero, small, large = (
        spread(engine, penguins, make(tree, sharing=L2Sharing(strength)), schedule)
        for strength in (0.0, 1e-2, 1.0)
    )
    assert zero == none
    assert large < small < none
    assert large < none / 10


def test_pull_of_no_strength_equals_no_sharing_exactly(penguins, make, engine):
    [none, zero] = outcomes(
        engine,
        penguins,
        [make(TWO_AND_ONE, sharing=sharing) for sharing in (NoSharing(), L2Sharing(0.0))],
    )
    assert untimed(none) == untimed(zero)


def test_ties_act_within_a_candidate_never_across(penguins, make, engine):
    tied = [make(SEPARATE, sharing=L2Sharing(0.5)), make(TWO_AND_ONE, sharing=L2Sharing(0.5))]
    together = outcomes(engine, penguins, tied)
    for outcome, candidate in zip(together, tied, strict=True):
        assert untimed(outcome) == untimed(outcomes(engine, penguins, [candidate])[0])
    assert together[0].scores != outcomes(engine, penguins, [make(SEPARATE)])[0].scores


def donor(engine, data, tasks, candidate, epochs):
    shared = dataclasses.replace(
        candidate,
        tree=SharingTree.shared(len(tasks), DEPTH),
        initialization=Random(),
        weighting=Fixed(),
    )
    alone = TrainingJob(0, (Component(tasks, shared),), searched(0), SEED)
    model, _ = engine(data, dataclasses.replace(SHORT, epochs=epochs)).fit_model(alone)
    return model.networks[0]


def test_pretrained_stages_are_the_donors_while_the_trunk_is_frozen(penguins, make, engine):
    candidate = make(SEPARATE, initialization=Pretrained(0.5, 1.0, "others"))
    network, history, _ = of_task(engine, penguins, candidate, 1)
    source = donor(engine, penguins, (0, 2), candidate, 2)
    assert len(history) == 2
    assert equal(network.stems, source.stems)
    assert all(equal(network.stages[level], source.stages[level]) for level in range(DEPTH))
    fresh = Network(
        candidate.composition().components[1],
        penguins.signature(searched(0)),
        derive_seed(SEED, "replicate", 0),
    )
    assert not equal(network.stages, fresh.stages)
    assert not equal(network.heads, fresh.heads)


def test_after_the_frozen_epochs_the_trunk_moves(penguins, make, engine):
    candidate = make(SEPARATE, initialization=Pretrained(0.5, 0.5, "others"))
    network, history, _ = of_task(engine, penguins, candidate, 2, TrainingSettings(8, 64, 8))
    source = donor(engine, penguins, (0, 1), candidate, 4)
    assert history.index(min(history)) >= 2
    assert not equal(network.stages[0], source.stages[0])
    assert not equal(network.stems, source.stems)


def test_a_stem_of_a_source_the_donor_never_saw_stays_its_own(two_sources, make, engine):
    candidate = make(SharingTree.separate(2, DEPTH), initialization=Pretrained(0.5, 1.0, "others"))
    network, _, _ = of_task(engine, two_sources, candidate, 0)
    source = donor(engine, two_sources, (1,), candidate, 2)
    fresh = Network(
        candidate.composition().components[0],
        two_sources.signature(searched(0)),
        derive_seed(SEED, "replicate", 0),
    )
    assert equal(network.stages, source.stages)
    assert equal(network.stems, fresh.stems)


def test_two_sources_train_together(two_sources, make, engine):
    candidate = make(SharingTree.shared(2, DEPTH))
    [outcome] = outcomes(engine, two_sources, [candidate], TrainingSettings(12, 32, 12))
    assert outcome.failure is None
    assert outcome.scores["malignant"] > 0.9
    assert outcome.scores["species"] > 0.6
    assert len(outcome.history[0]) == outcome.epochs[0]


def test_a_search_hands_over_neither_predictions_nor_weights(penguins, make, engine):
    [outcome] = run(engine(penguins), [training(make(SHARED))])
    assert outcome.predictions == {}
    assert outcome.weights == b""


@pytest.mark.parametrize("problem", ["penguins", "two_sources"])
def test_a_confirmation_hands_over_its_model_and_what_it_predicts_for_the_test_rows(
    request, make, problem, engine
):
    data = request.getfixturevalue(problem)
    tasks = data.dataset.tasks
    job = training(make(SharingTree.shared(len(tasks), DEPTH)), replicate=confirmed(1))
    [outcome] = run(engine(data), [job])
    model, _ = engine(data).fit_model(job)
    for parameter in model.parameters():
        parameter.data.zero_()
    load_weights(model, outcome.weights)
    model.eval()
    assert list(outcome.predictions) == [task.name for task in tasks]
    for task in tasks:
        rows = data.test_rows(task)
        assert outcome.predictions[task.name].dtype == np.float64
        expected = predict(model, data, job.replicate, task, rows)
        np.testing.assert_allclose(outcome.predictions[task.name], expected, rtol=1e-5, atol=1e-6)


def test_both_engines_keep_the_training_losses_of_what_is_confirmed(penguins, make):
    candidates = [make(SHARED), make(SEPARATE)]
    by_engine = []
    for trainer in TRAINERS:
        jobs = [training(entry, number, confirmed(0)) for number, entry in enumerate(candidates)]
        results = run(Engine(penguins, SHORT, trainer), jobs)
        by_engine.append(sorted(results, key=lambda result: result.number))
    for first, second in zip(*by_engine, strict=True):
        assert [len(losses) for losses in first.training_history] == first.epochs
        np.testing.assert_allclose(first.training_history, second.training_history, rtol=1e-3)
        for losses in first.training_history:
            assert 0.0 < losses[-1] < losses[0]
    [searched_result] = run(Engine(penguins, SHORT, "serial"), [training(candidates[0])])
    assert searched_result.training_history == []
    assert "training_history" not in searched_result.to_json()


def test_trainings_and_outcomes_survive_json(penguins, make, engine):
    start = Pretrained(0.5, 0.25)
    asked = training(
        make(TWO_AND_ONE, 4, 0.25, 0.003, L2Sharing(0.5), Fixed((1.0, 2.0, 3.0)), start),
        3,
        confirmed(2),
    )
    assert TrainingJob.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    separate = training(make(TWO_AND_ONE, weighting=Fixed((1.0, 2.0, 3.0))))
    assert TrainingJob.from_json(json.loads(json.dumps(separate.to_json()))) == separate
    [outcome] = run(engine(penguins), [asked])
    assert TrainingResult.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome
    failed = TrainingResult.failed(4, "loss is not finite", 0.5)
    assert TrainingResult.from_json(json.loads(json.dumps(failed.to_json()))) == failed
