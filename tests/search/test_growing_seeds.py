"""Seeds that are added to a confirmation: the same however it is interrupted, and only appended."""

from dataclasses import replace

import pytest
from optuna.trial import TrialState, create_trial

from mtlsearch.data.planted import Teacher, planted
from mtlsearch.errors import StudyError
from mtlsearch.evidence.interval import Interval
from mtlsearch.evidence.selection import Pick
from mtlsearch.evidence.sequential import INTERIM, LAST
from mtlsearch.search.advice import advise
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.forecast import Costs
from mtlsearch.search.greedy_choice import GreedyChoice
from mtlsearch.search.ledger import ARM, REPLICATE, Ledger
from mtlsearch.search.schedules import ConfirmationSchedule
from mtlsearch.search.status import StudyStatus
from mtlsearch.structure.tree import SharingTree

ARMS = ("share_all", "single_task")
SETTINGS = {"trainings": 1, "replicates": 1, "arms": ARMS, "cohort": 4}
SEARCHED = 2  # trainings before the confirmation


@pytest.fixture(scope="module")
def noisy(tmp_path_factory, bench_at):
    """A bench with few rows to learn from and many test rows: seeds decide what is measured."""
    teacher = Teacher(SharingTree.separate(2, 1))
    dataset = planted(teacher, rows=40, test_rows=200)
    return bench_at(tmp_path_factory.mktemp("noisy"), dataset)


@pytest.fixture(scope="module")
def grown(noisy):
    """A study whose confirmation took more seeds than it began with."""
    return noisy.run("grown", seeds="auto", **SETTINGS)


@pytest.fixture(scope="module")
def open_study(noisy):
    """A study of two seeds, which leave the answer open."""
    return noisy.run("open", seeds=2, **SETTINGS)


def numbered(study):
    """The arm and the seed of every training of the confirmation, in order."""
    trials = study.stored_trials(study.confirmation)
    return [(trial.user_attrs[ARM], trial.user_attrs[REPLICATE]) for trial in trials]


def test_a_confirmation_grows_in_blocks_of_all_picks(noisy, grown):
    seeds = grown.seeds
    assert seeds > 5
    assert grown.seed_plan.looks == tuple(range(5, seeds + 1, 5))
    expected = []
    for first in range(0, seeds, 5):
        for arm in ARMS:
            expected += [(arm, seed) for seed in range(first, first + 5)]
    assert numbered(grown) == expected
    assert StudyStatus.of(grown).finished
    analysis = Analysis(grown, noisy.dataset)
    for model in analysis.confirmed:
        assert list(model.by_seed) == list(range(seeds))
    assert analysis.confidence in (INTERIM, LAST)
    assert analysis.comparisons["share_all"].confidence == analysis.confidence
    assert analysis.added_seconds > 0


def test_an_interrupted_one_comes_to_the_same(noisy, grown, trace):
    """Once with all of the first seeds trained but not looked at, once among the later ones."""
    study = noisy.create("interrupted", seeds="auto", **SETTINGS)
    noisy.go_on(study, SEARCHED + 10)
    study = noisy.reopen(study)
    assert (study.seed_plan.looks, study.seed_plan.ending) == ((5,), None)
    assert not StudyStatus.of(study).finished
    noisy.go_on(study, 3)
    study = noisy.reopen(study)
    assert study.seed_plan.looks == (5, 10)
    noisy.go_on(study)
    assert trace(study) == trace(grown)
    assert study.seed_plan == grown.seed_plan


def test_a_number_is_raised_and_never_lowered(noisy, open_study, trace):
    study = noisy.run("raised", seeds=1, **SETTINGS)
    with pytest.raises(StudyError, match="--seeds: found 0; the study already has 1 and only gr"):
        study.extend(seeds=0)
    before = numbered(study)
    study.extend(seeds=2)
    study = noisy.reopen(study)
    noisy.go_on(study)
    assert (study.request.seeds, study.seed_plan.looks) == (2, (1, 2))
    assert numbered(study) == before + [(arm, 1) for arm in ARMS]
    analysis = Analysis(study, noisy.dataset)
    whole = Analysis(open_study, noisy.dataset)
    assert analysis.confidence == LAST
    assert analysis.standing_gain == whole.standing_gain
    assert analysis.verdict.decision == "cannot tell"


def test_one_that_an_earlier_version_began_arm_by_arm_goes_on(bench):
    """What is begun keeps its number; what is missing follows, and what is raised after it."""
    study = bench.create(seeds=7, arms=ARMS)
    composition = bench.candidate(bench.space()).composition()
    study.set_picks([Pick(arm, 0, composition, 0.0) for arm in ARMS])
    arm_by_arm = [(arm, seed) for arm in ARMS for seed in range(7)]
    ledger = Ledger(study.confirmation, study.arm(study.confirmation))
    for arm, seed in arm_by_arm[:9]:
        attributes = {ARM: arm, REPLICATE: seed}
        ledger.enter(create_trial(state=TrialState.RUNNING, user_attrs=attributes))
    study = bench.reopen(study)
    assert study.seed_plan.ending == "asked"
    assert _all_jobs(study) == arm_by_arm
    study.extend(seeds=8)
    assert _all_jobs(study) == [*arm_by_arm, *((arm, 7) for arm in ARMS)]


def _all_jobs(study):
    """Enter all trainings of a confirmation, and return the arm and the seed of each."""
    schedule = ConfirmationSchedule(study, study.picks())
    seeds = [schedule.job(number).replicate.index for number in range(schedule.total)]
    assert seeds == [seed for _, seed in numbered(study)]
    return numbered(study)


def test_a_greedy_ensemble_of_fewer_seeds_is_chosen_anew(bench):
    study = bench.create(seeds=2, arms=ARMS)
    choice = GreedyChoice({ARMS[0]: 1}, (0, 1), 0.0, ARMS[0], {}, 0.0)
    study.set_greedy_choice(choice)
    study.extend(seeds=2)
    assert study.greedy_choice == choice
    study.extend(seeds=3)
    study = bench.reopen(study)
    assert study.greedy_choice is None
    assert study.request.greedy_ensemble


def test_more_seeds_are_advised_where_they_are_the_larger_part(noisy, open_study):
    analysis = Analysis(open_study, noisy.dataset)
    [advice] = advise(analysis)
    assert advice.command == f"mtlsearch resume {open_study.folder} --seeds 20"
    workload = Costs.of(open_study).workload
    share = workload.confirmation / (workload.search + workload.confirmation)
    assert advice.minutes == pytest.approx(open_study.wall_seconds / 60 * share * 18 / 2)


def test_more_rows_are_advised_where_they_are_the_larger_part(noisy, open_study):
    analysis = Analysis(open_study, noisy.dataset)
    rows_larger = Interval(0.0, -1.0, 1.0, seed_variance=1.0, row_variance=2.0)
    analysis.standing_gain = rows_larger
    [advice] = advise(analysis)
    assert advice.command.endswith("--outer-folds 5")
    assert advice.why.endswith("17% of all rows never were any")
    assert advice.minutes == pytest.approx(5 * open_study.wall_seconds / 60)
    random = Analysis(open_study, divided_at_random(noisy.dataset))
    random.standing_gain = rows_larger
    assert advise(random) == []  # so many test rows can be no fifth of all


def divided_at_random(dataset):
    """The same dataset with test rows that are not the user's own."""
    sources = {}
    for name, source in dataset.sources.items():
        sources[name] = replace(source, splits=replace(source.splits, by_column=False))
    return replace(dataset, sources=sources)


def test_more_trainings_are_advised_where_the_last_ones_found_something_better(noisy, open_study):
    analysis = Analysis(open_study, noisy.dataset)
    [early] = analysis.candidates["single_task"]
    estimates = {}
    for task in noisy.dataset.tasks:
        score = early.estimates[task.name]
        estimates[task.name] = score + task.metric.sign * 0.1 * abs(score)
    candidates = [early, replace(early, number=1), replace(early, number=2, estimates=estimates)]
    analysis.candidates = {**analysis.candidates, "single_task": candidates}
    _, advice = advise(analysis)
    assert advice.command == f"mtlsearch resume {open_study.folder} --trainings 2"
    assert advice.why == "single_task was still improving when the budget ended"
    assert advice.minutes == pytest.approx(open_study.wall_seconds / 60)


def test_where_the_answer_is_clear_nothing_is_advised(noisy, grown):
    analysis = Analysis(grown, noisy.dataset)
    assert analysis.verdict.claim != "cannot tell"
    assert advise(analysis) == []
