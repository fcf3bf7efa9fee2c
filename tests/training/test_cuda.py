"""On a GPU: both engines train the same networks, and what is exported predicts what was scored.

Run on purpose, on a machine with a CUDA device: `pytest -m gpu`.
"""

import itertools

import numpy as np
import pytest

from mtlsearch.backbones import BACKBONES
from mtlsearch.candidate import Candidate, OptimizerSettings, TrainingSettings
from mtlsearch.data import load
from mtlsearch.data.planted_arrays import PLANTED, planted_arrays
from mtlsearch.inputs import INPUT_KINDS
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.search.worker_context import WorkerContext
from mtlsearch.sharing import SHARINGS
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine_choice import Choice
from mtlsearch.training.trainers import TRAINERS
from tests.support.running_program import run

pytestmark = pytest.mark.gpu

LEVELS = 2
TABLE = "penguins"
SCHEDULE = TrainingSettings(epochs=4, batch_size=64, patience=4)
OPTIMIZER = OptimizerSettings(learning_rate=1e-3)
TOLERANCE = 2e-3  # of predictions in units of a target's spread, after some ten steps in float32
SCHEMAS = {TABLE: INPUT_KINDS["table"].schema}
for kind in PLANTED:
    SCHEMAS[kind] = INPUT_KINDS[kind].schema

BACKBONE_CASES = []
for problem, schema in SCHEMAS.items():
    for name, backbone in sorted(BACKBONES.items()):
        if schema in backbone.takes:
            BACKBONE_CASES.append((problem, name))


def dataset_of(problem):
    return load(problem) if problem == TABLE else planted_arrays(problem)


def trees(tasks):
    return [SharingTree.shared(tasks, LEVELS), SharingTree.separate(tasks, LEVELS)]


def predictions(trainer, dataset, candidates):
    jobs = []
    for candidate, seed in itertools.product(candidates, range(2)):
        replicate = Replicate("confirmation", seed)
        jobs.append(TrainingJob(len(jobs), candidate.composition(), replicate, seed=0))
    engine = WorkerContext(dataset, SCHEDULE, 0, Choice(trainer, 16, {}), "cuda").make_engine()
    results = [result for result in engine.train(jobs) if result]
    assert [result.failure for result in results] == [None] * len(jobs)
    return {result.number: result.predictions for result in results}


def assert_engines_agree(dataset, candidates):
    serial, forest = (predictions(trainer, dataset, candidates) for trainer in TRAINERS)
    for number, expected in serial.items():
        for task in dataset.tasks:
            error = np.abs(expected[task.name] - forest[number][task.name]).max()
            assert error / task.unit < TOLERANCE, (number, task.name)


@pytest.mark.parametrize(("problem", "name"), BACKBONE_CASES)
def test_both_engines_train_every_backbone_alike(problem, name):
    dataset = dataset_of(problem)
    backbone = BACKBONES[name]()
    candidates = []
    for tree in trees(len(dataset.tasks)):
        candidates.append(Candidate(tree, backbone, optimizer=OPTIMIZER))
    assert_engines_agree(dataset, candidates)


@pytest.mark.parametrize("name", sorted(SHARINGS))
def test_both_engines_train_every_soft_sharing_alike(name):
    dataset = load(TABLE)
    separate = SharingTree.separate(len(dataset.tasks), LEVELS)
    candidate = Candidate(
        separate,
        BACKBONES["mlp"](width=16),
        SHARINGS[name](),
        optimizer=OPTIMIZER,
    )
    assert_engines_agree(dataset, [candidate])


def test_what_a_gpu_trained_is_exported_for_any_machine(tmp_path):
    asked = ["--space", "quick", "--trainings", "4", "--seeds", "2", "--study", "study"]
    searched = run("search", *asked, "--device", "cuda", "--runner", "local", cwd=tmp_path)
    assert searched.code == 0, searched.err
    exported = run("export", "study", "--to", "model", cwd=tmp_path)
    assert exported.code == 0, exported.err
    assert "largest deviation on test rows" in exported.out
