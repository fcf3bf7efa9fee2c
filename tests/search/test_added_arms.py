"""Arms that are added to a finished study: they try what they would have, and all are confirmed."""

import pytest

from mtlsearch.errors import UsageError
from mtlsearch.search.extension import Extension


def test_an_added_arm_leaves_what_was_trained_and_is_confirmed_beside_the_others(bench, trace):
    settings = {"trainings": 2, "cohort": 2}
    study = bench.run(arms=("single_task",), **settings)
    before = trace(study)
    first = study.confirmation
    Extension(arms=("share_all", "single_task")).apply(study, bench.dataset)
    study = bench.reopen(study)
    assert study.request.arms == ("single_task", "share_all")
    assert study.confirmation != first
    assert study.picks() == []
    watch = bench.go_on(study)
    assert {arm for arm, _ in watch.seen} == {"share_all", study.confirmation}
    after = trace(study)
    assert after["single_task"] == before["single_task"]
    assert [pick.arm for pick in study.picks()] == ["single_task", "share_all"]
    whole = bench.run("whole", arms=("single_task", "share_all"), **settings)
    assert trace(whole)["share_all"] == after["share_all"]
    bench.go_on(bench.reopen(study))
    assert trace(bench.reopen(study)) == after


def test_epochs_are_refused_with_the_way_out(bench):
    study = bench.create()
    with pytest.raises(UsageError, match="search penguins --epochs 20"):
        study.refuse_epochs(20)
    with pytest.raises(UsageError, match='did you mean "share_all"'):
        study.add_arms(("share_al",))
    assert bench.reopen(study).request.added_arms == ()
