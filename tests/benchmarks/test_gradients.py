"""The benchmark "gradients": what cosines of gradients add to the gains of sharing."""

import numpy as np
import pytest
import torch

from benchmarks.truth.gradients import BUDGETS, WEIGHTS, Compared, cosines, summarise, with_prior
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.evidence.tree_search import best_tree
from mtlsearch.structure.tree import SharingTree


def _compared(best_weight):
    """A problem on which one weight recovers all of a gap of 2, and every other one nothing."""
    gained = {}
    for trainings in BUDGETS:
        for weight in WEIGHTS:
            gained[trainings, weight] = 2.0 if weight == best_weight else 0.0
    return Compared(2.0, 1.0, gained)


def _values(compared):
    rows = summarise(compared)
    return {(row.trainings, row.what): row.estimate.value for row in rows}


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # products this small are slow on several, and very slow on busy cores
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_tasks_of_one_trunk_have_the_larger_cosines():
    teacher = Teacher(SharingTree((((0, 1), (2,)),)))
    found = cosines(planted(teacher, rows=120, test_rows=10), trunks=1)
    assert found.shape == (3, 3)
    np.testing.assert_allclose(found, found.T)
    assert not found.diagonal().any()
    assert found[0, 1] > max(found[0, 2], found[1, 2])


def test_cosines_join_tasks_that_trainings_say_nothing_of():
    nothing = np.zeros((2, 3, 3))
    cosine = np.array([[0.0, 0.1, -0.1], [0.1, 0.0, -0.1], [-0.1, -0.1, 0.0]])
    assert best_tree(with_prior(nothing, cosine, 1.0)) == SharingTree((((0, 1), (2,)),) * 2)
    assert with_prior(nothing, cosine, 10.0).sum(axis=0) == pytest.approx(10.0 * cosine)


def test_a_problem_does_not_choose_its_own_weight():
    lucky, other = WEIGHTS[1], WEIGHTS[2]
    alike = _values([_compared(lucky)] * 3)
    assert alike[8, "trainings and cosines"] == 1.0
    assert alike[8, "trainings alone"] == 0.0
    assert alike[8, "what the cosines add"] == 1.0
    assert alike[0, "cosines alone"] == 0.5
    different = _values([_compared(lucky), _compared(other)])
    assert different[8, "trainings and cosines"] == 0.0
