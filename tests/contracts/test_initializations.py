"""What every start must do.

Parametrised over the table: a new one is tested without an edit here.
"""

import dataclasses
import json
from itertools import permutations

import pytest
import torch

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, Composition, OptimizerSettings, TrainingSettings
from mtlsearch.data import load
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.initializations import INITIALIZATIONS, Pretrained, Random
from mtlsearch.records import TrainingJob
from mtlsearch.sharing import CrossStitch
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine import Engine
from mtlsearch.training.member import Member
from mtlsearch.training.prediction import score_network
from mtlsearch.training.trainers import TRAINERS
from mtlsearch.training.training_data import TrainingData
from mtlsearch.weightings import Uncertainty
from tests.support.replicates import searched

SEED, DEPTH, TASKS = 5, 2, 3
SHORT = TrainingSettings(epochs=4, batch_size=40, patience=4)
SEPARATE, PARTING = SharingTree.separate(TASKS, DEPTH), SharingTree.decode([0, 0], [1, 0], DEPTH)
LEARNED = sorted(name for name, kind in INITIALIZATIONS.items() if kind().pretraining)


@pytest.fixture(params=sorted(INITIALIZATIONS))
def kind(request):
    return INITIALIZATIONS[request.param]


@pytest.fixture(params=LEARNED)
def learned(request):
    """A start that goes into half of the epochs."""
    return dataclasses.replace(INITIALIZATIONS[request.param](), pretraining=0.5)


@pytest.fixture(params=TRAINERS)
def trainer(request):
    return request.param


@pytest.fixture(scope="module")
def penguins():
    return TrainingData(load("penguins"), 0, torch.device("cpu"))


@pytest.fixture(scope="module")
def related():
    """Three regressions that are linear maps of the same three features of twelve inputs, with few
    rows for each.
    """
    return TrainingData(
        planted(Teacher(SharingTree.shared(3, 1), 12), 240, 200, 0.1), 0, torch.device("cpu")
    )


def candidate(start, tree=SEPARATE, rate=1e-2, **settings):
    return Candidate(
        tree, Mlp(8, 0.2), optimizer=OptimizerSettings(rate), initialization=start, **settings
    )


def train(data, candidates, trainer, schedule=SHORT):
    asked = [
        TrainingJob(number, each.composition(), searched(number % 2), SEED)
        for number, each in enumerate(candidates)
    ]
    found = {each.number: each for each in Engine(data, schedule, trainer).train(asked) if each}
    return [
        dataclasses.replace(found[number], train_seconds=0.0) for number in range(len(candidates))
    ]


def test_defaults_and_frozen(kind):
    assert kind() == kind()
    assert hash(kind()) == hash(kind())
    assert kind.__dataclass_params__.frozen
    assert 0.0 <= kind().pretraining < 1.0
    assert 0.0 <= kind().frozen <= 1.0


def test_json_round_trip(kind):
    one = candidate(kind())
    assert Candidate.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize("own", [(0,), (1, 3), (0, 1, 2, 3)])
def test_pretraining_tasks_are_tasks_of_the_dataset_in_order(kind, own):
    pretraining_tasks = kind().pretraining_tasks(own, 4)
    assert list(pretraining_tasks) == sorted(set(pretraining_tasks) & set(range(4)))


def test_who_meets_goes_on_from_one_set_of_weights_whatever_the_order(kind):
    start, draw = kind(), torch.Generator().manual_seed(0)
    common, branches = torch.randn(5, 2, generator=draw), torch.randn(3, 5, 2, generator=draw)
    found = start.average(common, branches)
    assert found.shape == common.shape
    for order in permutations(range(3)):
        torch.testing.assert_close(start.average(common, branches[list(order)]), found)
    torch.testing.assert_close(start.average(common, torch.stack([common] * 3)), common)
    torch.testing.assert_close(
        torch.stack([start.average(common[i], branches[:, i]) for i in range(5)]), found
    )


def test_without_pretraining_training_is_from_scratch(penguins, learned, trainer):
    [scratch, none] = (
        train(penguins, [candidate(start)], trainer)
        for start in (Random(), dataclasses.replace(learned, pretraining=0.0))
    )
    assert none == scratch
    [moved] = train(penguins, [candidate(learned)], trainer)
    assert moved.failure is None
    assert moved.history != scratch[0].history


@pytest.mark.parametrize("pretraining", [0.0, 0.1, 0.25, 0.5, 0.99])
@pytest.mark.parametrize("epochs", [1, 4, 60])
def test_the_epochs_of_a_donor_come_out_of_those_of_the_candidate(learned, pretraining, epochs):
    start = dataclasses.replace(learned, pretraining=pretraining, frozen=0.5)
    for component in candidate(start, PARTING).composition():
        member = Member.of(
            component,
            TrainingJob(0, Composition((component,)), searched(0), SEED),
            TASKS,
            TrainingSettings(epochs),
        )
        donated = member.pretraining.epochs if member.pretraining else 0
        assert member.epochs + donated == epochs
        assert member.epochs >= 1
        assert donated == pytest.approx(epochs * pretraining, abs=1.0)
        assert member.frozen_epochs == round(member.epochs / 2)


def test_components_of_a_candidate_have_one_donor_where_it_learns_from_all_tasks(learned):
    one = candidate(learned, PARTING, weighting=Uncertainty())
    members = [
        Member.of(part, TrainingJob(0, Composition((part,)), searched(0), SEED), TASKS, SHORT)
        for part in one.composition()
    ]
    assert len(members) == 2
    assert len({member.pretraining for member in members}) == 1
    assert [member.pretraining.component.tasks for member in members] == [(0, 1, 2)] * 2


def test_it_comes_to_the_same_alone_again_and_beside_others(penguins, learned, trainer):
    """Bit for bit, also where one of the others diverges, on its own or with its donor."""
    beside = [
        candidate(learned, PARTING, sharing=CrossStitch(0.3)),
        candidate(learned),
        candidate(learned, rate=1e30),
        candidate(Random(), rate=3e-3),
        candidate(dataclasses.replace(learned, frozen=1.0), PARTING),
    ]
    together = train(penguins, beside, trainer)
    assert together == train(penguins, beside, trainer)
    assert together[2].failure.startswith(
        "what it starts from: training loss in epoch 1 is not finite for "
    )
    for number in (0, 1, 3, 4):
        assert together[number].failure is None
        asked = TrainingJob(number, beside[number].composition(), searched(number % 2), SEED)
        [alone] = [each for each in Engine(penguins, SHORT, trainer).train([asked]) if each]
        assert dataclasses.replace(alone, train_seconds=0.0) == together[number]


@pytest.mark.parametrize("tree", [SEPARATE, PARTING], ids=["separate", "parting"])
def test_the_forest_equals_the_serial_engine(related, learned, tree):
    """In float64, as trajectories amplify rounding."""
    torch.set_default_dtype(torch.float64)
    try:
        data = TrainingData(related.dataset, 0, related.device)
        fold = data.fold
        doubled = {r: _double(fold(r)) for r in (searched(0), searched(1))}
        data.fold = doubled.__getitem__
        found, expected = (
            train(data, [candidate(learned, tree)] * 2, trainer) for trainer in ("forest", "serial")
        )
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(found, expected, strict=True):
        assert one.scores == pytest.approx(other.scores, rel=1e-6)
        for own, history in zip(one.history, other.history, strict=True):
            assert own == pytest.approx(history, abs=1.1e-6)


def _double(fold):
    return dataclasses.replace(
        fold,
        inputs={name: x.map(torch.Tensor.double) for name, x in fold.inputs.items()},
        targets={name: y.double() for name, y in fold.targets.items()},
    )


def test_a_model_is_that_of_its_outcome(penguins, learned, trainer):
    """What is exported is trained once more, its donor as well."""
    one = TrainingJob(0, candidate(learned, PARTING).composition(), searched(1), SEED)
    model, histories = Engine(penguins, SHORT, trainer).fit_model(one)
    [outcome] = [each for each in Engine(penguins, SHORT, trainer).train([one]) if each]
    assert [[round(loss, 6) for loss in history] for history in histories] == outcome.history
    scores = {}
    for network in model.networks:
        scores |= score_network(
            network, penguins, searched(1), penguins.fold(searched(1)).validation
        )
    assert scores == pytest.approx(outcome.scores, rel=1e-6)


def test_a_trunk_that_never_moves_again_is_better_than_one_by_chance(related, learned):
    """Related tasks can be read off the trunk that was learned: with what was drawn only, the heads
    come less far.
    """
    schedule = TrainingSettings(epochs=40, batch_size=40, patience=40)
    chance = Pretrained(pretraining=0.0, frozen=1.0)
    starts = (chance, dataclasses.replace(learned, frozen=1.0))
    found = [train(related, [candidate(start)] * 2, "forest", schedule) for start in starts]
    blind, taught = (sum(sum(each.scores.values()) for each in outcomes) for outcomes in found)
    assert taught < 0.85 * blind  # root mean squared errors
