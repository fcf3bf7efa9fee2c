"""Which engine trains a study: timed on its own candidates, remembered with the timings, and never
one that cannot.
"""

import pytest
import torch

import mtlsearch.training.engine_choice as choice
from mtlsearch.candidate import TrainingSettings
from mtlsearch.records import TrainingJob
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine_choice import choose
from tests.support.replicates import searched

SHORT = TrainingSettings(epochs=2, batch_size=32, patience=2)


@pytest.fixture
def sample(penguins, make):
    """Twelve trainings of separate networks: 36 members of one shape."""
    candidate = make(SharingTree.separate(3, 2))
    return [
        TrainingJob(number, candidate.composition(), searched(number), 0) for number in range(12)
    ]


def forests(found):
    return [int(name.split()[1]) for name in found.seconds if name.startswith("forest")]


def test_all_sizes_that_the_sample_fills_are_timed_beside_serial(penguins, sample):
    torch.set_num_threads(1)
    found = choose(penguins, SHORT, sample)
    assert "serial" in found.seconds
    assert forests(found) == [4, 8, 16, 32]
    assert all(seconds > 0 for seconds in found.seconds.values())
    assert (found.trainer, found.chunk) == ("serial", 1) or found.chunk in forests(found)


def test_the_quickest_is_chosen_and_the_forest_only_where_it_is_clearly_quicker(
    penguins, sample, monkeypatch
):
    def timed(seconds):
        monkeypatch.setattr(
            choice,
            "_time_in_turn",
            lambda runs: {size: seconds.get(size, 9.0) * (size or 4) for size in runs},
        )
        return choose(penguins, SHORT, sample)

    assert (timed({0: 1.0, 16: 0.5}).trainer, timed({0: 1.0, 16: 0.5}).chunk) == ("forest", 16)
    assert timed({0: 1.0, 16: 0.96}).trainer == "serial"
    assert timed({0: 1.0, 16: 0.94}).trainer == "forest"


@pytest.mark.parametrize("trainer", ["forest", "serial"])
def test_an_engine_that_is_asked_for_is_taken(penguins, sample, trainer):
    found = choose(penguins, SHORT, sample, trainer)
    assert found.trainer == trainer
    assert all(name.startswith(trainer) for name in found.seconds)


def test_no_larger_forest_is_tried_than_one_that_takes_long(penguins, sample, monkeypatch):
    monkeypatch.setattr(choice, "LONGEST", 0.0)
    assert forests(choose(penguins, SHORT, sample)) == [4]


def test_what_cannot_be_stacked_is_trained_one_by_one(penguins, sample, monkeypatch):
    def refuse(*_):
        raise choice.NotStackableError("not this one")

    monkeypatch.setattr(choice, "StackedTrainer", refuse)
    found = choose(penguins, SHORT, sample)
    assert (found.trainer, found.chunk, list(found.seconds)) == ("serial", 1, ["serial"])
