"""Which backbone a space should start from: each at one setting, shared by all tasks or by none.

    python -m benchmarks.quality.backbones FOLDER [TABLE ...]

Nothing is searched. The tables are those that `study` or `tables.prepare` wrote; the skill is that
of the ensemble of the seeds, and the mean of the single models.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.machine import publish
from benchmarks.quality.scores import SkillScorer
from benchmarks.quality.tables import TABLES, prepare
from benchmarks.truth.experiment import FOREST, side_by_side
from mtlsearch.backbones import Backbone, Mlp, Residual, TabM
from mtlsearch.candidate import Candidate, OptimizerSettings, TrainingSettings
from mtlsearch.data import load
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine import Engine
from mtlsearch.training.training_data import TrainingData

LEVELS = 3
SEEDS = 3
CHUNK = 8
TREES = {"shared": SharingTree.shared, "separate": SharingTree.separate}
BACKBONES: dict[str, Backbone] = {
    "mlp": Mlp(width=64, dropout=0.15),
    "residual": Residual(width=64, dropout=0.15),
    "tabm mini": TabM(width=64, dropout=0.15, members=8, variant="mini"),
    "tabm full": TabM(width=64, dropout=0.15, members=8, variant="full"),
}
OPTIMIZER = OptimizerSettings(learning_rate=2e-3, weight_decay=1e-4)
SCHEDULE = TrainingSettings(
    epochs=60,
    batch_size=64,
    patience=10,
    averaged_epochs=10,
)
COLUMNS = ["table", "backbone", "tree", "skill_single", "skill_ensemble", "seconds"]


class Case(NamedTuple):
    """A table in a folder, and a backbone."""

    folder: str
    table: str
    backbone: str


def work(case: Case) -> list[list[object]]:
    """Train a backbone on a table with both trees, and score it."""
    card = prepare(case.table, Path(case.folder) / case.table)
    dataset = load(str(card))
    data = TrainingData(dataset, 0, torch.device("cpu"))
    scorer = SkillScorer(dataset)
    rows: list[list[object]] = []
    for tree, make_tree in TREES.items():
        structure = make_tree(len(dataset.tasks), LEVELS)
        candidate = Candidate(structure, BACKBONES[case.backbone], optimizer=OPTIMIZER)
        composition = candidate.composition()
        jobs = []
        for seed in range(SEEDS):
            replicate = Replicate("confirmation", seed)
            job = TrainingJob(seed, composition, replicate, seed=0)
            jobs.append(job)
        started = time.perf_counter()
        engine = Engine(data, SCHEDULE, FOREST.trainer, CHUNK)
        models = []
        for result in engine.train(jobs):
            if result is not None:
                models.append(result.predictions)
        seconds = (time.perf_counter() - started) / SEEDS
        single = scorer.single(models).points
        ensemble = scorer.ensemble(models).points
        row = [
            case.table,
            case.backbone,
            tree,
            single,
            ensemble,
            seconds,
        ]
        print(*row, flush=True)
        rows.append(row)
    return rows


def main(folder: str, names: Sequence[str]) -> None:
    """Train all backbones on all tables, or on those named."""
    cases = []
    for table in names or TABLES:
        for backbone in BACKBONES:
            cases.append(Case(folder, table, backbone))
    table_rows: list[list[object]] = []
    for rows in side_by_side(work, cases):
        table_rows += rows
    publish("backbones", COLUMNS, table_rows)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
