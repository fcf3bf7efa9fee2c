"""A search at the default budget: the recommended model, and single-task beside it.

    python -m benchmarks.quality.study FOLDER [TABLE ...]

Writes each table into the folder, for the other contenders as well, and searches it.
"""

import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from subprocess import run

import pandas as pd
import torch

from benchmarks.machine import CORES
from benchmarks.quality.exchange import TEST, TRAIN, VALIDATION, Rows, write_models
from benchmarks.quality.tables import TABLES, prepare
from mtlsearch.data import Dataset, fold, load
from mtlsearch.records import Replicate
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.arms import BASELINE
from mtlsearch.search.confirmed_models import Confirmed
from mtlsearch.search.study_loading import open_study

STUDY = "study"
RECOMMENDED = "recommended"
STUDY_SEED = 0
SEEDS = 5  # of the confirmation, the command line's default
SEARCH = [sys.executable, "cli.py", "search", "--runner", "local", "--workers", "1"]
SINGLE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def work(case: tuple[str, str]) -> None:
    """Search a table, and write what its models predict for the test rows."""
    name, whole_folder = case
    torch.set_num_threads(1)
    folder = Path(whole_folder) / name
    card = prepare(name, folder)
    started = time.perf_counter()
    run([*SEARCH, str(card), "--study", str(folder / STUDY)], check=True, capture_output=True)
    seconds = time.perf_counter() - started
    study, dataset, _ = open_study(folder / STUDY)
    analysis = Analysis(study, dataset)
    verdict = analysis.verdict
    assert verdict is not None
    for confirmed in analysis.confirmed:
        if confirmed.arm == verdict.recommended:
            _write(folder, RECOMMENDED, confirmed, seconds)
        if confirmed.arm == BASELINE:
            _write(folder, BASELINE, confirmed, seconds)
    for reference in analysis.references:
        models = [fit.predictions for fit in reference.fits]
        if all(len(model) == len(dataset.tasks) for model in models):
            write_models(folder, reference.name, models, reference.seconds)
    print(name, verdict.recommended, f"{seconds:.0f} s", flush=True)


def _write(
    folder: Path,
    contender: str,
    confirmed: Confirmed,
    seconds: float,
) -> None:
    models = [training.predictions for training in confirmed.trainings]
    write_models(folder, contender, models, seconds)


def as_rows(dataset: Dataset) -> Rows:
    """What others are given: the same columns, labels and folds of the confirmation."""
    [source] = dataset.sources.values()
    folds = {}
    for seed in range(SEEDS):
        number = Replicate("confirmation", seed).number
        of_seed = fold(dataset, number, STUDY_SEED)
        roles = pd.Series(TEST, index=range(len(source.inputs)))
        roles[of_seed.train[source.name]] = TRAIN
        roles[of_seed.validation[source.name]] = VALIDATION
        folds[str(seed)] = roles
    return Rows(
        inputs=source.inputs.reset_index(drop=True),
        labels=pd.DataFrame(dataset.targets),
        kinds={task.name: task.kind.name for task in dataset.tasks},
        folds=pd.DataFrame(folds),
    )


def main(folder: str, names: Sequence[str]) -> None:
    """Write all tables, or those named, and search them."""
    chosen = names or list(TABLES)
    for name in chosen:
        card = prepare(name, Path(folder) / name)
        as_rows(load(str(card))).write(card.parent)
    cases = [(name, folder) for name in chosen]
    with get_context("spawn").Pool(CORES) as pool:
        pool.map(work, cases, chunksize=1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
