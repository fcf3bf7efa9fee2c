"""What an arm trains next: affinities propose trees, and every third cohort gives the best candidates more replicates."""

import numpy as np
import pytest

from mtlsearch.candidate import Candidate
from mtlsearch.records import TrainingResult
from mtlsearch.search.schedules import KIN, RACE, ArmSchedule
from mtlsearch.sharing import SHARINGS
from mtlsearch.weightings import WEIGHTINGS

COHORT, REPLICATES = 24, 2


@pytest.fixture
def line_of(bench):
    """A search arm of a study whose trainings are not trained but told what they scored."""

    def make(name="study", sampler="affinity", space=None, **settings):
        space, sizes = (
            space or bench.space(),
            {"trainings": 96, "cohort": COHORT, "replicates": REPLICATES, **settings},
        )
        study = bench.create(name, space, sampler=sampler, **sizes)
        return ArmSchedule(study, "searched", bench.dataset, space)

    return make


def told(line, score, until):
    """Go through the trainings; `score(candidate, replicate)` is what each of the three tasks scores, None: it fails."""
    seen = []
    for number in range(until):
        training = line.training(number)
        candidate = Candidate.from_json(line._ledger.trials[number].user_attrs["candidate"])
        found = score(candidate, training.replicate)
        scores = dict(zip(("species", "sex", "body_mass_g"), found or (), strict=False))
        line.finish(
            TrainingResult(
                number, scores, {}, 10, 10, [1], [[1.0]], 0.1, None if found else "not finite"
            )
        )
        seen.append((candidate, training.replicate))
    return seen


def helped(candidate, replicate):
    """Tasks 0 and 1 help each other, task 2 harms both; and replicates differ more than candidates do."""
    random = np.random.default_rng(
        [replicate, candidate.backbone.width, round(1e9 * candidate.optimizer.learning_rate)]
    )
    level = (
        np.full(3, 0.8)
        + 0.05 * np.random.default_rng(replicate).normal()
        + 0.01 * random.normal(size=3)
    )
    for nodes in candidate.tree.levels:
        for node in nodes:
            level[:2] += 0.02 * ({0, 1} <= set(node)) - 0.02 * np.array(
                [{0, 2} <= set(node), {1, 2} <= set(node)]
            )
    return level.tolist()


def together(candidate):
    return sum(
        {0, 1} <= set(node) and 2 not in node for nodes in candidate.tree.levels for node in nodes
    )


def test_every_other_candidate_after_the_first_cohort_has_the_tree_that_the_affinities_propose(
    line_of,
):
    proposed, others = [], []
    for seed in range(3):
        later = [
            candidate
            for candidate, _ in told(line_of(str(seed), seed=seed), helped, 2 * COHORT)[
                COHORT::REPLICATES
            ]
        ]
        proposed += later[1::2]
        others += later[::2]
    depth = proposed[0].tree.depth
    assert np.mean([together(each) for each in proposed]) > 0.8 * depth
    assert np.mean([together(each) for each in others]) < 0.8 * depth


@pytest.mark.parametrize("cohort", [4, 24])
def test_each_name_of_the_space_is_tried_once_before_any_is_chosen_by_what_is_known(
    bench, line_of, cohort
):
    """Also where the third cohort, of replicates, comes before there were as many candidates as names."""
    parts = {"weighting": [*WEIGHTINGS], "sharing": [*SHARINGS], "backbone": ["mlp", "residual"]}
    space = bench.space(
        **{part: {"choice": [{"name": name} for name in names]} for part, names in parts.items()}
    )
    line, turns, tied = (
        line_of(space=space, cohort=cohort, replicates=1),
        {part: [] for part in parts},
        {"none"},
    )
    for number, (candidate, _) in enumerate(told(line, helped, 24)):
        if number // cohort % RACE < RACE - 1:
            for part, names in turns.items():
                names.append(candidate.named(part))
            tied |= (
                {candidate.named("sharing")}
                if candidate.tied and len(turns["sharing"]) <= len(SHARINGS)
                else set()
            )
    turns["backbone"] = turns["backbone"][::KIN]
    for part, names in parts.items():
        assert sorted(turns[part][: len(names)]) == sorted(names)
    assert turns["weighting"][: len(WEIGHTINGS)] != [*WEIGHTINGS]
    assert tied == {*SHARINGS}


def test_samplers_without_a_model_propose_all_trees_themselves_and_do_not_race(line_of):
    seen = told(line_of(sampler="random"), helped, 3 * COHORT)
    assert len({candidate.key for candidate, _ in seen}) > 30
    assert [replicate for _, replicate in seen] == [
        number - number % COHORT + number % REPLICATES for number in range(3 * COHORT)
    ]


def test_the_third_cohort_replicates_the_best_on_rows_that_none_of_them_has_seen(line_of):
    seen = told(line_of(), helped, RACE * COHORT)
    before, raced = seen[: 2 * COHORT], seen[2 * COHORT :]
    replicates = {}
    for candidate, replicate in raced:
        replicates.setdefault(candidate, []).append(replicate)
    assert 2 <= len(replicates) <= 5
    assert len({tuple(own) for own in replicates.values()}) == 1  # all on the same ones
    assert not {replicate for _, replicate in raced} & {replicate for _, replicate in before}
    depth = before[0][0].tree.depth
    assert np.mean([together(each) for each in replicates]) > np.mean(
        [together(each) for each, _ in before]
    )
    assert max(together(each) for each in replicates) == depth


def test_a_candidate_that_failed_gets_no_more_replicates(line_of):
    def score(candidate, replicate):
        return None if together(candidate) and replicate % 2 else helped(candidate, replicate)

    seen = told(line_of(), score, RACE * COHORT)
    failed = {
        candidate
        for candidate, replicate in seen[: 2 * COHORT]
        if together(candidate) and replicate % 2
    }
    assert failed
    assert not failed & {candidate for candidate, _ in seen[2 * COHORT :]}


def test_where_all_fails_the_search_goes_on(line_of):
    seen = told(line_of(), lambda candidate, replicate: None, RACE * COHORT)
    assert len({candidate.key for candidate, _ in seen}) > 30


def test_the_same_scores_lead_to_the_same_trainings(line_of):
    first, second = (told(line_of(name), helped, 4 * COHORT) for name in ("one", "two"))
    assert first == second
