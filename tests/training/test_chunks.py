"""Cohorts in chunks: their size does not matter, neither does memory that does not suffice, nor
what begins with a donor.
"""

import copy
import dataclasses
import weakref

import numpy as np
import pytest
import torch

from mtlsearch.candidate import TrainingSettings
from mtlsearch.initializations import Pretrained, Reptile
from mtlsearch.records import TrainingJob
from mtlsearch.sharing import CrossStitch, L2Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine import Engine
from mtlsearch.training.stacked.trainer import StackedTrainer
from mtlsearch.training.trainers import TRAINERS
from mtlsearch.weightings import Fixed, Uncertainty
from tests.support.replicates import confirmed, searched

SEED, DEPTH = 5, 2
SHORT = TrainingSettings(
    epochs=4, batch_size=100, patience=4
)  # of three sources, batches of replicate 1 are the shorter ones


def trainings(make, tasks, **shape):
    """Candidates of many kinds, some with a donor, some that read some rows more often, one that
    diverges, on two replicates.
    """
    separate, shared = SharingTree.separate(tasks, DEPTH), SharingTree.shared(tasks, DEPTH)
    parting = SharingTree.decode([0] * (tasks - 1), [1] * (tasks - 1), DEPTH)
    others = Pretrained(0.5, 0.5, "others")
    candidates = [
        make(separate, dropout=0.2, initialization=others, sampling="balanced", **shape),
        make(parting, dropout=0.1, sharing=L2Sharing(0.1), clip=0.5, temperature=3.0, **shape),
        make(shared, dropout=0.3, weighting=Uncertainty(), **shape),
        make(separate, dropout=0.1, rate=1e30, **shape),
        make(separate, dropout=0.3, decay=0.3, initialization=Pretrained(0.25, 1.0), **shape),
        make(
            separate,
            dropout=0.1,
            weighting=Fixed(tuple(1.0 + task for task in range(tasks))),
            **shape,
        ),
        make(
            separate,
            dropout=0.2,
            sharing=CrossStitch(0.3),
            initialization=Reptile(0.5, 2, 0.5, 0.5),
            **shape,
        ),
    ]
    return [
        TrainingJob(k, each.composition(), confirmed(0) if k == 2 else searched(k % 2), SEED)
        for k, each in enumerate(candidates)
    ]


def outcomes(data, asked, trainer="forest", chunk=32):
    found = [
        outcome
        for outcome in Engine(data, SHORT, trainer, chunk).train(asked)
        if outcome is not None
    ]
    return {each.number: dataclasses.replace(each, train_seconds=0.0) for each in found}


@pytest.fixture(params=["penguins", "two_sources", "three_sources"])
def data(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def asked(data, make):
    return trainings(make, len(data.dataset.tasks))


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_the_size_of_a_chunk_does_not_matter(data, asked, chunk):
    whole = outcomes(data, asked)
    assert outcomes(data, asked, chunk=chunk) == whole
    assert [whole[k].failure is None for k in range(6)] == [True, True, True, False, True, True]
    assert [bool(whole[k].predictions) for k in range(6)] == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]


def test_each_training_comes_to_the_same_alone(data, asked):
    whole = outcomes(data, asked)
    for each in asked:
        assert outcomes(data, [each]) == {each.number: whole[each.number]}


def test_pretraining_and_frozen_epochs_are_those_of_the_serial_engine(data, make, doubled):
    doubles = doubled(data)
    asked = trainings(make, len(data.dataset.tasks))
    found, expected = outcomes(doubles, asked), outcomes(doubles, asked, "serial")
    for k, outcome in expected.items():
        assert found[k].failure == outcome.failure
        assert found[k].scores == pytest.approx(outcome.scores, rel=1e-6)
        assert found[k].predictions.keys() == outcome.predictions.keys()
        for name, values in outcome.predictions.items():
            np.testing.assert_allclose(found[k].predictions[name], values, rtol=1e-6, atol=1e-9)
        for own, history in zip(found[k].history, outcome.history, strict=True):
            assert own == pytest.approx(history, abs=1.1e-6)
    assert [len(history) for history in found[0].history] == [2] * len(data.dataset.tasks)


def limited(limit, where, error):
    """A forest trainer whose memory suffices for so many members, and not before that of another,
    which failed, is free.
    """
    failed, most = [], []

    class Limited(StackedTrainer):
        def __init__(self, members, *args):
            assert not any(weights() is not None for weights in failed)
            if where == "made" and len(members) > limit:
                raise copy.copy(error)  # which has no traceback yet, as a new one
            super().__init__(members, *args)
            most.append(len(members))

        def advance(self, until):
            if where == f"trained to epoch {until}" and len(self.histories) > limit:
                failed.extend(
                    weakref.ref(part.weights)
                    for part in (*self.step.forest.stacks, *self.best.forest.stacks)
                )
                raise copy.copy(error)
            super().advance(until)

    return Limited, most


@pytest.mark.parametrize("where", ["made", "trained to epoch 1", "trained to epoch 3"])
@pytest.mark.parametrize("limit", [1, 3])
def test_where_the_memory_does_not_suffice_half_the_members_go_on(
    data, asked, monkeypatch, where, limit
):
    trainer, most = limited(limit, where, torch.OutOfMemoryError("CUDA out of memory."))
    monkeypatch.setitem(TRAINERS, "limited", lambda: trainer)
    assert outcomes(data, asked, "limited") == outcomes(data, asked)
    assert min(most) <= limit
    assert (max(most) > limit) == (where != "made")


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_errors_of_memory_in_other_words(penguins, make, monkeypatch, error):
    asked = trainings(make, 3)
    monkeypatch.setitem(TRAINERS, "limited", lambda: limited(2, "trained to epoch 1", error)[0])
    assert outcomes(penguins, asked, "limited") == outcomes(penguins, asked)


@pytest.mark.parametrize("where", ["made", "trained to epoch 1"])
def test_a_member_too_large_alone_fails_its_training_and_no_other(
    penguins, make, monkeypatch, where
):
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate much\nand more words")
    monkeypatch.setitem(TRAINERS, "limited", lambda: limited(0, where, error)[0])
    found = outcomes(penguins, trainings(make, 3), "limited")
    assert len(found) == 7
    for result in found.values():
        assert result.failure.removeprefix("what it starts from: ") == (
            "out of memory: CUDA out of memory. Tried to allocate much"
        )


@pytest.mark.parametrize("where", ["made", "trained to epoch 1"])
@pytest.mark.parametrize("error", [RuntimeError("mat1"), ValueError("zip()"), KeyError("h")])
def test_a_fault_of_the_program_is_no_failure_of_a_training(
    penguins, make, monkeypatch, where, error
):
    monkeypatch.setitem(TRAINERS, "limited", lambda: limited(3, where, error)[0])
    with pytest.raises(type(error), match=str(error.args[0]).strip("()")):
        outcomes(penguins, trainings(make, 3), "limited")
