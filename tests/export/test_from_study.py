"""The export of a study's models: with the weights of the confirmation, where these were kept."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mtlsearch.data import Dataset, load
from mtlsearch.errors import StudyError, UsageError
from mtlsearch.export.from_study import export_from_study, trained_model
from mtlsearch.export.select_model import select_model
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.request import Request
from mtlsearch.search.session import work
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace, load_space
from mtlsearch.training.engine import Engine
from mtlsearch.training.plain.network import CompositionNetwork
from mtlsearch.training.prediction import predict
from mtlsearch.training.training_data import TrainingData

ARMS = ("searched", "single_task")


class Watch:
    """Looks at nothing."""

    def begin(self, schedules, queue) -> None:
        """The queue begins."""

    def observe(self, arm, result) -> None:
        """A result came."""


class Trainings:
    """Trains models, and counts them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.jobs: list[TrainingJob] = []

    def __call__(self, job: TrainingJob) -> CompositionNetwork:
        self.jobs.append(job)
        network, _ = self.engine.fit_model(job)
        return network


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load("penguins")


@pytest.fixture(scope="module")
def space(dataset: Dataset) -> SearchSpace:
    tasks = len(dataset.tasks)
    training = {"epochs": 3, "batch_size": 128, "patience": 3, "averaged_epochs": 2}
    mapping = {**load_space("quick", tasks).to_mapping(), "training": training}
    return SearchSpace.from_mapping(mapping, tasks)


@pytest.fixture(scope="module")
def make_study(
    dataset: Dataset, space: SearchSpace, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Study]:
    """Makes studies that have not begun."""

    def make() -> Study:
        request = Request(
            data=dataset.name,
            task_flags=(),
            device="cpu",
            space=space.to_mapping(),
            space_name="quick",
            digest=dataset.digest,
            created="now",
            trainings=6,
            seeds=2,
            arms=ARMS,
            engine="forest",
            runner="local",
            cohort=4,
            references=False,
        )
        return Study.create(tmp_path_factory.mktemp("study") / "study", request, None)

    return make


@pytest.fixture(scope="module")
def study(make_study: Callable[[], Study], dataset: Dataset, space: SearchSpace) -> Study:
    """A finished study."""
    finished = make_study()
    work(finished, dataset, space, Watch())
    return finished


@pytest.fixture(scope="module")
def analysis(study: Study, dataset: Dataset) -> Analysis:
    return Analysis(study, dataset)


@pytest.fixture
def trainings(study: Study, dataset: Dataset, space: SearchSpace) -> Trainings:
    """Trains as the confirmation does, but with the other engine and one model at a time."""
    torch.set_num_threads(1)
    data = TrainingData(dataset, study.request.seed, torch.device("cpu"))
    return Trainings(Engine(data, space.training.for_verdict(), "forest"))


def unconfirmed(analysis: Analysis) -> str:
    """The number of a candidate of the search that was not confirmed."""
    picked = [model.pick.composition for model in analysis.confirmed]
    for trial in analysis.trials["searched"]:
        if trial.candidate.composition() not in picked:
            return str(trial.number)
    raise AssertionError("every candidate was confirmed")


@pytest.mark.parametrize("choice", ["best", *ARMS])
def test_a_confirmed_model_is_exported_without_training(
    choice: str, analysis: Analysis, trainings: Trainings
) -> None:
    selected = select_model(analysis, choice)
    data = trainings.engine.data
    model = trained_model(selected, data, trainings)
    assert trainings.jobs == []

    job = TrainingJob(0, selected.composition, Replicate("confirmation", 0), data.seed)
    trained_anew = trainings(job)
    assert model.replicate == job.replicate
    for task in data.dataset.tasks:
        rows = data.test_rows(task)
        kept = predict(model.network.eval(), data, job.replicate, task, rows)
        anew = predict(trained_anew.eval(), data, job.replicate, task, rows)
        assert (kept == anew).all()


def test_a_candidate_that_was_not_confirmed_is_trained(
    analysis: Analysis, trainings: Trainings
) -> None:
    selected = select_model(analysis, unconfirmed(analysis))
    assert selected.confirmed is None
    model = trained_model(selected, trainings.engine.data, trainings)
    [job] = trainings.jobs
    assert job.composition == selected.composition
    assert job.replicate == model.replicate == Replicate("confirmation", 0)


def test_a_confirmed_model_tells_its_scores_and_another_that_it_has_none(
    study: Study, dataset: Dataset, space: SearchSpace, analysis: Analysis, tmp_path: Path
) -> None:
    export_from_study(study, dataset, space, "searched", tmp_path / "confirmed")
    readme = (tmp_path / "confirmed" / "README.md").read_text("utf-8")
    [confirmed] = [model for model in analysis.confirmed if model.arm == "searched"]
    for task in dataset.tasks:
        first, second = confirmed.scores(task.name)
        assert f"{task.metric.name} {(first + second) / 2:.4g}" in readme
    assert "mean over 2 trainings" in readme

    number = unconfirmed(analysis)
    export_from_study(study, dataset, space, number, tmp_path / "candidate")
    readme = (tmp_path / "candidate" / "README.md").read_text("utf-8")
    assert "not confirmed on test rows" in readme


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("sought", '"sought" is unknown'),
        ("sought:0", '"sought" is unknown'),
        ("searched:99", "found 99; searched has the candidates 0"),
        ("99", "found 99; searched has the candidates 0"),
        ("single_task:x", "found x; single_task has the candidates 0"),
    ],
)
def test_a_model_that_is_not_there(choice: str, message: str, analysis: Analysis) -> None:
    with pytest.raises(UsageError, match=message):
        select_model(analysis, choice)


@pytest.mark.parametrize(
    ("choice", "message"),
    [("best", "not confirmed yet"), ("single_task", "nothing was picked from single_task yet")],
)
def test_a_study_that_has_not_come_so_far(
    choice: str, message: str, make_study: Callable[[], Study], dataset: Dataset
) -> None:
    with pytest.raises(StudyError, match=message):
        select_model(Analysis(make_study(), dataset), choice)
