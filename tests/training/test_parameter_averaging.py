"""Branches that meet: by hand, and as Reptile written out for single networks."""

import pytest
import torch

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, Component, OptimizerSettings, TrainingSettings
from mtlsearch.initializations import Reptile
from mtlsearch.records import TrainingJob
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.batches import batches
from mtlsearch.training.chunks import Chunks
from mtlsearch.training.member import Member, with_one_trunk
from mtlsearch.training.parameter_averaging import ParameterAveraging
from mtlsearch.training.plain.network import Network, copy_trunk
from mtlsearch.training.plain.step import Fitting, losses_of
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.training.trainers import TRAINERS
from tests.support.replicates import searched

SEED, DEPTH = 5, 2
RATE, DECAY = 1e-2, 1e-2


def test_reptile_goes_a_step_towards_the_mean_of_the_branches():
    common, branches = torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 2.0], [1.0, 8.0]])
    assert Reptile(step_size=0.5).average(common, branches).tolist() == [
        1.5,
        3.5,
    ]  # the mean is [2, 5]
    assert Reptile(step_size=1.0).average(common, branches).tolist() == [2.0, 5.0]


def test_branches_meet_after_each_round_and_at_the_end_of_an_epoch_if_they_have_parted():
    branches = [torch.zeros(1), torch.zeros(1)]
    meeting, found = (
        ParameterAveraging(Reptile(inner_steps=2, step_size=0.5), lambda: iter([branches])),
        [],
    )
    for _ in range(3):
        branches[0] += 4.0
        meeting.after_step()
        found.append([float(branch) for branch in branches])
    meeting.average()
    found.append([float(branch) for branch in branches])
    meeting.average()
    found.append([float(branch) for branch in branches])
    assert found == [[4.0, 0.0], [2.0, 2.0], [6.0, 2.0], [3.0, 3.0], [3.0, 3.0]]


def pretraining_member(data, start, epochs):
    """The pretraining of a candidate that spends half of its epochs on it, with these epochs."""
    tasks = len(data.dataset.tasks)
    candidate = Candidate(
        SharingTree.separate(tasks, DEPTH),
        Mlp(4),
        optimizer=OptimizerSettings(RATE, DECAY),
        initialization=start,
    )
    [first, *_] = candidate.composition()
    return Member.of(
        first, TrainingJob(0, (first,), searched(0), SEED), tasks, TrainingSettings(2 * epochs, 40)
    ).pretraining


def trained(data, member, trainer):
    chunks = Chunks(data, TrainingSettings(batch_size=40), TRAINERS[trainer](), PlainTrainer, 4)
    made = TRAINERS[trainer]()([member], chunks.networks([member]), data, chunks.schedule)
    made.advance(member.epochs)
    return made.network(member)


def written_out(data, member, start):
    """Reptile over plain networks of one task each; the common trunk as a network of everything
    shared, without its heads.
    """
    tasks, fold = member.component.tasks, data.fold(searched(0))

    def network(own, tree):
        return Network(
            Component(own, Candidate(tree, Mlp(4))), data.signature(searched(0)), member.seed
        )

    common = network(tasks, SharingTree.shared(len(tasks), DEPTH))
    alone = [network((task,), SharingTree.separate(1, DEPTH)) for task in tasks]
    optimizers = [
        torch.optim.AdamW(each.parameters(), lr=RATE, weight_decay=DECAY) for each in alone
    ]
    for epoch in range(member.epochs):
        rows = list(batches(fold, TrainingSettings(batch_size=40), member.seed, epoch))
        for first in range(0, len(rows), start.inner_steps):
            for task, each, optimizer in zip(tasks, alone, optimizers, strict=True):
                copy_trunk(common, each)
                for batch in rows[first : first + start.inner_steps]:
                    optimizer.zero_grad()
                    losses_of(each, [data.dataset.tasks[task]], fold, batch).sum().backward()
                    optimizer.step()
            with torch.no_grad():
                for weights, *others in zip(trunk(common), *map(trunk, alone), strict=True):
                    weights += (
                        start.step_size * sum(other - weights for other in others) / len(others)
                    )
    return trunk(common)


def trunk(network):
    """The weights of the stem and the stages of the first branch."""
    return [
        p.detach()
        for module in (network.stems[0], *(level[0] for level in network.stages))
        for p in module.parameters()
    ]


@pytest.mark.parametrize(
    "start",
    [Reptile(inner_steps=2, step_size=0.4), Reptile(inner_steps=5), Reptile(inner_steps=100)],
)
@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_donor_is_reptile_written_out(penguins, trainer, start):
    member = pretraining_member(penguins, start, 1)
    assert member.epochs == 1
    found, expected = trained(penguins, member, trainer), written_out(penguins, member, start)
    begun = trunk(
        Network(with_one_trunk(member.component), penguins.signature(searched(0)), member.seed)
    )
    assert (
        sum(float((one - other).abs().sum()) for one, other in zip(expected, begun, strict=True))
        > 0.1
    )
    for one, other in zip(trunk(found), expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("problem", ["penguins", "three_sources"])
@pytest.mark.parametrize("trainer", TRAINERS)
def test_all_branches_of_a_trained_donor_are_one_trunk(request, problem, trainer):
    """Each source's stems as well; heads stay the tasks' own."""
    data = request.getfixturevalue(problem)
    network = trained(data, pretraining_member(data, Reptile(inner_steps=2), 3), trainer)
    stems = {}
    for (_, source), stem in zip(network.wiring.streams[0], network.stems, strict=True):
        stems.setdefault(source, []).append(stem)
    for modules in [*stems.values(), *network.levels]:
        for weights in zip(*(module.parameters() for module in modules), strict=True):
            assert all(torch.equal(weights[0], other) for other in weights[1:])
    assert len({float(head.weight.detach().sum()) for head in network.heads}) == len(network.heads)


def test_permuting_the_tasks_of_a_donor_permutes_its_heads(penguins):
    """From one trunk; heads are drawn for a task, wherever it stands."""
    start = Reptile(inner_steps=2, step_size=0.4)
    member = pretraining_member(penguins, start, 2)
    common = Network(with_one_trunk(member.component), penguins.signature(searched(0)), member.seed)
    found = []
    for order in ((0, 1, 2), (2, 0, 1)):
        network = Network(
            Component(order, member.component.candidate),
            penguins.signature(searched(0)),
            member.seed,
        )
        copy_trunk(common, network)
        tasks = [penguins.dataset.tasks[task] for task in order]
        fitting = Fitting(
            network, tasks, penguins.fold(searched(0)), TrainingSettings(2, 40), averaging=start
        )
        fitting.advance(2)
        heads = dict(zip(order, network.heads, strict=True))
        found.append([*trunk(network), *(heads[task].weight.detach() for task in range(3))])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
