"""An export whose tasks are predicted by the best model known: a network's, or a ready-made one."""

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mtlsearch.search.session as session_module
from mtlsearch.data import TEST, Dataset, load
from mtlsearch.errors import ExportError
from mtlsearch.export import reference_models
from mtlsearch.export.from_study import Order, export_from_study
from mtlsearch.export.predicting import predict_folder
from mtlsearch.export.reference_models import hand_over
from mtlsearch.records import Replicate
from mtlsearch.runtime.reference_models import TRUSTED
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.reference_fits import FittedReference
from mtlsearch.search.request import Request
from mtlsearch.search.session import Observer, work
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace, load_space
from mtlsearch.training.training_data import TrainingData

pytest.importorskip("skops")

NAMES = ("linear", "random_forest", "histogram_boosting")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load("penguins")


@pytest.fixture(scope="module")
def space(dataset: Dataset) -> SearchSpace:
    """A space whose networks are not trained long enough to be any good."""
    tasks = len(dataset.tasks)
    training = {"epochs": 1, "batch_size": 256, "patience": 1}
    mapping = {**load_space("quick", tasks).to_mapping(), "training": training}
    return SearchSpace.from_mapping(mapping, tasks)


@pytest.fixture(scope="module")
def study(dataset: Dataset, space: SearchSpace, tmp_path_factory) -> Study:
    request = Request(
        data=dataset.name,
        task_flags=(),
        device="cpu",
        space=space.to_mapping(),
        space_name="quick",
        digest=dataset.digest,
        created="now",
        trainings=2,
        seeds=3,
        arms=("searched", "single_task"),
        engine="serial",
        runner="local",
        cohort=2,
    )
    study = Study.create(tmp_path_factory.mktemp("study") / "study", request, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "installed_references", lambda: NAMES)
        work(study, dataset, space, Observer())
    return study


@pytest.fixture(scope="module")
def exported(study: Study, dataset: Dataset, space: SearchSpace, tmp_path_factory):
    """The folder, its largest deviation and what predicts which task."""
    folder = tmp_path_factory.mktemp("export") / "model"
    done = export_from_study(study, dataset, space, Order(best_per_task=True), folder)
    sentences = done.notes[-len(dataset.tasks) :]
    return folder, done.deviation, sentences


def test_the_folder_predicts_what_the_study_keeps_of_the_better_models(
    exported, study: Study, dataset: Dataset, tmp_path: Path
) -> None:
    folder, deviation, sentences = exported
    assert deviation <= 1e-6
    choices = Analysis(study, dataset).reference_choices
    better = {name: choice.reference for name, choice in choices.items() if choice.result == "win"}
    assert better
    records = json.loads((folder / "references.json").read_text("utf-8"))
    for name, reference in better.items():
        assert [record["reference"] for record in records.pop(name)] == [reference] * 3
    assert not records
    readme = (folder / "README.md").read_text("utf-8")
    for task, sentence in zip(dataset.tasks, sentences, strict=True):
        expected = better.get(task.name, "the network")
        assert sentence.startswith(f"{task.name}: by {expected}")
    assert "`references.json`" in readme and "better by" in readme
    assert "scikit-learn and skops is enough" in readme
    assert f"scikit-learn=={version('scikit-learn')}" in (folder / "requirements.txt").read_text()
    source = dataset.sources["penguins"]
    test = source.splits.role == TEST
    source.inputs[test].to_csv(tmp_path / "rows.csv", index=False)
    predict_folder(folder, tmp_path / "rows.csv", tmp_path / "predicted.csv")
    table = pd.read_csv(tmp_path / "predicted.csv")
    if "body_mass_g" in better:
        [reference] = _named(study, dataset, better["body_mass_g"])
        kept = np.mean([fit.predictions["body_mass_g"] for fit in reference.fits], axis=0)
        np.testing.assert_allclose(table["body_mass_g"], kept, rtol=1e-9)


def _named(study: Study, dataset: Dataset, name: str) -> list[FittedReference]:
    references = Analysis(study, dataset).references
    return [reference for reference in references if reference.name == name]


def test_only_listed_types_are_made_of_a_file(exported, monkeypatch) -> None:
    folder, _, _ = exported
    import skops.io

    for file in (folder / "references").iterdir():
        assert set(skops.io.get_untrusted_types(file=file)) <= set(TRUSTED)
    names = [path.suffix for path in folder.rglob("*") if path.is_file()]
    assert not {".pkl", ".pickle", ".joblib"} & set(names)


def test_a_model_that_is_fitted_otherwise_today_is_not_handed_over(
    study: Study, dataset: Dataset, monkeypatch
) -> None:
    import torch

    data = TrainingData(dataset, study.request.seed, torch.device("cpu"))
    analysis = Analysis(study, dataset)
    handed = hand_over(analysis, data, [Replicate("confirmation", 0)])
    assert handed.references[0]
    kept = reference_models._kept_predictions

    def changed(*arguments):
        return kept(*arguments) + 0.01 * dataset.tasks[-1].unit

    monkeypatch.setattr(reference_models, "_kept_predictions", changed)
    with pytest.raises(ExportError, match="deviates"):
        hand_over(analysis, data, [Replicate("confirmation", 0)])


def test_where_no_reference_is_surely_better_the_network_predicts(
    study: Study, dataset: Dataset
) -> None:
    import torch

    data = TrainingData(dataset, study.request.seed, torch.device("cpu"))
    analysis = Analysis(study, dataset)
    choices = analysis.reference_choices.items()
    analysis.reference_choices = {name: replace(choice, result="tie") for name, choice in choices}
    handed = hand_over(analysis, data, [Replicate("confirmation", 0)])
    assert handed.references == [{}]
    assert all("by the network" in sentence for sentence in handed.sentences)


def test_references_are_compared_as_the_verdict_compares(study: Study, dataset: Dataset) -> None:
    analysis = Analysis(study, dataset)
    assert analysis.verdict is not None
    assert analysis.verdict.models == "ensemble"
    [linear] = _named(study, dataset, "linear")
    name = dataset.tasks[0].name
    members = [fit.predictions[name] for fit in linear.fits]
    networks = analysis._predictions[analysis.verdict.recommended].values()
    expected = []
    for models in (members, [network[name] for network in networks]):
        test = dataset.sources["penguins"].splits.role == TEST
        mean = np.mean(models, axis=0)
        expected.append(dataset.tasks[0].metric.score(dataset.targets[name][test], mean))
    gain = analysis.reference_comparisons["linear"].gains[name]
    ours, theirs = expected
    scale = analysis.test_scales.of_task[0]
    assert gain.mean == pytest.approx(scale.points(ours - theirs))
