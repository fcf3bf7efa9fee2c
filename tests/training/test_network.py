"""The reference network: what it is made of, where its weights come from, streams of several
sources, size and cost.
"""

import subprocess
import sys

import pytest
import torch

from mtlsearch.candidate import Component
from mtlsearch.data import load
from mtlsearch.data.planted_arrays import PLANTED, planted_arrays
from mtlsearch.sharing import SHARINGS, CrossStitch, Gate, L2Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.costs import count_macs, count_parameters
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.plain.outputs import inputs_of, outputs_of
from mtlsearch.training.training_data import TrainingData
from tests.support.replicates import searched

SEED, WIDTH, DEPTH = 7, 8, 2
BRANCHING = [[(0, 1), (2,)], [(0,), (1,), (2,)]]


def network(data, candidate, tasks=None, seed=SEED):
    tasks = tuple(range(candidate.tree.tasks)) if tasks is None else tasks
    return Network(Component(tasks, candidate), data.signature(searched(0)), seed)


def inputs(data, rows=6):
    return {source: x.take(slice(rows)) for source, x in data.fold(searched(0)).inputs.items()}


def same_weights(one, other):
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


@pytest.mark.parametrize("problem", ["penguins", "two_sources"])
@pytest.mark.parametrize("training", [False, True])
def test_the_separate_tree_equals_a_network_for_each_task_alone(request, make, problem, training):
    data = request.getfixturevalue(problem)
    tasks = len(data.dataset.tasks)
    candidate = make(SharingTree.separate(tasks, DEPTH), dropout=0.4)
    whole = network(data, candidate).train(training)
    outputs = whole(inputs(data))
    for component in candidate.composition():
        [task] = component.tasks
        alone = Network(component, data.signature(searched(0)), SEED).train(training)
        assert same_weights(whole.stems[task], alone.stems[0])
        assert same_weights(whole.heads[task], alone.heads[0])
        assert all(
            same_weights(whole.stages[level][task], alone.stages[level][0])
            for level in range(DEPTH)
        )
        assert torch.equal(outputs[task], alone(inputs(data))[0])


def test_initial_weights_depend_on_seed_level_and_members_and_on_nothing_else(penguins, make):
    branching = network(penguins, make(BRANCHING))
    separate = network(penguins, make(SharingTree.separate(3, DEPTH)))
    assert same_weights(branching.stages[0][1], separate.stages[0][2])
    assert same_weights(branching.stages[1][0], separate.stages[1][0])
    assert not same_weights(branching.stages[0][0], separate.stages[0][0])
    assert not same_weights(separate.stages[0][0], separate.stages[0][1])
    assert not same_weights(separate.stages[0][0], separate.stages[1][0])
    assert not same_weights(
        separate, network(penguins, make(SharingTree.separate(3, DEPTH)), seed=SEED + 1)
    )


def test_dropout_draws_anew_on_every_step_and_rests_in_evaluation(penguins, make):
    net = network(penguins, make(SharingTree.shared(3, DEPTH), dropout=0.5)).train()
    first, again = net(inputs(penguins))[0], net(inputs(penguins))[0]
    net.step += 1
    assert torch.equal(first, again)
    assert not torch.equal(first, net(inputs(penguins))[0])
    net.eval()
    rested = net(inputs(penguins))[0]
    net.step += 1
    assert torch.equal(rested, net(inputs(penguins))[0])


def test_tasks_of_one_node_share_its_weights_and_others_do_not(penguins, make):
    net = network(penguins, make(BRANCHING))
    for task, reached in ((0, [True, False]), (1, [True, False]), (2, [False, True])):
        net.zero_grad()
        net(inputs(penguins))[task].sum().backward()
        touched = [
            any(p.grad is not None and p.grad.abs().sum() > 0 for p in stage.parameters())
            for stage in net.stages[0]
        ]
        assert touched == reached


def test_many_rows_are_run_piece_by_piece(two_sources, make):
    net = network(two_sources, make(SharingTree.shared(2, DEPTH), WIDTH)).eval()
    fold = two_sources.fold(searched(0))
    rows = {"iris": fold.train["iris"][:9], "breast_cancer": fold.train["breast_cancer"][:40]}
    at_once = net(inputs_of(fold, rows))
    for piece in (7, 20, 40):
        pieces = outputs_of(net, fold, rows, piece)
        for part, whole in zip(pieces, at_once, strict=True):
            torch.testing.assert_close(part, whole)


def test_a_stage_shared_by_two_sources_has_one_set_of_weights(two_sources, make):
    net = network(two_sources, make(SharingTree.shared(2, DEPTH), WIDTH))
    schemas = two_sources.signature(searched(0)).schemas
    assert [stem[0].in_features for stem in net.stems] == [
        schemas["breast_cancer"].features,
        schemas["iris"].features,
    ]
    assert [len(stages) for stages in net.stages] == [1, 1]
    assert [head.out_features for head in net.heads] == [3, 1]
    rows = {
        "iris": two_sources.fold(searched(0)).inputs["iris"].take(slice(3)),
        "breast_cancer": two_sources.fold(searched(0)).inputs["breast_cancer"].take(slice(5)),
    }
    species, malignant = net(rows)
    assert (species.shape, malignant.shape) == ((3, 3), (5, 1))
    gradients = []
    for loss in (
        lambda out: out[0].sum(),
        lambda out: out[1].sum(),
        lambda out: out[0].sum() + out[1].sum(),
    ):
        net.zero_grad()
        loss(net(rows)).backward()
        gradients.append(net.stages[0][0][0].weight.grad.clone())
    of_species, of_malignant, of_both = gradients
    assert of_species.abs().sum() > 0
    assert of_malignant.abs().sum() > 0
    assert torch.allclose(of_both, of_species + of_malignant, atol=1e-6)


def test_two_sources_compute_what_the_layers_say(two_sources, make):
    net = network(two_sources, make(SharingTree.shared(2, DEPTH)))
    rows = {source: x.values for source, x in inputs(two_sources).items()}
    h = {"breast_cancer": net.stems[0](rows["breast_cancer"]), "iris": net.stems[1](rows["iris"])}
    for stages in net.stages:
        h = {source: stages[0](x) for source, x in h.items()}
    species, malignant = net(inputs(two_sources))
    assert torch.equal(species, net.heads[0](h["iris"]))
    assert torch.equal(malignant, net.heads[1](h["breast_cancer"]))


def test_the_penalty_is_the_spread_of_the_branches_stages_and_of_nothing_else(penguins, make):
    net = network(penguins, make(BRANCHING, sharing=L2Sharing(0.3)))
    spread = 0.0
    for stages in net.stages:
        for weights in zip(*(stage.parameters() for stage in stages), strict=True):
            stacked = torch.stack(weights).detach()
            spread += float((stacked - stacked.mean(0)).square().sum())
    assert net.sharing_penalty().item() == pytest.approx(0.3 * spread, rel=1e-5)
    assert network(penguins, make(BRANCHING)).sharing_penalty().item() == 0.0
    assert (
        network(penguins, make(SharingTree.shared(3, DEPTH), sharing=L2Sharing(0.3)))
        .sharing_penalty()
        .item()
        == 0.0
    )


def test_branches_are_mixed_among_those_through_which_a_source_flows(three_sources, make):
    """Task 0 is of tecator, as are two of the others; one is of iris and one of breast cancer."""
    tasks = three_sources.dataset.tasks
    parting = [[(0, 1), (2,), (3, 4)], [(0,), (1,), (2,), (3, 4)]]
    net = network(three_sources, make(parting, sharing=CrossStitch(0.5)))
    own = {
        source: [t for t, task in enumerate(tasks) if task.source == source]
        for source in {task.source for task in tasks}
    }
    assert sorted(map(len, own.values())) == [1, 1, 3]
    assert set(net.wiring.mixed_streams) == {(0, "tecator"), (1, "tecator")}
    assert net.wiring.mixed_streams[1, "tecator"] == [(0, "tecator"), (3, "tecator")]
    h = [
        stage(
            net.stems[net.wiring.streams[0].index((n, "tecator"))](
                inputs(three_sources)["tecator"].values
            )
        )
        for n, stage in ((0, net.levels[0][0]), (2, net.levels[0][2]))
    ]
    mean = sum(h) / 2
    h = [net.levels[1][n](0.5 * x + 0.5 * mean) for n, x in zip((0, 3), h, strict=True)]
    expected = net.heads[0](0.5 * h[0] + 0.5 * sum(h) / 2)
    torch.testing.assert_close(net(inputs(three_sources))[0], expected)


def test_experts_are_mixed_by_gates_as_in_mmoe(penguins, make):
    """Level 1 holds a branch for each task and two experts, of which every task mixes all; towers
    and heads follow.
    """
    net = with_gates_moved(
        network(penguins, make(SharingTree.separate(3, 2), sharing=Gate(last_level=1, experts=2)))
    )
    x = inputs(penguins)["penguins"].values
    made = [stage(stem(x)) for stem, stage in zip(net.stems, net.levels[0], strict=True)]
    assert (len(made), len(net.levels[1])) == (5, 3)
    for task, out in enumerate(net(inputs(penguins))):
        torch.testing.assert_close(
            out, net.heads[task](net.levels[1][task](gated(net, 0, made, task, range(5))))
        )


def test_private_branches_mix_with_shared_experts_only_as_in_progressive_layered_extraction(
    penguins, make
):
    """A trunk, then two levels on which a task mixes its own branch and the experts, and an expert
    everything.
    """
    trunk = [[(0, 1, 2)], [(0,), (1,), (2,)], [(0,), (1,), (2,)]]
    net = with_gates_moved(network(penguins, make(trunk, sharing=Gate(experts=2, private=True))))
    h = net.levels[0][0](net.stems[0](inputs(penguins)["penguins"].values))
    made = [stage(h) for stage in net.levels[1]]
    assert [*map(len, net.levels)] == [1, 5, 5]
    sees = [[0, 3, 4], [1, 3, 4], [2, 3, 4], range(5), range(5)]
    made = [
        stage(gated(net, 1, made, node, sees[node])) for node, stage in enumerate(net.levels[2])
    ]
    for task, out in enumerate(net(inputs(penguins))):
        torch.testing.assert_close(out, net.heads[task](gated(net, 2, made, task, sees[task])))


def with_gates_moved(net):
    draw = torch.Generator().manual_seed(1)
    for p in net.mixing_parameters.parameters():
        p.data += torch.randn(p.shape, generator=draw)
    return net


def gated(net, level, made, node, sees):
    """The mixture that a node makes of those it sees, by the numbers that the network's edges have
    learned.
    """
    learned, logits = (
        dict(
            zip(
                net.wiring.edges[level, "penguins"],
                net.mixing_parameters_of(level, "penguins"),
                strict=True,
            )
        ),
        [],
    )
    for other in sees:
        link, way = learned.get((min(node, other), max(node, other))), int(other > node)
        own = (
            made[node] @ link["weight"][way] + link["bias"][way]
            if link
            else torch.zeros(len(made[node]))
        )
        logits.append(own)
    return sum(
        gate[:, None] * made[other]
        for gate, other in zip(torch.stack(logits).softmax(0), sees, strict=True)
    )


@pytest.mark.parametrize("kind", [each for each in SHARINGS.values() if "experts" in vars(each())])
@pytest.mark.parametrize("private", [False, True])
def test_nodes_begin_by_taking_a_share_of_the_mean_of_those_they_are_tied_to(
    penguins, make, kind, private
):
    net = network(
        penguins,
        make(SharingTree.separate(3, 1), sharing=kind(strength=0.3, experts=2, private=private)),
    )
    h = torch.randn(5, 4, WIDTH)
    mixed = net.component.candidate.sharing.mix(h, *net.mixing_state(0, "penguins"), -1)
    for node in range(5):
        others = h[[node, 3, 4]] if private and node < 3 else h
        torch.testing.assert_close(mixed[node], 0.7 * h[node] + 0.3 * others.mean(0))


def test_without_ties_there_are_no_experts(make):
    for sharing in (
        Gate(strength=0.0, experts=2),
        Gate(private=True),
        Gate(experts=2, first_level=DEPTH + 1),
    ):
        candidate = make(SharingTree.separate(3, DEPTH), sharing=sharing)
        assert candidate.experts == (0, 0) and len(candidate.composition()) == 3
    assert make(SharingTree.shared(3, DEPTH), sharing=Gate(experts=2)).experts == (0, 0)
    assert make(BRANCHING, sharing=Gate(experts=2, first_level=2)).experts == (2, 2)
    assert make(BRANCHING, sharing=Gate(experts=2, last_level=1)).experts == (2, 0)


def model(data, candidate):
    return CompositionNetwork(
        candidate.composition(),
        [Network(part, data.signature(searched(0)), SEED) for part in candidate.composition()],
    )


def linear(inputs_, outputs):
    return inputs_ * outputs + outputs


def test_parameters_and_macs_of_one_source_equal_the_count_by_hand(penguins, make):
    [schema] = penguins.signature(searched(0)).schemas.values()
    heads = linear(WIDTH, 3) + 2 * linear(WIDTH, 1)
    trunk, stage = linear(schema.features, WIDTH), linear(WIDTH, WIDTH)
    for tree, stems, stages in (
        (SharingTree.separate(3, DEPTH), 3, 6),
        (SharingTree.shared(3, DEPTH), 1, 2),
        (BRANCHING, 2, 5),
    ):
        built = model(penguins, make(tree, WIDTH))
        assert count_parameters(built) == stems * trunk + stages * stage + heads
        macs = stems * schema.features * WIDTH + stages * WIDTH * WIDTH + WIDTH * 5
        assert count_macs(built, inputs(penguins, 1)) == macs
    stitched = model(penguins, make(SharingTree.separate(3, DEPTH), WIDTH, sharing=CrossStitch()))
    assert count_parameters(stitched) == 3 * trunk + 6 * stage + heads + 4 * 3 * DEPTH


def test_a_shared_stage_counts_its_weights_once_and_its_macs_for_each_source(two_sources, make):
    schemas = two_sources.signature(searched(0)).schemas
    built = model(two_sources, make(SharingTree.shared(2, DEPTH), WIDTH))
    stems = linear(schemas["iris"].features, WIDTH) + linear(
        schemas["breast_cancer"].features, WIDTH
    )
    assert count_parameters(built) == stems + DEPTH * linear(WIDTH, WIDTH) + linear(
        WIDTH, 3
    ) + linear(WIDTH, 1)
    numbers = sum(schema.features for schema in schemas.values())
    macs = numbers * WIDTH + 2 * DEPTH * WIDTH * WIDTH + WIDTH * 4
    assert count_macs(built, inputs(two_sources, 1)) == macs


@pytest.mark.parametrize("kind", [None, *PLANTED])
def test_an_example_is_like_the_inputs(kind):
    data = TrainingData(planted_arrays(kind) if kind else load(), 0, torch.device("cpu"))
    for source, x in data.fold(searched(0)).inputs.items():
        example = data.signature(searched(0)).example(source)
        few = x.take(slice(2))
        for example_tensor, tensor in zip(example, few, strict=True):
            assert (example_tensor is None) == (tensor is None)
        for example_tensor, tensor in zip(example.tensors, few.tensors, strict=True):
            assert example_tensor.shape == tensor.shape
            assert example_tensor.dtype == tensor.dtype


@pytest.mark.parametrize(("layer", "gates"), [(torch.nn.LSTM, 4), (torch.nn.GRU, 3)])
def test_recurrent_layers_count_every_step(layer, gates):
    assert count_macs(layer(6, 8, batch_first=True), torch.zeros(1, 5, 6)) == 5 * gates * (
        6 * 8 + 8 * 8
    )


def test_counting_costs_does_not_import_the_compiler_of_torch():
    """Which takes every worker a second."""
    code = (
        "import sys, torch; from mtlsearch.training.costs import count_macs\n"
        "assert count_macs(torch.nn.Conv2d(3, 8, 3), torch.zeros(1, 3, 8, 8)) == 27 * 8 * 36\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
