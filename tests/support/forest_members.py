"""Members of many kinds for the tests of forests, and what they come to."""

import random

import pytest
import torch

from mtlsearch.candidate import Component, TrainingSettings
from mtlsearch.sharing import CrossStitch, L2Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Network
from mtlsearch.training.stacked.trainer import StackedTrainer
from mtlsearch.weightings import Fixed, Uncertainty
from tests.support.replicates import searched

SEED, DEPTH = 5, 2
SHORT = TrainingSettings(epochs=4, batch_size=64, patience=4)
ODD, EVEN = 5, 8  # widths, with and without ends that do not fill a vector instruction


def member(candidate, tasks=None, replicate=0, epochs=SHORT.epochs, frozen=0):
    tasks = tuple(range(candidate.tree.tasks)) if tasks is None else tasks
    return Member(
        Component(tasks, candidate), searched(replicate), SEED + replicate, epochs, frozen
    )


def bag(data, make, width=EVEN, dropout=0.1):
    """Members that differ in all in which those of one forest may."""
    tasks, draw = len(data.dataset.tasks), random.Random(0)
    hosts, splits = [draw.randrange(t) for t in range(1, tasks)], [1] * (tasks - 1)
    separate, shared, parting = (
        SharingTree.separate(tasks, DEPTH),
        SharingTree.shared(tasks, DEPTH),
        (hosts, splits),
    )
    own = Fixed(tuple(1.0 + task for task in range(tasks)))
    return [
        member(make(separate, width, dropout, sharing=L2Sharing(0.1), clip=0.5)),
        member(
            make(
                SharingTree.decode(*parting, DEPTH),
                width,
                3 * dropout,
                3e-3,
                L2Sharing(0.01),
                own,
                clip=2.0,
            )
        ),
        member(
            make(
                shared,
                width,
                5 * dropout,
                3e-2,
                weighting=Uncertainty(),
                schedule="cosine",
                warm_up=0.3,
            ),
            replicate=1,
        ),
        member(make(SharingTree.separate(1, DEPTH), width, dropout, decay=0.3), tasks=(1,)),
        member(
            make(
                SharingTree.decode(*parting, DEPTH),
                width,
                dropout,
                1e-2,
                CrossStitch(0.5),
                Uncertainty(),
                decay=0.1,
                label_smoothing=0.2,
            )
        ),
        member(
            make(separate, width, 2 * dropout, sharing=CrossStitch(0.3), weighting=own),
            replicate=1,
            frozen=1,
        ),
        member(make(SharingTree.shared(1, DEPTH), width, dropout), tasks=(0,), frozen=2),
    ]


def begin(data, members, make_trainer=StackedTrainer, schedule=SHORT):
    networks = [
        Network(each.component, data.signature(each.replicate), each.seed) for each in members
    ]
    return make_trainer(members, networks, data, schedule)


def trained(data, members, make_trainer=StackedTrainer, schedule=SHORT):
    trainer = begin(data, members, make_trainer, schedule)
    trainer.advance(schedule.epochs)
    return trainer


def result(trainer, one):
    """All that a member comes to."""
    record = trainer.histories[one]
    weights = {name: value.tolist() for name, value in trainer.network(one).state_dict().items()}
    return record.losses, record.failure, record.ended, trainer.scores(None).get(one), weights


def results(trainer, members):
    return [result(trainer, one) for one in members]


def assert_close(trainer, reference, members, tolerance=1e-8):
    for one in members:
        (*found, weights), (*expected, other_weights) = result(trainer, one), result(reference, one)
        (history, failure, ended, scores), (other_history, *ends, other_scores) = found, expected
        assert [failure, ended] == ends
        assert history == pytest.approx(other_history, rel=tolerance)
        assert scores == pytest.approx(other_scores, rel=tolerance)
        for name, value in weights.items():
            assert (
                torch.tensor(value).sub(torch.tensor(other_weights[name])).abs().max() < tolerance
            ), name
