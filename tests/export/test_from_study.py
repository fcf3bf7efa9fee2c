"""The export of a study's models: with the weights of the confirmation, where these were kept."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, load_file

from mtlsearch.data import Dataset
from mtlsearch.data import load as load_dataset
from mtlsearch.data.outer_folds import all_trained
from mtlsearch.errors import StudyError, UsageError
from mtlsearch.evidence.ensemble import Ensemble, mean_prediction
from mtlsearch.export.from_study import (
    Order,
    export_from_study,
    load_model,
    trained_models,
)
from mtlsearch.export.select_model import read_seeds, recommended_arm, select_model
from mtlsearch.export.trained_model import predict_mean
from mtlsearch.records import TrainingJob
from mtlsearch.runtime.predictor import Predictor
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.request import Request
from mtlsearch.search.session import Observer, work
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace, load_space
from mtlsearch.training.engine import Engine
from mtlsearch.training.plain.network import CompositionNetwork
from mtlsearch.training.prediction import predict
from mtlsearch.training.training_data import TrainingData
from tests.support.exported import run_in_process
from tests.support.replicates import confirmed

ARMS = ("searched", "single_task")


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
    return load_dataset("penguins")


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
    work(finished, dataset, space, Observer())
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
    models = trained_models(selected, data, trainings, None)
    assert trainings.jobs == []
    assert [model.replicate for model in models] == [confirmed(0), confirmed(1)]

    for model in models:
        job = TrainingJob(0, selected.composition, model.replicate, data.seed)
        trained_anew = trainings(job)
        for task in data.dataset.tasks:
            rows = data.test_rows(task)
            kept = predict(model.network, data, job.replicate, task, rows)
            anew = predict(trained_anew.eval(), data, job.replicate, task, rows)
            assert (kept == anew).all()


def test_the_ensemble_predicts_the_mean_of_what_its_seeds_were_scored_by(
    analysis: Analysis, trainings: Trainings
) -> None:
    selected = select_model(analysis, "searched")
    data = trainings.engine.data
    models = trained_models(selected, data, trainings, None)
    kept = mean_prediction([training.predictions for training in selected.trainings(None)])
    for task in data.dataset.tasks:
        predicted = predict_mean(models, task, data.test_rows(task))
        np.testing.assert_allclose(predicted, kept[task.name], rtol=1e-6)


def test_fewer_seeds_are_the_first_ones(analysis: Analysis, trainings: Trainings) -> None:
    selected = select_model(analysis, "best")
    [model] = trained_models(selected, trainings.engine.data, trainings, 1)
    assert model.replicate == confirmed(0)


@pytest.mark.parametrize("seeds", [0, 3])
def test_seeds_that_are_not_there(seeds: int, analysis: Analysis) -> None:
    with pytest.raises(UsageError, match=f"--seeds: found {seeds}; allowed: all or 1 to 2"):
        select_model(analysis, "best").trainings(seeds)


def test_seeds_as_they_are_typed() -> None:
    assert read_seeds("all") is None
    assert read_seeds("3") == 3
    for text in ("", "-1", "two", "1.5"):
        with pytest.raises(UsageError, match=f'--seeds: found "{text}"; allowed: all, or'):
            read_seeds(text)


@pytest.mark.parametrize(("seeds", "networks"), [(None, 1), (2, 2)])
def test_a_candidate_that_was_not_confirmed_is_trained(
    seeds: int | None, networks: int, analysis: Analysis, trainings: Trainings
) -> None:
    selected = select_model(analysis, unconfirmed(analysis))
    assert selected.confirmed is None
    models = trained_models(selected, trainings.engine.data, trainings, seeds)
    wanted = [confirmed(index) for index in range(networks)]
    assert [job.replicate for job in trainings.jobs] == wanted
    assert [model.replicate for model in models] == wanted
    assert {job.composition for job in trainings.jobs} == {selected.composition}


def test_a_confirmed_model_tells_its_scores_and_another_that_it_has_none(
    study: Study, dataset: Dataset, space: SearchSpace, analysis: Analysis, tmp_path: Path
) -> None:
    folder = tmp_path / "confirmed"
    exported = export_from_study(study, dataset, space, Order("searched"), folder)
    assert exported.networks == 2
    assert exported.size == sum(file.stat().st_size for file in folder.iterdir())
    assert "an ensemble of 2 networks" in exported.summary
    assert "--seeds 1" in exported.summary
    readme = (folder / "README.md").read_text("utf-8")
    [model] = [model for model in analysis.confirmed if model.arm == "searched"]
    ensemble = analysis.ensembles["searched"]
    assert isinstance(ensemble, Ensemble)
    for task in dataset.tasks:
        first, second = model.scores(task.name)
        alone = f"a network alone: {task.metric.name} {(first + second) / 2:.4g}"
        score = f"{task.metric.name} {ensemble.test.scores[task.name]:.4g} on test rows; {alone}"
        assert score in readme.replace("\\", "")
    assert "mean over 2 trainings" in readme
    assert "The test predictions that the networks were scored by were kept" in readme

    order = Order(unconfirmed(analysis))
    exported = export_from_study(
        study, dataset, space, order, tmp_path / "candidate", run_in_process
    )
    assert exported.networks == 1
    assert "trained now" in exported.notes[-1]
    readme = (tmp_path / "candidate" / "README.md").read_text("utf-8")
    assert "not confirmed on test rows" in readme


def test_a_model_as_an_object_predicts_what_its_folder_does(
    study: Study, dataset: Dataset, space: SearchSpace, tmp_path: Path
) -> None:
    threads = torch.get_num_threads()
    order = Order("searched", seeds=1)
    model = load_model(study, dataset, space, order)
    export_from_study(study, dataset, space, order, tmp_path / "model", run_in_process)
    [source] = dataset.sources.values()
    rows = source.inputs.iloc[::7]
    exported = Predictor.of_folder(tmp_path / "model")
    assert model.predict(rows).equals(exported.predict(rows))
    assert len(load_model(study, dataset, space).preparations) == 2
    assert torch.get_num_threads() == threads


def test_some_tasks_are_exported_alone(
    study: Study, dataset: Dataset, space: SearchSpace, tmp_path: Path
) -> None:
    order = Order("searched", seeds=1, tasks=("sex",))
    exported = export_from_study(study, dataset, space, order, tmp_path / "model", run_in_process)
    assert exported.deviation <= 1e-6
    assert exported.notes[0].startswith("It was trained with species, body_mass_g as well")
    readme = (tmp_path / "model" / "README.md").read_text("utf-8")
    assert "It was trained with species" in readme and "| species |" not in readme
    with pytest.raises(UsageError, match='--tasks: "weight" is unknown'):
        export_from_study(study, dataset, space, Order(tasks=("weight",)), tmp_path / "none")


def test_best_says_which_model_it_is(
    study: Study, dataset: Dataset, space: SearchSpace, analysis: Analysis, tmp_path: Path
) -> None:
    exported = export_from_study(
        study, dataset, space, Order(seeds=1), tmp_path / "model", run_in_process
    )
    recommended = recommended_arm(analysis)
    [other] = set(ARMS) - {recommended}
    said = f"best is the model of {recommended}, which the verdict recommends; --candidate {other}"
    assert exported.notes[0].startswith(said)


def test_a_refitted_model_has_seen_all_rows_for_as_long_as_it_was_confirmed(
    study: Study, dataset: Dataset, space: SearchSpace, analysis: Analysis, tmp_path: Path
) -> None:
    order = Order("searched", refit=True)
    exported = export_from_study(study, dataset, space, order, tmp_path / "model", run_in_process)
    assert exported.compared == "all rows" and exported.deviation <= 1e-6
    assert any("no score is measured on it" in note for note in exported.notes)
    readme = (tmp_path / "model" / "README.md").read_text("utf-8")
    assert "no score is measured on it" in readme and "The weights are those of" not in readme
    model = Predictor.of_folder(tmp_path / "model")
    [source] = dataset.sources.values()
    for preparation in model.preparations:
        [encoding] = [e for e in preparation.sources["penguins"] if e.name == "bill_length_mm"]
        assert encoding.median == source.inputs["bill_length_mm"].median()
    kept = load_model(study, dataset, space, Order("searched"))
    assert not kept.predict(source.inputs).equals(model.predict(source.inputs))
    with pytest.raises(UsageError, match="--refit: the model was not confirmed"):
        load_model(study, dataset, space, Order(unconfirmed(analysis), refit=True))
    with pytest.raises(UsageError, match="--best-per-task: found --refit"):
        load_model(study, dataset, space, Order(best_per_task=True, refit=True))


@pytest.mark.parametrize("engine", ["serial", "forest"])
def test_a_training_with_an_end_has_the_weights_of_its_last_epochs(
    engine: str, analysis: Analysis, dataset: Dataset, space: SearchSpace
) -> None:
    """Of epochs 1 and 2, whatever the validation rows say, and however many would be allowed."""
    selected = select_model(analysis, "single_task")
    data = TrainingData(all_trained(dataset), 0, torch.device("cpu"))
    schedule = space.training.for_verdict()
    ends = tuple(2 for _ in selected.composition)
    job = TrainingJob(0, selected.composition, confirmed(0), 0, ends=ends)
    assert TrainingJob.from_json(job.to_json()) == job
    network, losses = Engine(data, schedule, engine).fit_model(job)
    assert [len(of_component) for of_component in losses] == list(ends)
    last = []
    for end in (1, 2):
        one_epoch = replace(schedule, averaged_epochs=1)
        at_end = replace(job, ends=tuple(end for _ in ends))
        last.append(Engine(data, one_epoch, engine).fit_model(at_end)[0].state_dict())
    for name, value in network.state_dict().items():
        mean = (last[0][name].double() + last[1][name].double()) / 2
        torch.testing.assert_close(value, mean.to(value.dtype), rtol=0, atol=0)


def test_one_seed_is_one_network(
    study: Study, dataset: Dataset, space: SearchSpace, analysis: Analysis, tmp_path: Path
) -> None:
    order = Order("searched", seeds=1)
    exported = export_from_study(study, dataset, space, order, tmp_path / "model", run_in_process)
    assert exported.summary.startswith("one network, ")
    readme = (tmp_path / "model" / "README.md").read_text("utf-8")
    assert "The weights are those of the first of these trainings." in readme
    weights = load(select_model(analysis, "searched").trainings(1)[0].weights())
    written = load_file(tmp_path / "model" / "weights.safetensors")
    sizes = sum(tensor.numel() for tensor in weights.values())
    assert sum(tensor.numel() for tensor in written.values()) == sizes


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
