"""Whatever the methods of a cohort, its stacked networks do what each does alone.

A newly listed method needs no edit here.
"""

import dataclasses
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, count, islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from torch import nn

from mtlsearch.backbones import BACKBONES, Backbone
from mtlsearch.candidate import Candidate, Component, OptimizerSettings, TrainingSettings
from mtlsearch.data import load
from mtlsearch.data.planted_arrays import PLANTED, planted_arrays
from mtlsearch.inputs import INPUT_KINDS, ImageSchema, TableSchema, TokenSchema
from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.records import TrainingJob
from mtlsearch.sharing import SHARINGS, Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.batches import batches, steps_per_epoch
from mtlsearch.training.engine import Engine
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Network
from mtlsearch.training.plain.step import Step
from mtlsearch.training.stacked.forest import Forest
from mtlsearch.training.stacked.stacked_data import StackedData
from mtlsearch.training.stacked.step import StackedStep, StepPlan
from mtlsearch.training.stacked.trainer import StackedTrainer
from mtlsearch.training.trainer import NotStackableError
from mtlsearch.training.training_data import TrainingData
from mtlsearch.weightings import WEIGHTINGS
from tests.support.photos import write_photos
from tests.support.replicates import searched

PHOTOS = "photos"  # beside other columns of a table
DEPTH, WIDTH, SEEDS = 2, 6, (5, 6)  # a seed for each replicate
MEMBERS = 3  # of an ensemble
SCHEDULE = TrainingSettings(epochs=3, batch_size=40, patience=3)
LONG = dataclasses.replace(SCHEDULE, epochs=15)  # what a rate that falls is laid out for
SCHEMAS = {
    "penguins": TableSchema,
    "iris+breast_cancer": TableSchema,
    **{kind: INPUT_KINDS[kind].schema for kind in PLANTED},
}


class Gated(nn.Module):
    """Of no kind that the engine knows."""

    def __init__(self, body, width):
        super().__init__()
        self.body, self.gate = body, nn.Parameter(torch.randn(width))

    def forward(self, h):
        return h * self.gate.sigmoid() + self.body(h)


@dataclass(frozen=True)
class Toy(Backbone):
    """A backbone of any stage."""

    build: Callable[[int, float], nn.Module] = lambda width, rate: Gated(
        nn.Sequential(nn.Linear(width, width), nn.Dropout(rate)), width
    )
    takes = (TableSchema,)

    width: int = WIDTH
    dropout: float = field(default=0.2, metadata={"per": "member"})

    def stem(self, schema):
        return nn.Linear(schema.features, self.width)

    def stage(self, level):
        return self.build(self.width, self.dropout)

    def head(self, outputs, levels):
        return nn.Linear(self.width, outputs)


@dataclass(frozen=True)
class Mixing(Sharing):
    """A sharing of activations that tells every edge from the others."""

    strength: float = 0.4

    def initial_state(self, nodes, edges):
        return {"strength": self.strength * (1 + edges[0] + 2 * edges[1]) / nodes**2}

    def mix(self, h, edges, state, feature_axis):
        taken = state["strength"].reshape(-1, *[1] * (h.dim() - 1)) * (h[edges[1]] - h[edges[0]])
        return h.index_add(0, edges[0], taken).index_add(0, edges[1], -taken)


KINDS = {
    "backbone": BACKBONES | {"of unknown modules": Toy},
    "sharing": SHARINGS | {"of activations": Mixing},
    "weighting": WEIGHTINGS,
}


EXPERTS = {"experts": (2, 0, 1), "private": (True, False, False)}


def stackable(kind):
    """Everything is, but what torch cannot batch and what keeps statistics."""
    alone = (nn.RNNBase, nn.modules.batchnorm._BatchNorm)
    return not any(isinstance(module, alone) for module in kind().stage(0).modules())


CASES = [
    (name, each)
    for name, schema in SCHEMAS.items()
    for each, own in sorted(KINDS["backbone"].items())
    if schema in own.takes
]


STACKED = [case for case in CASES if stackable(KINDS["backbone"][case[1]])]
ALONE = [case for case in CASES if case not in STACKED]


@pytest.fixture(params=STACKED, ids="-".join)
def case(request):
    """A problem, and a backbone that takes its inputs."""
    return request.param


@pytest.fixture
def backbone(case):
    return KINDS["backbone"][case[1]]


@pytest.fixture(params=sorted(KINDS["sharing"]))
def sharing(request):
    return KINDS["sharing"][request.param]


@pytest.fixture
def data(case):
    return problem(case[0])


@cache
def problem(name):
    if name == PHOTOS:
        with TemporaryDirectory() as folder:
            dataset = load(str(write_photos(Path(folder))))
    else:
        dataset = planted_arrays(name) if name in PLANTED else load(name)
    return TrainingData(dataset, 0, torch.device("cpu"))


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def vary(kind, number, tasks):
    """An instance that differs from others of its kind in all that may differ within a cohort."""
    values = {}
    for each in dataclasses.fields(kind):
        if each.name == "width":
            values[each.name] = WIDTH
        elif each.name == "members":
            values[each.name] = MEMBERS
        elif each.metadata.get("per") == "task":
            values[each.name] = tuple(1.0 + (number + task) % 3 for task in range(tasks))
        elif each.metadata.get("per") == "member":
            values[each.name] = (0.3, 0.5, 0.1)[number % 3]
        elif each.name in EXPERTS:
            values[each.name] = EXPERTS[each.name][number % 3]
        elif isinstance(each.default, float) and kind not in KINDS["backbone"].values():
            values[each.name] = each.default * (1.0, 0.5, 0.25)[number % 3]
    return kind(**values)


def component(kinds, number, tasks):
    backbone, sharing, weighting = (vary(kind, number, tasks) for kind in kinds)
    draw = random.Random(number)
    hosts, splits = zip(
        *((draw.randrange(task), draw.randrange(1, DEPTH)) for task in range(1, tasks)), strict=True
    )
    shared, separate = SharingTree.shared(tasks, DEPTH), SharingTree.separate(tasks, DEPTH)
    tree = (separate, SharingTree.decode(hosts, splits, DEPTH), shared)[number % 3]
    settings = OptimizerSettings(
        10 ** -(2.0 + number % 4 / 2),
        (0.0, 0.3)[number % 2],
        (0.0, 0.5, 0.1)[number % 3],
        label_smoothing=(0.2, 0.0, 0.1, 0.0)[number % 4],
        schedule=("constant", "cosine")[number // 2 % 2],
        warm_up=(0.0, 0.4)[number // 3 % 2],
    )
    candidate = Candidate(tree, backbone, sharing, weighting, settings)
    return (
        candidate.composition().components[-1]
        if number % 4 == 3
        else Component(tuple(range(tasks)), candidate)
    )


def cohort(data, kinds, size):
    """Networks of both replicates, with every combination of kinds."""
    numbered = list(
        enumerate(
            islice(chain.from_iterable(zip(*[kinds] * -(-size // len(kinds)), strict=True)), size)
        )
    )
    parts = [component(each, number, len(data.dataset.tasks)) for number, each in numbered]
    return [
        Network(part, data.signature(searched(k % 2)), SEEDS[k % 2]) for k, part in enumerate(parts)
    ]


def doubled(fold):
    def double(x):
        return x.double() if x.is_floating_point() else x

    inputs = {source: x.map(double) for source, x in fold.inputs.items()}
    targets = {task: double(y) for task, y in fold.targets.items()}
    return dataclasses.replace(fold, inputs=inputs, targets=targets)


def stacked(data, networks, folds):
    rows = StackedData(folds, data.dataset.tasks)
    forest = Forest(
        networks, data.dataset.tasks, [SEEDS.index(network.seed) for network in networks]
    )
    steps = LONG.epochs * steps_per_epoch(folds[0], LONG)
    plan = StepPlan(steps=[steps for _ in networks])
    return StackedStep(forest, rows.column, plan), lambda epoch: rows.epoch(SEEDS, epoch, SCHEDULE)


def alone(data, network, fold, steps, epochs=1):
    """Train a network by so many steps of its own, in so many epochs, and return it."""
    order = chain.from_iterable(batches(fold, SCHEDULE, network.seed, epoch) for epoch in count())
    tasks = [data.dataset.tasks[task] for task in network.component.tasks]
    step = Step(network, tasks, fold, LONG)
    for epoch in range(epochs):
        step.run(islice(order, steps), epoch)
    return network


def assert_close(found, expected, tolerance, what):
    """Within the tolerance of the largest number expected."""
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= tolerance * expected.abs().max(), what


PAIRS = [
    *((*each, sharing, "fixed") for each in STACKED for sharing in sorted(KINDS["sharing"])),
    *(
        ("penguins", "mlp", sharing, each)
        for sharing in sorted(KINDS["sharing"])
        for each in sorted(KINDS["weighting"])
    ),
    (PHOTOS, "mlp", "cross_stitch", "fixed"),
    (PHOTOS, "residual", "none", "upgrad"),
    *((*each, "none", weighting) for each in STACKED for weighting in ("uncertainty", "upgrad")),
]


@pytest.mark.parametrize(
    ("name", "backbone", "sharing", "weighting"),
    [pytest.param(*each, id="-".join(each)) for each in dict.fromkeys(PAIRS)],
)
def test_outputs_and_gradients_equal_those_of_each_network(
    name, backbone, sharing, weighting, monkeypatch
):
    kinds = (KINDS["backbone"][backbone], KINDS["sharing"][sharing], KINDS["weighting"][weighting])
    data = problem(name)
    networks, folds = cohort(data, [kinds], 6), [data.fold(searched(0)), data.fold(searched(1))]
    for network in networks:
        settings = dataclasses.replace(network.component.candidate.optimizer, clip_norm=0.0)
        candidate = dataclasses.replace(network.component.candidate, optimizer=settings)
        network.component = dataclasses.replace(network.component, candidate=candidate)
    step, order = stacked(data, networks, folds)
    [batch] = islice(order(0), 1)
    step.forest.train(True)
    outputs = step.forest(batch.inputs)
    for shape, places in step.forest.plan.heads.items():
        for (k, position), found in zip(places, outputs[shape], strict=True):
            rows = next(batches(folds[k % 2], SCHEDULE, networks[k].seed, 0))
            expected = networks[k](
                {source: folds[k % 2].inputs[source].take(own) for source, own in rows.items()}
            )[position]
            assert_close(found[: len(expected)], expected, 1e-5, networks[k].component)
    monkeypatch.setattr(step.optimizer, "step", lambda: None)
    step.run([batch])
    for part in step.forest.stacks:
        part.weights.data = part.weights.grad
    for k, network in enumerate(networks):
        gradients = [p.detach().flatten() for p in step.forest.extract(k).parameters()]
        alone(data, network, folds[k % 2], 1)
        assert_close(
            torch.cat(gradients),
            torch.cat([p.grad.flatten() for p in network.parameters()]),
            1e-5,
            network.component,
        )


def every(backbone):
    """The backbone with every sharing and every weighting; with a few of them where a step takes
    long.
    """
    others = [list(KINDS[part].values()) for part in ("sharing", "weighting")]
    found = [
        (backbone, *(each[n % len(each)] for each in others)) for n in range(max(map(len, others)))
    ]
    return found[::6] if {ImageSchema, TokenSchema} & {*backbone.takes} else found


def test_fifty_steps_lead_to_the_same_weights(data, backbone, float64):
    kinds, folds = (
        every(backbone),
        [doubled(data.fold(searched(0))), doubled(data.fold(searched(1)))],
    )
    networks = cohort(data, kinds, len(kinds))
    step, order = stacked(data, networks, folds)
    steps = chain.from_iterable(map(order, count()))
    for _ in range(5):
        step.run(islice(steps, 10))
    for k, network in enumerate(networks):
        found, begun = (
            step.forest.extract(k),
            torch.cat([p.detach().flatten().clone() for p in network.parameters()]),
        )
        alone(data, network, folds[k % 2], 10, epochs=5)
        assert all(p.dtype == torch.float64 for p in found.parameters())
        assert (
            begun - torch.cat([p.detach().flatten() for p in network.parameters()])
        ).abs().max() > 1e-3
        for (name, own), expected in zip(
            found.named_parameters(), network.parameters(), strict=True
        ):
            assert (own - expected).abs().max() <= 1e-9, (name, network.component)


def test_an_extracted_network_puts_out_what_the_forest_does(data, backbone):
    networks, folds = (
        cohort(data, every(backbone), len(every(backbone))),
        [data.fold(searched(0)), data.fold(searched(1))],
    )
    step, order = stacked(data, networks, folds)
    step.run(order(0))
    step.forest.train(False)
    with torch.no_grad():
        outputs = step.forest(
            {
                source: both(fold.inputs[source].take(slice(32)) for fold in folds)
                for source in folds[0].inputs
            }
        )
    extracted = [step.forest.extract(k).eval() for k in range(len(networks))]
    for shape, places in step.forest.plan.heads.items():
        for (k, position), expected in zip(places, outputs[shape], strict=True):
            found = extracted[k](
                {source: x.take(slice(32)) for source, x in folds[k % 2].inputs.items()}
            )[position]
            assert_close(found, expected, 1e-5, networks[k].component)


def both(inputs):
    """The same rows of several folds, with an axis for the folds in front."""
    tensors = zip(*inputs, strict=True)
    return NetworkInput(*(None if own[0] is None else torch.stack(own) for own in tensors))


def ran(data, networks, steps):
    """Networks after so many steps in one forest."""
    step, order = stacked(data, networks, [data.fold(searched(0)), data.fold(searched(1))])
    step.run(islice(chain.from_iterable(map(order, count())), steps))
    return [step.forest.extract(k) for k in range(len(networks))]


def same(network, other):
    """To the last bit, also where neither is a number."""
    states = network.state_dict(), other.state_dict()
    return all(
        torch.equal(x.nan_to_num(), y.nan_to_num())
        for x, y in zip(*(each.values() for each in states), strict=True)
    )


def test_who_is_tied_depends_on_no_company(data, backbone):
    """Neither on others with the same kind of sharing or another one, nor on one that diverges."""
    members = []
    for sharing in KINDS["sharing"].values():
        networks = cohort(data, [(backbone, sharing, WEIGHTINGS["fixed"])], 11)
        members += [networks[number] for number in (0, 1, 4, 9, 10)]
    [wild] = cohort(data, [(backbone, SHARINGS["none"], WEIGHTINGS["fixed"])], 1)
    settings = dataclasses.replace(wild.component.candidate.optimizer, learning_rate=1e30)
    candidate = dataclasses.replace(wild.component.candidate, optimizer=settings)
    wild.component = dataclasses.replace(wild.component, candidate=candidate)
    together = ran(data, [members[0], wild, *members[1:]], 9)
    diverged = together.pop(1)
    assert not all(p.isfinite().all() for p in diverged.parameters())
    for found, member in zip(together, members, strict=True):
        assert same(found, ran(data, [member], 9)[0]), member.component


def test_a_strength_of_zero_is_no_sharing_at_all(data, backbone, sharing):
    """The same components, the same numbers from the first to the last bit."""
    tree = SharingTree.separate(len(data.dataset.tasks), DEPTH)
    plain = Candidate(
        tree, vary(backbone, 0, tree.tasks), SHARINGS["none"](), WEIGHTINGS["fixed"]()
    )
    strength = (
        {"strength": 0.0}
        if "strength" in {each.name for each in dataclasses.fields(sharing)}
        else {}
    )
    untied = dataclasses.replace(plain, sharing=sharing(**strength))
    assert not untied.shares and [part.tasks for part in untied.composition()] == [
        part.tasks for part in plain.composition()
    ]
    whole = [
        Network(Component(tuple(range(tree.tasks)), each), data.signature(searched(0)), SEEDS[0])
        for each in (plain, untied)
    ]
    assert whole[0].state_dict().keys() == whole[1].state_dict().keys()
    assert same(*ran(data, whole, 9))
    assert same(*(alone(data, network, data.fold(searched(0)), 9) for network in whole))


@pytest.mark.parametrize(
    "name", sorted(name for name, kind in SHARINGS.items() if kind().levels(1))
)
def test_a_tie_acts_on_its_levels_only(name):
    """Seen in what the loss of one task, with its ties, does to the first level of another."""
    data, found = problem("penguins"), []
    for levels in ({}, {"last_level": 1}, {"first_level": 2}, {"first_level": DEPTH + 1}):
        candidate = Candidate(
            SharingTree.separate(3, DEPTH),
            BACKBONES["mlp"](WIDTH),
            SHARINGS[name](**levels),
            WEIGHTINGS["fixed"](),
        )
        network = Network(Component((0, 1, 2), candidate), data.signature(searched(0)), SEEDS[0])
        inputs = {source: x.take(slice(8)) for source, x in data.fold(searched(0)).inputs.items()}
        (network(inputs)[0].square().sum() + network.sharing_penalty()).backward()
        found.append(
            [
                any(p.grad is not None and p.grad.any() for p in stages[1].parameters())
                for stages in network.levels
            ]
        )
        assert candidate.soft_shared_levels == (*candidate.sharing.levels(DEPTH),)
        assert (
            len(network.mixing_parameters)
            == len(network.wiring.mixed_streams)
            == len(candidate.soft_shared_levels) * candidate.sharing.mixes_activations
        )
    assert (
        found[0] == [True, True]
        and found[1] == [True, False]
        and found[2][1]
        and found[3] == [False, False]
    )


@pytest.mark.parametrize(
    "name", sorted(name for name, kind in SHARINGS.items() if kind().mixes_activations)
)
def test_the_influence_of_another_branch_grows_with_the_strength(name):
    """At the start, tied before the heads: of another branch's stem on the outputs of a task."""
    data, found = problem("penguins"), []
    for strength in (0.0, 0.05, 0.1, 0.2, 0.4, 0.8):
        sharing = SHARINGS[name](strength=strength, first_level=DEPTH)
        candidate = Candidate(
            SharingTree.separate(3, DEPTH), BACKBONES["mlp"](WIDTH), sharing, WEIGHTINGS["fixed"]()
        )
        network = Network(Component((0, 1, 2), candidate), data.signature(searched(0)), SEEDS[0])
        out = network(
            {source: x.take(slice(64)) for source, x in data.fold(searched(0)).inputs.items()}
        )[0]
        slopes = [
            torch.autograd.grad(out[:, 0].sum(), p, allow_unused=True, retain_graph=True)[0]
            for p in network.stems[1].parameters()
        ]
        found.append(sum(float(slope.norm()) for slope in slopes if slope is not None))
    assert found[0] == 0.0 and all(weak < strong for weak, strong in pairwise(found))


class Recurrent(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, h):
        return self.inner(h[:, None])[0][:, 0]


def tied(width, rate):
    layer = nn.Linear(width, width)
    return nn.Sequential(layer, nn.Tanh(), layer)


UNSTACKABLE = {
    "lstm": lambda width, rate: Recurrent(nn.LSTM(width, width, batch_first=True)),
    "gru": lambda width, rate: Recurrent(nn.GRU(width, width, batch_first=True)),
    "batch norm": lambda width, rate: nn.Sequential(
        nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU()
    ),
    "own randomness": lambda width, rate: nn.Sequential(
        nn.Linear(width, width), nn.AlphaDropout(rate)
    ),
    "tied weights": tied,
    "no weights": lambda width, rate: nn.Tanh(),
}


def outcomes(data, trainings, trainer):
    torch.manual_seed(0)
    return [
        dataclasses.replace(each, train_seconds=0.0)
        for each in Engine(data, SCHEDULE, trainer).train(trainings)
        if each
    ]


@pytest.mark.parametrize(
    ("name", "backbone"),
    [
        *(pytest.param("penguins", Toy(stage), id=each) for each, stage in UNSTACKABLE.items()),
        *(
            pytest.param(name, KINDS["backbone"][each](), id=f"{name}-{each}")
            for name, each in ALONE
        ),
    ],
)
def test_what_cannot_be_stacked_is_trained_one_by_one(name, backbone):
    data, trees = problem(name), (SharingTree.separate(3, DEPTH), SharingTree.shared(3, DEPTH))
    candidates = [
        Candidate(tree, backbone, SHARINGS["l2_sharing"](), WEIGHTINGS["fixed"]()) for tree in trees
    ]
    trainings = [
        TrainingJob(number, each.composition(), searched(0), SEEDS[0])
        for number, each in enumerate(candidates)
    ]
    members = [Member.of(each.composition.components[0], each, 3, SCHEDULE) for each in trainings]
    networks = [
        Network(member.component, data.signature(searched(0)), member.seed) for member in members
    ]
    with pytest.raises(NotStackableError):
        StackedTrainer(members, networks, data, SCHEDULE)
    by_forest, by_serial = outcomes(data, trainings, "forest"), outcomes(data, trainings, "serial")
    assert by_forest == by_serial
    assert [outcome.failure for outcome in by_forest] == [None, None]


def test_no_bit_depends_on_who_is_trained_beside(data, backbone):
    tasks, kinds = len(data.dataset.tasks), (backbone, SHARINGS["none"], WEIGHTINGS["fixed"])
    parts = [component(kinds, number, tasks) for number in (0, 1, 2, 4, 5)]
    trainings = [
        TrainingJob(number, part.candidate.composition(), searched(number % 2), SEEDS[0])
        for number, part in enumerate(parts)
    ]
    together = outcomes(data, trainings, "forest")
    assert [outcome.failure for outcome in together] == [None] * len(trainings)
    assert sorted(together, key=lambda each: each.number) == [
        outcomes(data, [each], "forest")[0] for each in trainings
    ]
