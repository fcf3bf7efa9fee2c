"""Exported ensembles: the size of a folder and the time of a prediction against one network.

    python -m benchmarks.exported_ensembles

The same networks are exported alone and as ensembles; their weights are random, which costs the
same. A prediction is `predict.load().predict(table)`: cells are read, encoded for each network, run
and decoded; beside it stands what `model.py` takes of that. Times are medians of CPU time with one
thread, which other jobs change little; folders are timed in turn.
"""

import runpy
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.machine import publish
from mtlsearch.backbones import Mlp, TabM
from mtlsearch.backbones.contract import Backbone
from mtlsearch.candidate import Candidate
from mtlsearch.data import load
from mtlsearch.export.folder import export_model
from mtlsearch.export.readme import ModelCard
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.records import Replicate
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.training_data import TrainingData

PROBLEM = "bikeshare"
LEVELS = 3
BACKBONES: dict[str, Backbone] = {"mlp": Mlp(width=64), "tabm": TabM(width=64)}
NETWORKS = (1, 5, 10)
ROWS = (1, 1000)
REPEATS = 60
COLUMNS = [
    "backbone",
    "networks",
    "folder_kb",
    "rows",
    "predict_ms",
    "network_ms",
    "times_one",
]


def export(
    data: TrainingData,
    backbone: Backbone,
    networks: int,
    folder: Path,
) -> None:
    """Export so many networks in which all tasks share everything."""
    tree = SharingTree.shared(len(data.dataset.tasks), LEVELS)
    composition = Candidate(tree, backbone).composition()
    models = []
    for seed in range(networks):
        replicate = Replicate("confirmation", seed)
        signature = data.signature(replicate)
        parts = [Network(component, signature, seed) for component in composition]
        models.append(TrainedModel(CompositionNetwork(composition, parts), data, replicate))
    export_model(models, folder, ModelCard())


def milliseconds(
    run: Callable[[Any], object],
    argument: object,
) -> float:
    """Return how long a call takes."""
    start = time.process_time()
    run(argument)
    return 1000 * (time.process_time() - start)


def measure(
    data: TrainingData,
    folders: Sequence[Path],
    rows: int,
) -> list[list[object]]:
    """Return the cells of the times of every folder."""
    [(name, source)] = data.dataset.sources.items()
    table = source.inputs.head(rows).astype(str).to_dict("list")
    predictors = [runpy.run_path(str(folder / "predict.py"))["load"]() for folder in folders]
    inputs = []
    for predictor in predictors:
        tensors = predictor.encode(name, table)
        inputs.append({name: tensors if len(tensors) > 1 else tensors[0]})
    whole: list[list[float]] = [[] for _ in folders]
    network: list[list[float]] = [[] for _ in folders]
    for _ in range(REPEATS):
        for number, predictor in enumerate(predictors):
            whole[number].append(milliseconds(predictor.predict, table))
            with torch.no_grad():
                network[number].append(milliseconds(predictor.network, inputs[number]))
    first = statistics.median(whole[0])
    cells: list[list[object]] = []
    for times, network_times in zip(whole, network, strict=True):
        median = statistics.median(times)
        cells.append([median, statistics.median(network_times), median / first])
    return cells


def main() -> None:
    """Export and measure every ensemble."""
    torch.set_num_threads(1)
    data = TrainingData(load(PROBLEM), 0, torch.device("cpu"))
    table: list[list[object]] = []
    with TemporaryDirectory() as scratch:
        for name, backbone in BACKBONES.items():
            folders = [Path(scratch) / f"{name}-{networks}" for networks in NETWORKS]
            for networks, folder in zip(NETWORKS, folders, strict=True):
                export(data, backbone, networks, folder)
            for rows in ROWS:
                measured = measure(data, folders, rows)
                for networks, folder, cells in zip(NETWORKS, folders, measured, strict=True):
                    kilobytes = sum(file.stat().st_size for file in folder.glob("*.*")) / 1000
                    table.append([name, networks, kilobytes, rows, *cells])
    publish("exported-ensembles", COLUMNS, table)


if __name__ == "__main__":
    main()
