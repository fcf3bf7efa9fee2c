"""The two searches that `throughput.py` compares, each run in a process of its own. Both train the same candidates.

`ours` is this project's Ray runner with two workers, the engine chosen by itself, only the arm `searched`.
`theirs` is what a user would write without it: one plain torch model per trial of a Ray Tune function trainable, with one
optimizer over all of it, two trials at a time. Trials report once, at their end, and reuse their actors, which a user must
know to ask for; `defaults` is the same without: Tune then starts a process for each trial, and torch in it.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from benchmarks.machine import plain_space
from mtlsearch.candidate import Candidate, Composition, TrainingSettings
from mtlsearch.data import Dataset, load, restore
from mtlsearch.search.proposal import propose
from mtlsearch.search.study import directions
from mtlsearch.seeding import derive_seed
from mtlsearch.space import SearchSpace
from mtlsearch.tasks.loss import task_loss
from mtlsearch.tasks.metrics import score
from mtlsearch.training import Model, TrainingData
from mtlsearch.training.plain.network import Network, Signature
from mtlsearch.training.plain.step import batches
from mtlsearch.training.training_data import FoldData

WORKERS = 2
Found = tuple[
    Sequence[dict[str, float]], Sequence[float], str
]  # scores per candidate, the times when they came, and a note


def ours(dataset: Dataset, space: SearchSpace, candidates: int, folder: Path) -> Found:
    """The note is the engine."""
    from mtlsearch.search.engine_choice import chosen_engine
    from mtlsearch.search.request import Request
    from mtlsearch.search.runners import ray as ray_runner
    from mtlsearch.search.schedules import ArmSchedule
    from mtlsearch.search.study import Study
    from mtlsearch.search.work_queue import WorkQueue
    from mtlsearch.search.worker_context import WorkerContext

    cohort, lag = _cohorts(candidates)
    sizes: dict[str, Any] = {
        "trainings": candidates,
        "replicates": 1,
        "workers": WORKERS,
        "cohort": cohort,
        "lag": lag,
    }
    asked = {"arms": ("searched",), "sampler": "random", **sizes}
    study = Study.create(
        folder / "study", Request("", (), space.to_mapping(), "", dataset.digest, "", **asked), None
    )
    choice = chosen_engine(study, dataset, space)
    ray_runner.start(WORKERS, 0.0, None, str(folder / "ray"))
    seen: list[tuple[dict[str, float], float]] = []
    queue = WorkQueue(
        [ArmSchedule(study, "searched", dataset, space)],
        lambda arm, outcome: seen.append((outcome.scores, time.time())),
    )
    ray_runner.run_ray(
        queue, WorkerContext(dataset, space.training, 0, choice, "auto"), WORKERS, 0.0
    )
    ray_runner.stop()
    scores, times = zip(*seen, strict=True)
    return scores, times, f"{choice.trainer}, chunk {choice.chunk}, cohort {cohort}"


def theirs(
    dataset: Dataset, space: SearchSpace, candidates: int, folder: Path, reuse: bool = True
) -> Found:
    """Times are whole seconds, as Tune records them."""
    import ray
    from ray import tune

    data, goals = TrainingData(dataset, 0, torch.device("cpu")), directions(dataset, "none")
    drawn = [
        propose(space, "random", derive_seed(0, "searched", number), [], goals)[0]
        for number in range(candidates)
    ]
    quiet = {"include_dashboard": False, "logging_level": "ERROR", "log_to_driver": False}
    ray.init(num_cpus=WORKERS, num_gpus=0, _temp_dir=str(folder / "ray"), **quiet)
    cohort, _ = _cohorts(candidates)
    folds = {
        number - number % cohort: data.fold(number - number % cohort)
        for number in range(candidates)
    }
    task = {
        "dataset": dataset,
        "folds": folds,
        "signature": data.signature(0),
        "schedule": space.training,
    }
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(_trial, **task), {"cpu": 1}),
        param_space={
            "training": tune.grid_search(
                [(n - n % cohort, json.dumps(each.to_json())) for n, each in enumerate(drawn)]
            )
        },
        tune_config=tune.TuneConfig(max_concurrent_trials=WORKERS, reuse_actors=reuse),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    )
    found = [result.metrics for result in tuner.fit()]
    ray.shutdown()
    return (
        [{t.name: each[t.name] for t in dataset.tasks} for each in found],
        [each["timestamp"] for each in found],
        "one function trial per candidate",
    )


def _cohorts(candidates: int) -> tuple[int, int]:
    """The size of a cohort, whose candidates have one replicate, and the lag."""
    from mtlsearch.search.request import cohorts

    return cohorts(candidates, 1, WORKERS, 1)


def _trial(
    config: dict[str, tuple[int, str]],
    dataset: Dataset,
    folds: dict[int, FoldData],
    signature: Signature,
    schedule: TrainingSettings,
) -> None:
    from ray import tune

    torch.set_num_threads(1)
    replicate, candidate = config["training"]
    parts = Candidate.from_json(json.loads(candidate)).composition()
    tune.report(
        _plain_loop(
            parts,
            dataset,
            folds[replicate],
            signature,
            schedule,
            derive_seed(0, "replicate", replicate),
        )
    )


def _plain_loop(
    composition: Composition,
    dataset: Dataset,
    fold: FoldData,
    signature: Signature,
    schedule: TrainingSettings,
    seed: int,
) -> dict[str, float]:
    """Train one model, keep its best epoch by the mean relative validation loss, and score it on the validation rows."""
    settings, best, kept = composition.components[0].candidate.optimizer, float("inf"), {}
    model = Model(composition, [Network(part, signature, seed) for part in composition])
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    for epoch in range(schedule.epochs):
        model.train()
        for batch in batches(fold, schedule, seed, epoch):
            loss = torch.stack(list(_losses(model, dataset, fold, batch).values())).sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses = _losses(model, dataset, fold, fold.validation)
        relative = mean(
            float(loss) / fold.prepared.baseline_loss[name] for name, loss in losses.items()
        )
        if relative < best:
            best, kept = (
                relative,
                {name: value.clone() for name, value in model.state_dict().items()},
            )
    model.load_state_dict(kept)
    return _scores(model, dataset, fold)


def _losses(
    model: Model, dataset: Dataset, fold: FoldData, rows: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    outputs = model({source: fold.inputs[source][own] for source, own in rows.items()})
    return {
        task.name: task_loss(task.kind, outputs[number], fold.targets[task.name][rows[task.source]])
        for number, task in enumerate(dataset.tasks)
    }


@torch.no_grad()
def _scores(model: Model, dataset: Dataset, fold: FoldData) -> dict[str, float]:
    rows = fold.validation
    outputs = model({source: fold.inputs[source][own] for source, own in rows.items()})
    return {
        task.name: score(
            task,
            dataset.targets[task.name][rows[task.source].numpy()],
            restore(task, outputs[n].numpy(), fold.prepared),
        )
        for n, task in enumerate(dataset.tasks)
    }


def main(which: str, problem: str, epochs: int, batch_size: int, candidates: int) -> dict[str, Any]:
    """Run one of the searches. `seconds` are those of all of it after the imports, Ray's start included.

    `first` are those until the first outcomes are in, and `later` is how many come in per second from then on.
    """
    torch.set_num_threads(1)
    dataset = load(problem)
    space = plain_space(len(dataset.tasks), epochs, batch_size)
    with tempfile.TemporaryDirectory(prefix="mtl-", ignore_cleanup_errors=True) as folder:
        started = time.time()
        searches: dict[str, Callable[..., Found]] = {
            "ours": ours,
            "theirs": theirs,
            "defaults": partial(theirs, reuse=False),
        }
        scores, times, note = searches[which](dataset, space, candidates, Path(folder))
        seconds = time.time() - started
    assert len(scores) == candidates and all(scores)
    later = sum(moment > min(times) + 1 for moment in times) / (max(times) - min(times))
    score = mean(mean(each.values()) for each in scores)
    return {
        "seconds": seconds,
        "first": min(times) - started,
        "later": later,
        "score": score,
        "note": note,
    }


if __name__ == "__main__":
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # At 15, Ray's default, the workers starve beside the other jobs of a shared machine.
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112
    print(json.dumps(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))))
