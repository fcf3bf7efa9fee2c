"""The greedy ensemble of a study: chosen without a look at test rows, scored on them, kept."""

import dataclasses
import shutil

import numpy as np
import pytest

from mtlsearch.data import TEST, VALIDATION
from mtlsearch.errors import StudyError
from mtlsearch.evidence.comparison import Comparison
from mtlsearch.evidence.ensemble import Ensemble
from mtlsearch.report.build import build_report
from mtlsearch.report.greedy_ensemble import greedy_sentence
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.greedy_ensemble import ConfirmedModel, add_greedy_ensemble, choose_greedily
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace

ARMS = ("searched", "single_task", "share_all")
SETTINGS = {"trainings": 2, "seeds": 2, "arms": ARMS, "cohort": 2}
REFERENCE = "single_task"


@pytest.fixture(scope="module")
def bench(tmp_path_factory, penguins, bench_at):
    return bench_at(tmp_path_factory.mktemp("greedy"), penguins)


@pytest.fixture(scope="module")
def finished(bench):
    """A finished study that asked for a greedy ensemble."""
    return bench.run(greedy_ensemble=True, **SETTINGS)


def copy_of(study, folder, name):
    shutil.copytree(study.folder, folder / name)
    return Study.open(folder / name)


def with_shuffled_labels(dataset, role):
    """The dataset with the labels of the rows of a role in another order."""
    draw = np.random.default_rng(0)
    [source] = dataset.sources.values()
    rows = np.flatnonzero(source.splits.role == role)
    targets = {}
    for name, values in dataset.targets.items():
        shuffled = values.copy()
        shuffled[rows] = values[draw.permutation(rows)]
        targets[name] = shuffled
    return dataclasses.replace(dataset, targets=targets)


def models_of(study):
    analysis_models = []
    for pick in study.picks():
        seeds = {}
        for seed in range(SETTINGS["seeds"]):
            path = study.folder / f"confirmed/{pick.arm}-{SETTINGS['trainings']}-{seed}.safetensors"
            seeds[seed] = path.read_bytes()
        analysis_models.append(ConfirmedModel(pick.arm, pick.composition, seeds))
    return analysis_models


def choice_on(study, dataset):
    choice = choose_greedily(models_of(study), dataset, study.request.seed, "searched")
    return choice.counts, choice.validation_gain


def test_test_labels_change_nothing_in_what_is_chosen(finished, penguins):
    known = choice_on(finished, penguins)
    assert known[0] == finished.greedy_choice.counts
    assert choice_on(finished, with_shuffled_labels(penguins, TEST)) == known
    assert choice_on(finished, with_shuffled_labels(penguins, VALIDATION)) != known


def test_it_is_scored_as_the_weighted_mean_of_all_of_its_models(finished, penguins):
    greedy = Analysis(finished, penguins).greedy_ensemble
    assert isinstance(greedy.ensemble, Ensemble)
    assert isinstance(greedy.comparison, Comparison)
    choice = greedy.choice
    role = penguins.sources["penguins"].splits.role
    for number, task in enumerate(penguins.tasks):
        mean = 0.0
        for arm, weight in choice.weights.items():
            for seed in choice.seeds:
                path = finished.folder / f"confirmed/{arm}-{SETTINGS['trainings']}-{seed}.npz"
                mean = mean + weight / len(choice.seeds) * np.load(path)[f"prediction_{number}"]
        score = task.metric.score(penguins.targets[task.name][role == TEST], mean)
        assert greedy.ensemble.scores[task.name].mean == pytest.approx(score)
    assert choice.networks == len(choice.counts) * 2
    assert greedy.comparison.seeds == 2


def test_the_report_says_what_it_is_made_of(finished, penguins):
    space = SearchSpace.from_mapping(finished.request.space, len(penguins.tasks))
    report = build_report(finished, penguins, space)
    greedy = report.greedy_ensemble
    assert {member.arm: member.count for member in greedy.members} == finished.greedy_choice.counts
    assert sum(member.weight for member in greedy.members) == pytest.approx(1.0)
    assert greedy.tasks.keys() == {task.name for task in penguins.tasks}
    assert greedy.gain is not None
    assert f"{greedy.networks} models to deploy" in greedy_sentence(report)


def test_a_finished_study_gets_one_afterwards_and_keeps_it(finished, penguins, tmp_path):
    study = copy_of(finished, tmp_path, "plain")
    study._root.set_user_attr("greedy_ensemble@2", None)
    assert Study.open(study.folder).greedy_choice is None
    assert Analysis(study, penguins).greedy_ensemble is None
    add_greedy_ensemble(study, penguins, REFERENCE)
    kept = Study.open(study.folder).greedy_choice
    assert kept.counts == finished.greedy_choice.counts
    shutil.rmtree(study.folder / "confirmed")
    add_greedy_ensemble(study, penguins, REFERENCE)  # it is not chosen again
    assert study.greedy_choice == kept


def test_an_unfinished_study_is_refused(bench, penguins):
    study = bench.create("unfinished", **SETTINGS)
    with pytest.raises(StudyError, match=r"not all models are confirmed yet.*resume"):
        add_greedy_ensemble(study, penguins, REFERENCE)


def test_models_that_lack_a_seed_or_are_the_same_are_left_out_and_said(finished, penguins):
    first, second, third = models_of(finished)
    lacking = dataclasses.replace(second, weights={0: second.weights[0]})
    same = dataclasses.replace(first, arm="again")
    choice = choose_greedily([first, lacking, third, same], penguins, 0, REFERENCE)
    assert choice.left_out["single_task"] == "it has no model of seed 1"
    assert choice.left_out["again"] == "it is the model of searched"
    assert choice.reference == "searched"
    assert not {"single_task", "again"} & choice.counts.keys()
