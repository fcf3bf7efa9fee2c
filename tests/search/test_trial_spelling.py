"""What Optuna's own tools read of a study, and that samplers see nothing of it."""

import textwrap
from itertools import takewhile

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution

from mtlsearch.search.ledger import Ledger, is_recorded, result_of
from mtlsearch.search.objectives import directions
from mtlsearch.search.proposal import propose
from mtlsearch.search.trial_spelling import TrialSpelling
from tests.support.running_program import ROOT

TREE = {"sex shares with", "sex shared levels", "body_mass_g shares with"}


def test_trials_come_back_from_the_storage_as_they_went(bench):
    space = bench.space()
    spelling = TrialSpelling([task.name for task in bench.dataset.tasks], [])
    for seed in range(5):
        _, trial = propose(space, "random", seed, [], ["minimize"])
        stored = spelling.stored(trial)
        assert stored.params.keys() >= TREE
        assert not [name for name in stored.params if name.startswith(("host", "split"))]
        assert spelling.restored(stored) == trial
        assert list(spelling.restored(stored).params) == list(trial.params)
        host = stored.distributions["body_mass_g shares with"]
        assert host == CategoricalDistribution(("species", "sex"))
        assert trial.distributions["host_2"] == IntDistribution(0, 1)


def example(page, heading):
    """The code below a heading of a page."""
    below = (ROOT / "docs" / page).read_text("utf-8").partition(f"## {heading}\n\n")[2]
    lines = takewhile(lambda line: not line or line.startswith("    "), below.splitlines())
    return textwrap.dedent("\n".join(lines))


def test_optuna_s_tools_find_names_and_importances(bench, tmp_path, monkeypatch, capsys):
    study = bench.run("studies/visits", trainings=8, replicates=1, arms=("searched", "single_task"))
    monkeypatch.chdir(tmp_path)
    exec(example("optuna.md", "Importances"), {})
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(bench.dataset.tasks)
    assert printed[2].startswith("body_mass_g (r2) {")
    assert "sex shared levels" in printed[2]

    loaded = optuna.load_study(
        study_name=f"{study.name}/searched", storage=f"sqlite:///{study.folder / 'study.db'}"
    )
    assert loaded.metric_names == ["species (accuracy)", "sex (roc_auc)", "body_mass_g (r2)"]
    first = loaded.trials[0]
    result = first.user_attrs["result"]
    assert first.user_attrs["validation scores"] == result["scores"]
    assert first.user_attrs["seconds"] == pytest.approx(result["train_seconds"], abs=0.01)
    assert "species" in first.user_attrs["tree"]
    assert first.params["sex shares with"] == "species"
    alone = optuna.importance.get_param_importances(
        study.arm("single_task"),
        evaluator=optuna.importance.MeanDecreaseImpurityImportanceEvaluator(seed=0),
        target=lambda trial: trial.values[2],
    )
    assert alone == {"optimizer.learning_rate": pytest.approx(1.0)}


def test_a_study_of_an_earlier_version_goes_on_as_it_would_have(bench, trace):
    settings = {"trainings": 12, "replicates": 1, "arms": ("searched",)}
    whole = bench.run("whole", **settings)
    old = bench.create("old", **settings)
    ways = directions(bench.dataset, "none")
    tasks = [task.name for task in bench.dataset.tasks]
    new = Ledger("searched", whole.arm("searched"), tasks)
    ledger = Ledger("searched", old.arm("searched", ways))  # which knows no tasks
    for trial in new.stored[:8]:
        assert is_recorded(trial)
        bare = propose(bench.space(), "random", 0, [], ways)[1]
        bare.params, bare.distributions = trial.params, trial.distributions
        bare.system_attrs = trial.system_attrs
        names = ("candidate", "replicate")
        bare.user_attrs = {name: trial.user_attrs[name] for name in names}
        ledger.enter(bare)
        stored = whole.stored_trials("searched")[trial.number]  # with the history of its epochs
        ledger.record(result_of(stored), trial.values)
    old.set_engine(whole.engine)
    old = bench.reopen(old)
    bench.go_on(old)
    assert trace(old) == trace(whole)
    names = {name for trial in old.stored_trials("searched") for name in trial.params}
    assert "host_1" in names
    assert not names & TREE
