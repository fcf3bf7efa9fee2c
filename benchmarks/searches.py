"""The two searches that `throughput.py` compares, each run in a process of its own.

Both train the same candidates. `ours` is this project's Ray runner with two workers, the engine
chosen by itself, only the arm `searched`. `theirs` is what a user would write without it: one plain
torch model per trial of a Ray Tune function trainable, with one optimizer over all of it, two
trials at a time. Trials report once, at their end, and reuse their actors, which a user must know
to ask for; `defaults` is the same without: Tune then starts a process for each trial, and torch in
it.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from benchmarks.machine import plain_space
from mtlsearch.candidate import Candidate, Composition, TrainingSettings
from mtlsearch.data import Dataset, load
from mtlsearch.records import Replicate
from mtlsearch.search.objectives import directions
from mtlsearch.search.proposal import propose
from mtlsearch.search.request import Pacing
from mtlsearch.seeding import derive_seed
from mtlsearch.space import SearchSpace
from mtlsearch.tasks import task_loss
from mtlsearch.training.batches import batches
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.signature import Signature
from mtlsearch.training.training_data import FoldData, TrainingData

WORKERS = 2
ARM = "searched"
SAMPLER = "random"


class Trained(NamedTuple):
    """The scores of each candidate, the times when they came, and a note."""

    scores: Sequence[Mapping[str, float]]
    times: Sequence[float]
    note: str


class Search(Protocol):
    """Trains so many random candidates of a space."""

    def __call__(
        self,
        dataset: Dataset,
        space: SearchSpace,
        candidates: int,
        folder: Path,
    ) -> Trained:
        """Run the search; files go to the folder."""


def ours(
    dataset: Dataset,
    space: SearchSpace,
    candidates: int,
    folder: Path,
) -> Trained:
    """Search with this project. The note is the engine."""
    from mtlsearch.search.engine_choice import engine_of
    from mtlsearch.search.request import Request
    from mtlsearch.search.runners import ray as ray_runner
    from mtlsearch.search.runners.ray_cluster import Cluster, coming_up
    from mtlsearch.search.schedules import ArmSchedule
    from mtlsearch.search.study import Study
    from mtlsearch.search.work_queue import WorkQueue
    from mtlsearch.search.worker_context import WorkerContext

    pacing = _pacing(candidates)
    request = Request(
        data="",
        task_flags=(),
        space=space.to_mapping(),
        space_name="",
        digest=dataset.digest,
        created="",
        arms=(ARM,),
        sampler=SAMPLER,
        trainings=candidates,
        replicates=1,
        workers=WORKERS,
        cohort=pacing.cohort,
        proposal_delay=pacing.proposal_delay,
    )
    study = Study.create(folder / "study", request, None)
    choice = engine_of(study, dataset, space)

    scores: list[Mapping[str, float]] = []
    times: list[float] = []

    def observe(arm: str, result: Any) -> None:
        scores.append(result.scores)
        times.append(time.time())

    queue = WorkQueue([ArmSchedule(study, ARM, dataset, space)], observe)
    context = WorkerContext(dataset, space.training, 0, choice, "auto")
    with coming_up(Cluster(WORKERS)) as start:
        start.check(gpus_per_worker=0)
        ray_runner.run_ray(queue, context, WORKERS, 0.0)
    return Trained(scores, times, f"{choice.trainer}, chunk {choice.chunk}, cohort {pacing.cohort}")


def theirs(
    dataset: Dataset,
    space: SearchSpace,
    candidates: int,
    folder: Path,
    reuse: bool = True,
) -> Trained:
    """Search with plain Ray Tune. Times are whole seconds, as Tune records them."""
    import ray
    from ray import tune

    ray.init(
        num_cpus=WORKERS,
        num_gpus=0,
        include_dashboard=False,
        logging_level="ERROR",
        log_to_driver=False,
        _temp_dir=str(folder / "ray"),
    )
    data = TrainingData(dataset, 0, torch.device("cpu"))
    configurations = _configurations(dataset, space, candidates)
    replicates = {configuration["replicate"] for configuration in configurations}
    trainable = tune.with_parameters(
        _trial,
        dataset=dataset,
        folds={replicate: data.fold(Replicate("search", replicate)) for replicate in replicates},
        signature=data.signature(Replicate("search", 0)),
        schedule=space.training,
    )
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"training": tune.grid_search(configurations)},
        tune_config=tune.TuneConfig(max_concurrent_trials=WORKERS, reuse_actors=reuse),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    )
    reports = [result.metrics for result in tuner.fit()]
    ray.shutdown()

    scores = []
    for report in reports:
        scores.append({task.name: report[task.name] for task in dataset.tasks})
    times = [report["timestamp"] for report in reports]
    return Trained(scores, times, "one function trial per candidate")


def _pacing(candidates: int) -> Pacing:
    """Return how the budget is handed out; candidates have one replicate."""
    return Pacing.of(candidates, 1, WORKERS, 1)


def _configurations(
    dataset: Dataset,
    space: SearchSpace,
    candidates: int,
) -> list[dict[str, Any]]:
    """Return the candidates that `ours` draws, each with its replicate."""
    cohort = _pacing(candidates).cohort
    goals = directions(dataset, space.cost)
    configurations = []
    for number in range(candidates):
        seed = derive_seed(0, ARM, number)
        candidate, _ = propose(space, SAMPLER, seed, [], goals)
        configuration = {
            "replicate": number - number % cohort,
            "candidate": json.dumps(candidate.to_json()),
        }
        configurations.append(configuration)
    return configurations


def _trial(
    config: dict[str, Any],
    dataset: Dataset,
    folds: dict[int, FoldData],
    signature: Signature,
    schedule: TrainingSettings,
) -> None:
    from ray import tune

    torch.set_num_threads(1)
    replicate = config["training"]["replicate"]
    spelled = json.loads(config["training"]["candidate"])
    composition = Candidate.from_json(spelled).composition()
    seed = derive_seed(0, "replicate", replicate)
    networks = [Network(component, signature, seed) for component in composition]
    model = CompositionNetwork(composition, networks)
    _fit(model, composition, dataset, folds[replicate], schedule, seed)
    tune.report(_scores(model, dataset, folds[replicate]))


def _fit(
    model: CompositionNetwork,
    composition: Composition,
    dataset: Dataset,
    fold: FoldData,
    schedule: TrainingSettings,
    seed: int,
) -> None:
    """Train a model, and keep its best epoch by the mean relative validation loss."""
    settings = composition.components[0].candidate.optimizer
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )
    least = float("inf")
    best: dict[str, Tensor] = {}
    for epoch in range(schedule.epochs):
        model.train()
        for batch in batches(fold, schedule, seed, epoch):
            losses = _losses(model, dataset, fold, batch)
            loss = torch.stack(list(losses.values())).sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

        relative = _validation_loss(model, dataset, fold)
        if relative < least:
            least = relative
            best = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(best)


@torch.no_grad()
def _validation_loss(
    model: CompositionNetwork,
    dataset: Dataset,
    fold: FoldData,
) -> float:
    """Return the mean over the tasks of the loss relative to the best constant's."""
    model.eval()
    losses = _losses(model, dataset, fold, fold.validation)
    relative = []
    for name, loss in losses.items():
        relative.append(float(loss) / fold.prepared.baseline_loss[name])
    return mean(relative)


def _losses(
    model: CompositionNetwork,
    dataset: Dataset,
    fold: FoldData,
    rows: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    outputs = _outputs(model, fold, rows)
    losses = {}
    for task, output in zip(dataset.tasks, outputs, strict=True):
        target = fold.targets[task.name][rows[task.source]]
        losses[task.name] = task_loss(task.kind, output, target)
    return losses


def _outputs(
    model: CompositionNetwork,
    fold: FoldData,
    rows: Mapping[str, Tensor],
) -> list[Tensor]:
    inputs = {}
    for source, taken in rows.items():
        inputs[source] = fold.inputs[source].take(taken)
    outputs = model(inputs)
    return [outputs[number] for number in range(len(outputs))]


@torch.no_grad()
def _scores(
    model: CompositionNetwork,
    dataset: Dataset,
    fold: FoldData,
) -> dict[str, float]:
    """Score a model on the validation rows."""
    model.eval()
    rows = fold.validation
    scores = {}
    for task, output in zip(dataset.tasks, _outputs(model, fold, rows), strict=True):
        target = dataset.targets[task.name][rows[task.source].numpy()]
        prediction = fold.prepared.decoders[task.name].rows_to_predictions(output.numpy())
        scores[task.name] = task.metric.score(target, prediction)
    return scores


SEARCHES: dict[str, Search] = {
    "ours": ours,
    "theirs": theirs,
    "defaults": partial(theirs, reuse=False),
}


def main(
    which: str,
    problem: str,
    epochs: int,
    batch_size: int,
    candidates: int,
) -> dict[str, Any]:
    """Run one of the searches.

    `seconds` are those of all of it after the imports, Ray's start included; `first` are those
    until the first results are in, and `later` is how many come in per second from then on.
    """
    torch.set_num_threads(1)
    dataset = load(problem)
    space = plain_space(len(dataset.tasks), epochs, batch_size)
    with tempfile.TemporaryDirectory(prefix="mtl-", ignore_cleanup_errors=True) as folder:
        started = time.time()
        trained = SEARCHES[which](dataset, space, candidates, Path(folder))
        seconds = time.time() - started

    assert len(trained.scores) == candidates
    assert all(trained.scores)
    first = min(trained.times)
    later = [moment for moment in trained.times if moment > first + 1]
    score = mean(mean(scores.values()) for scores in trained.scores)
    return {
        "seconds": seconds,
        "first": first - started,
        "later": len(later) / (max(trained.times) - first),
        "score": score,
        "note": trained.note,
    }


if __name__ == "__main__":
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # At 15, Ray's default, the workers starve beside the other jobs of a shared machine.
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112
    which, problem, *numbers = sys.argv[1:]
    print(json.dumps(main(which, problem, *map(int, numbers))))
