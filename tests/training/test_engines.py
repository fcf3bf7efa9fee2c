"""Every engine: common random numbers, soft ties, pretraining, failures, and what comes out."""

import dataclasses
import json
from collections.abc import Iterable

import pytest
import torch

from mtlsearch.candidate import Component, TrainingSettings
from mtlsearch.initializations import Pretrained, Random
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.seeding import derive_seed
from mtlsearch.sharing import L2Sharing, NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training import TRAINERS, Engine
from mtlsearch.training.plain.network import Network
from mtlsearch.weightings import Fixed, Uncertainty

SEED, DEPTH = 5, 2
SEPARATE, SHARED = SharingTree.separate(3, DEPTH), SharingTree.shared(3, DEPTH)
TWO_AND_ONE = [[(0, 1), (2,)], [(0,), (1,), (2,)]]
SHORT = TrainingSettings(epochs=4, batch_size=64, patience=4)


CHOSEN = {"engine": "serial"}


@pytest.fixture(autouse=True, params=TRAINERS)
def _each_engine(request):
    CHOSEN["engine"] = request.param


def engine(data, schedule=SHORT):
    return Engine(data, schedule, CHOSEN["engine"])


def run(engine, trainings):
    return [outcome for outcome in engine.train(trainings) if outcome]


def training(candidate, number=0, replicate=0, test=False):
    return TrainingJob(number, candidate.composition(), replicate, SEED, test)


def outcomes(data, candidates: Iterable, schedule=SHORT):
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


def of_task(data, candidate, task, schedule=SHORT):
    """The fitted network that holds a task, with its history and the outcome's score."""
    model, histories = engine(data, schedule).fit_model(training(candidate))
    [position] = [index for index, part in enumerate(model.composition) if task in part.tasks]
    [outcome] = outcomes(data, [candidate], schedule)
    return (
        model.networks[position],
        histories[position],
        outcome.scores[data.dataset.tasks[task].name],
    )


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("weighting", [Fixed((5.0, 2.0, 1.0)), Uncertainty()])
def test_a_task_alone_trains_the_same_whatever_the_others_do(penguins, make, dropout, weighting):
    candidates = [
        make(tree, dropout=dropout, weighting=weighting)
        for tree in (SEPARATE, TWO_AND_ONE, [[(0, 1), (2,)]] * DEPTH)
    ]
    (net, history, score), *others = [of_task(penguins, each, 2) for each in candidates]
    for other_net, other_history, other_score in others:
        assert equal(net, other_net)
        assert (history, score) == (other_history, other_score)
    assert of_task(penguins, candidates[0], 0)[1] != of_task(penguins, candidates[1], 0)[1]


def test_a_task_alone_trains_the_same_when_the_other_has_another_source(two_sources, make):
    candidates = [make(SharingTree.separate(2, depth), dropout=0.3) for depth in (DEPTH, DEPTH)]
    alone = TrainingJob(0, (candidates[0].composition()[1],), 0, SEED)
    fitted, [fitted_history] = engine(two_sources).fit_model(alone)
    net, history, _ = of_task(two_sources, candidates[1], 1)
    assert equal(net, fitted.networks[0])
    assert history == fitted_history


@pytest.mark.parametrize("problem", ["penguins", "two_sources"])
def test_the_same_training_twice_comes_to_the_same(request, make, problem):
    data = request.getfixturevalue(problem)
    candidate = make(SharingTree.shared(len(data.dataset.tasks), DEPTH), dropout=0.2)
    first, again = outcomes(data, [candidate, candidate])
    assert untimed(first) == untimed(again)
    [third] = outcomes(data, [candidate])
    assert untimed(first) == untimed(third)
    [other] = run(engine(data), [training(candidate, replicate=1)])
    assert other.history != first.history


def test_the_callers_random_state_is_left_as_it_was(penguins, make):
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    outcomes(penguins, [make(TWO_AND_ONE, dropout=0.5)])
    assert torch.equal(torch.rand(3), expected)


def test_the_callers_random_state_does_not_matter(penguins, make):
    torch.manual_seed(1)
    [first] = outcomes(penguins, [make(TWO_AND_ONE, dropout=0.5)])
    torch.manual_seed(2)
    [second] = outcomes(penguins, [make(TWO_AND_ONE, dropout=0.5)])
    assert untimed(first) == untimed(second)


def test_a_diverged_training_fails_with_task_and_epoch_and_its_neighbours_are_untouched(
    penguins, make
):
    first, wild, last = make(SEPARATE), make(TWO_AND_ONE, rate=1e30), make(SHARED, dropout=0.2)
    cohort = outcomes(penguins, [first, wild, last])
    assert [outcome.number for outcome in cohort] == [0, 1, 2]
    assert "not finite" in cohort[1].failure
    assert "epoch 1" in cohort[1].failure
    assert "species" in cohort[1].failure
    assert cohort[1].scores == {}
    for index, candidate in ((0, first), (2, last)):
        [alone] = outcomes(penguins, [candidate])
        assert alone.failure is None
        assert untimed(cohort[index]) == untimed(alone)


def spread(data, candidate, schedule):
    """Summed squared distance of the branches' stages from their mean."""
    model, _ = engine(data, schedule).fit_model(training(candidate))
    stages = [stage for network in model.networks for level in network.stages for stage in level]
    assert len(stages) == 3
    stacked = [
        torch.stack(weights).detach()
        for weights in zip(*(stage.parameters() for stage in stages), strict=True)
    ]
    return sum(float((weights - weights.mean(0)).square().sum()) for weights in stacked)


def test_pull_draws_the_branches_together_the_more_the_stronger_it_is(penguins, make):
    schedule, tree = (
        TrainingSettings(epochs=25, batch_size=64, patience=25),
        SharingTree.separate(3, 1),
    )
    none = spread(penguins, make(tree), schedule)
    zero, small, large = (
        spread(penguins, make(tree, sharing=L2Sharing(strength)), schedule)
        for strength in (0.0, 1e-2, 1.0)
    )
    assert zero == none
    assert large < small < none
    assert large < none / 10


def test_pull_of_no_strength_equals_no_sharing_exactly(penguins, make):
    [none, zero] = outcomes(
        penguins, [make(TWO_AND_ONE, sharing=sharing) for sharing in (NoSharing(), L2Sharing(0.0))]
    )
    assert untimed(none) == untimed(zero)


def test_ties_act_within_a_candidate_never_across(penguins, make):
    tied = [make(SEPARATE, sharing=L2Sharing(0.5)), make(TWO_AND_ONE, sharing=L2Sharing(0.5))]
    together = outcomes(penguins, tied)
    for outcome, candidate in zip(together, tied, strict=True):
        assert untimed(outcome) == untimed(outcomes(penguins, [candidate])[0])
    assert together[0].scores != outcomes(penguins, [make(SEPARATE)])[0].scores


def donor(data, tasks, candidate, epochs):
    shared = dataclasses.replace(
        candidate,
        tree=SharingTree.shared(len(tasks), DEPTH),
        initialization=Random(),
        weighting=Fixed(),
    )
    alone = TrainingJob(0, (Component(tasks, shared),), 0, SEED)
    model, _ = engine(data, dataclasses.replace(SHORT, epochs=epochs)).fit_model(alone)
    return model.networks[0]


def test_pretrained_stages_are_the_donors_while_the_trunk_is_frozen(penguins, make):
    candidate = make(SEPARATE, initialization=Pretrained(0.5, 1.0, "others"))
    network, history, _ = of_task(penguins, candidate, 1)
    source = donor(penguins, (0, 2), candidate, 2)
    assert len(history) == 2
    assert equal(network.stems, source.stems)
    assert all(equal(network.stages[level], source.stages[level]) for level in range(DEPTH))
    fresh = Network(
        candidate.composition()[1], penguins.signature(0), derive_seed(SEED, "replicate", 0)
    )
    assert not equal(network.stages, fresh.stages)
    assert not equal(network.heads, fresh.heads)


def test_after_the_frozen_epochs_the_trunk_moves(penguins, make):
    candidate = make(SEPARATE, initialization=Pretrained(0.5, 0.5, "others"))
    network, history, _ = of_task(penguins, candidate, 2, TrainingSettings(8, 64, 8))
    source = donor(penguins, (0, 1), candidate, 4)
    assert history.index(min(history)) >= 2
    assert not equal(network.stages[0], source.stages[0])
    assert not equal(network.stems, source.stems)


def test_a_stem_of_a_source_the_donor_never_saw_stays_its_own(two_sources, make):
    candidate = make(SharingTree.separate(2, DEPTH), initialization=Pretrained(0.5, 1.0, "others"))
    network, _, _ = of_task(two_sources, candidate, 0)
    source = donor(two_sources, (1,), candidate, 2)
    fresh = Network(
        candidate.composition()[0], two_sources.signature(0), derive_seed(SEED, "replicate", 0)
    )
    assert equal(network.stages, source.stages)
    assert equal(network.stems, fresh.stems)


def test_two_sources_train_together(two_sources, make):
    candidate = make(SharingTree.shared(2, DEPTH))
    [outcome] = outcomes(two_sources, [candidate], TrainingSettings(12, 32, 12))
    assert outcome.failure is None
    assert outcome.scores["malignant"] > 0.9
    assert outcome.scores["species"] > 0.6
    assert len(outcome.history[0]) == outcome.epochs[0]


def test_test_rows_are_scored_on_request_only(penguins, make):
    [without] = run(engine(penguins), [training(make(SHARED))])
    [with_test] = run(engine(penguins), [training(make(SHARED), test=True)])
    assert without.test_scores == {}
    assert (
        with_test.test_scores.keys() == with_test.scores.keys() == {"species", "sex", "body_mass_g"}
    )
    assert with_test.scores == without.scores
    assert with_test.test_scores != with_test.scores


def test_trainings_and_outcomes_survive_json(penguins, make):
    start = Pretrained(0.5, 0.25)
    asked = training(
        make(TWO_AND_ONE, 4, 0.25, 0.003, L2Sharing(0.5), Fixed((1.0, 2.0, 3.0)), start),
        3,
        2,
        test=True,
    )
    assert TrainingJob.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    separate = training(make(TWO_AND_ONE, weighting=Fixed((1.0, 2.0, 3.0))))
    assert TrainingJob.from_json(json.loads(json.dumps(separate.to_json()))) == separate
    [outcome] = run(engine(penguins), [asked])
    assert TrainingResult(**json.loads(json.dumps(outcome.to_json()))) == outcome
    failed = TrainingResult.failed(4, "loss is not finite", 0.5)
    assert TrainingResult(**json.loads(json.dumps(failed.to_json()))) == failed
