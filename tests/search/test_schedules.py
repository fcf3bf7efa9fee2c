"""What is trained next: affinities propose trees, names have their turns, seeds are fresh."""

import numpy as np
import pytest

from mtlsearch.candidate import Candidate
from mtlsearch.records import TrainingResult
from mtlsearch.search.schedules import SAME_SHAPE, ArmSchedule
from mtlsearch.sharing import SHARINGS
from mtlsearch.weightings import WEIGHTINGS

COHORT, REPLICATES = 24, 2
TASKS = ("species", "sex", "body_mass_g")


@pytest.fixture
def schedule_of(bench):
    """A search arm of a study whose trainings are not trained but told what they scored."""

    def make(name="study", sampler="affinity", space=None, **settings):
        space = space or bench.space()
        sizes = {"trainings": 96, "cohort": COHORT, "replicates": REPLICATES, **settings}
        study = bench.create(name, space, sampler=sampler, **sizes)
        return ArmSchedule(study, "searched", bench.dataset, space)

    return make


def told(schedule, score, until):
    """Go through the trainings; `score(candidate, replicate)` is what each task scores, None: it
    fails.
    """
    seen = []
    for number in range(until):
        job = schedule.job(number)
        stored = schedule._ledger.stored[number]
        candidate = Candidate.from_json(stored.user_attrs["candidate"])
        index = job.replicate.index
        found = score(candidate, index)
        scores = dict(zip(TASKS, found or (), strict=False))
        failure = None if found else "not finite"
        schedule.finish(TrainingResult(number, scores, 10, 10, [1], [[1.0]], 0.1, failure))
        seen.append((candidate, index))
    return seen


def helped(candidate, replicate):
    """Tasks 0 and 1 help each other, task 2 harms both; and replicates differ more than candidates
    do.
    """
    rate = round(1e9 * candidate.optimizer.learning_rate)
    random = np.random.default_rng([replicate, candidate.backbone.width, rate])
    hardness = 0.05 * np.random.default_rng(replicate).normal()
    level = np.full(3, 0.8) + hardness + 0.01 * random.normal(size=3)
    for nodes in candidate.tree.levels:
        for node in nodes:
            level[:2] += 0.02 * ({0, 1} <= set(node))
            level[0] -= 0.02 * ({0, 2} <= set(node))
            level[1] -= 0.02 * ({1, 2} <= set(node))
    return level.tolist()


def together(candidate):
    """On how many levels tasks 0 and 1 share without task 2."""
    nodes = [set(node) for level in candidate.tree.levels for node in level]
    return sum({0, 1} <= node and 2 not in node for node in nodes)


def test_every_other_candidate_after_the_first_cohort_has_the_tree_that_the_affinities_propose(
    schedule_of,
):
    proposed, others = [], []
    for seed in range(3):
        seen = told(schedule_of(str(seed), seed=seed), helped, 2 * COHORT)
        later = [candidate for candidate, _ in seen[COHORT::REPLICATES]]
        proposed += later[1::2]
        others += later[::2]
    depth = proposed[0].tree.depth
    assert np.mean([together(candidate) for candidate in proposed]) > 0.8 * depth
    assert np.mean([together(candidate) for candidate in others]) < 0.8 * depth


@pytest.mark.parametrize("cohort", [4, 24])
def test_each_name_of_the_space_is_tried_once_before_any_is_chosen_by_what_is_known(
    bench, schedule_of, cohort
):
    groups = {"weighting": [*WEIGHTINGS], "sharing": [*SHARINGS], "backbone": ["mlp", "residual"]}
    choices = {}
    for group, names in groups.items():
        choices[group] = {"choice": [{"name": name} for name in names]}
    schedule = schedule_of(space=bench.space(**choices), cohort=cohort, replicates=1)
    candidates = [candidate for candidate, _ in told(schedule, helped, 24)]

    turns = {}
    for group in groups:
        turns[group] = [candidate.setting_name(group) for candidate in candidates]
    turns["backbone"] = turns["backbone"][::SAME_SHAPE]
    for group, names in groups.items():
        assert sorted(turns[group][: len(names)]) == sorted(names)
    assert turns["weighting"][: len(WEIGHTINGS)] != [*WEIGHTINGS]

    acting = {"none"}
    for candidate in candidates[: len(SHARINGS)]:
        if candidate.soft_shared_levels:
            acting.add(candidate.setting_name("sharing"))
    assert acting == {*SHARINGS}


def test_samplers_without_a_model_propose_all_trees_themselves(schedule_of):
    seen = told(schedule_of(sampler="random"), helped, 3 * COHORT)
    assert len({candidate.key for candidate, _ in seen}) > 30
    assert [replicate for _, replicate in seen] == [
        number - number % COHORT + number % REPLICATES for number in range(3 * COHORT)
    ]


def test_where_all_fails_the_search_goes_on(schedule_of):
    seen = told(schedule_of(), lambda candidate, replicate: None, 3 * COHORT)
    assert len({candidate.key for candidate, _ in seen}) > 30


def test_the_same_scores_lead_to_the_same_trainings(schedule_of):
    first = told(schedule_of("one"), helped, 4 * COHORT)
    second = told(schedule_of("two"), helped, 4 * COHORT)
    assert first == second
