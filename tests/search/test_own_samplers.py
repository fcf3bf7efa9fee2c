"""Samplers that a space names `module:Class`: the user's own, and Optuna's."""

from pathlib import Path

import pytest

from mtlsearch.backbones.plugins import Plugin, forget_plugins
from mtlsearch.errors import SpaceError, StudyError
from mtlsearch.search.own_samplers import find_sampler, own_sampler_of
from mtlsearch.space import SearchSpace, load_space
from tests.support.running_program import one_error_line, run_warm

OWN = """
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

class Downhill(RandomSampler):
    def sample_independent(self, study, trial, name, distribution):
        if name == "optimizer.learning_rate":
            known = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
            return distribution.low * 1.5 ** min(len(known), 3)
        return super().sample_independent(study, trial, name, distribution)

class Unseeded(Downhill):
    def __init__(self):
        super().__init__()

class Broken(RandomSampler):
    def sample_independent(self, study, trial, name, distribution):
        raise KeyError("no such thing")

class NoSampler:
    pass
"""
QMC = "optuna.samplers:QMCSampler"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "downhill.py").write_text(OWN, "utf-8")
    yield tmp_path
    forget_plugins()


def settings(folder, name="downhill:Downhill"):
    """Of a request whose space names a sampler."""
    sampler = find_sampler(name, [folder], "space: sampler")
    return {
        "sampler": name,
        "sampler_module": sampler.plugin.to_mapping(),
        "arms": ("searched",),
        "replicates": 1,
    }


@pytest.mark.parametrize("name", ["downhill:Downhill", QMC])
def test_a_resumed_study_tries_what_an_uninterrupted_one_does(bench, trace, folder, name):
    whole = bench.run("whole", **settings(folder, name))
    study = bench.create("stopped", **settings(folder, name))
    bench.go_on(study, 5)
    forget_plugins()  # as in another process
    study = bench.reopen(study)
    bench.go_on(study)
    assert trace(study) == trace(whole)
    rates = [trial.params["optimizer.learning_rate"] for trial in study.stored_trials("searched")]
    if name == QMC:
        assert len(set(rates)) == len(rates)
    else:
        assert rates[0] * 1.5**3 == pytest.approx(rates[5])


def test_the_controls_keep_their_sampler(bench, folder):
    study = bench.run(**{**settings(folder), "arms": ("searched", "random")})
    searched, control = (
        [trial.params["optimizer.learning_rate"] for trial in study.stored_trials(arm)]
        for arm in ("searched", "random")
    )
    assert len(set(searched)) == 2  # by the numbers of the trainings that a cohort knows
    assert len(set(control)) == len(control)


def test_a_module_that_has_changed_is_refused_only_where_it_is_needed(bench, folder):
    study = bench.create(**settings(folder))
    bench.go_on(study, 2)
    (folder / "downhill.py").write_text(OWN + "\n", "utf-8")
    study = bench.reopen(study)
    with pytest.raises(StudyError, match=r"downhill\.py has changed since the study was made"):
        bench.go_on(study)
    (folder / "downhill.py").write_text(OWN, "utf-8")
    bench.go_on(study)
    (folder / "downhill.py").unlink()
    assert bench.go_on(bench.reopen(study)).seen == []


def test_what_is_executed_is_said(folder):
    space = load_space("quick", 3)
    sampler = find_sampler("downhill:Downhill", [folder], "s")
    assert sampler.describe() == (
        f"sampler downhill:Downhill: {folder / 'downhill.py'} is executed"
    )
    sampler.rehearse(space, ["minimize"])
    assert "takes no seed" in find_sampler("downhill:Unseeded", [folder], "s").describe()
    assert "the installed optuna.samplers" in find_sampler(QMC, [folder], "s").describe()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere:Downhill", "nowhere.py is not found in"),
        ("downhill:Downhil", 'did you mean "Downhill"? Known: Broken, Downhill, RandomSampler'),
        ("downhill:NoSampler", "needs to derive from optuna.samplers.BaseSampler"),
        ("down hill:Downhill", "should be module:Class"),
        ("downhil", "Known: affinity, nsga2, nsga3, random, tpe; or module:Class"),
        ("downhill:Broken", "fails: KeyError: 'no such thing'"),
        ("optuna.samplers:CmaEsSampler", "fails: "),
        ("3", "my.yaml: sampler: found 3"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_line(folder, name, words):
    (folder / "my.yaml").write_text(f"sampler: {name}\n", "utf-8")
    refused = run_warm("search", "penguins", "--space", "my.yaml", "--study", "s", cwd=folder)
    assert refused.code == 3, refused.err
    assert words in one_error_line(refused)
    assert not (folder / "s").exists()


def test_a_sampler_that_fails_in_the_course_of_a_study_ends_it_in_a_line(bench, folder):
    request = settings(folder) | {"sampler": "downhill:Broken"}
    study = bench.create(**request)
    with pytest.raises(SpaceError, match="downhill:Broken fails: KeyError: 'no such thing'"):
        bench.go_on(study)
    log = (study.folder / "log.txt").read_text("utf-8")
    assert "in sample_independent" in log


def test_the_space_keeps_the_name_of_its_sampler():
    mapping = {**load_space("quick", 2).to_mapping(), "sampler": QMC}
    space = SearchSpace.from_mapping(mapping, 2)
    assert ("sampler", QMC) in space.parameters()
    assert SearchSpace.from_mapping(space.to_mapping(), 2).sampler == QMC
    assert "sampler" not in load_space("quick", 2).to_mapping()


def test_one_of_the_table_needs_no_module(bench):
    assert find_sampler("tpe", [Path()], "s") is None
    assert own_sampler_of(bench.request()) is None
    assert isinstance(find_sampler(QMC, [Path()], "s").plugin, Plugin)
