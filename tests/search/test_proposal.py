"""Proposals are pure functions of the seed and the history."""

import numpy as np
import pytest
from optuna.trial import TrialState, create_trial

from mtlsearch.search.proposal import MOST_OBJECTIVES, propose, shape_parameters
from mtlsearch.search.samplers import SAMPLERS
from mtlsearch.space import SearchSpace, load_space

SPACE = load_space("default", 4)


def history(sampler, rows, objectives, failed=0):
    """Finished trials that the sampler itself proposed (it marks them with their generation), with
    random values.
    """
    rng, trials, directions = np.random.default_rng(0), [], ["minimize"] * objectives
    for number in range(rows):
        _, asked = propose(SPACE, sampler, number, trials, directions)
        spelled = {
            "params": asked.params,
            "distributions": asked.distributions,
            "system_attrs": asked.system_attrs,
        }
        end = (
            {"state": TrialState.FAIL}
            if number < failed
            else {"values": rng.random(objectives).tolist()}
        )
        trials.append(create_trial(**spelled, **end))
    return trials


def valued(trials, values):
    return [
        create_trial(
            params=t.params,
            distributions=t.distributions,
            system_attrs=t.system_attrs,
            values=list(row),
        )
        for t, row in zip(trials, values, strict=True)
    ]


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
@pytest.mark.parametrize("objectives", [2, MOST_OBJECTIVES + 1])
def test_the_same_seed_and_history_give_the_same_candidate(sampler, objectives):
    known, directions = history(sampler, 20, objectives, failed=2), ["minimize"] * objectives
    first, again = (
        [propose(SPACE, sampler, seed, known, directions)[0] for seed in range(4)] for _ in range(2)
    )
    assert first == again
    assert len(set(first)) > 2


@pytest.mark.parametrize("objectives", [2, MOST_OBJECTIVES + 1])
@pytest.mark.parametrize("sampler", ["affinity", "tpe", "nsga2", "nsga3"])
def test_a_sampler_that_learns_minds_what_is_known(sampler, objectives):
    known, directions = history(sampler, 17, objectives), ["minimize"] * objectives
    mirrored = valued(known, [[-value for value in trial.values] for trial in known])
    proposals = [
        [propose(SPACE, sampler, seed, rows, directions)[0] for seed in range(6)]
        for rows in (known, mirrored)
    ]
    assert proposals[0] != proposals[1]


def test_the_proposal_leaves_the_history_as_it_was():
    known = history("tpe", 12, 2)
    before = [(trial.number, trial.params, trial.values, trial.state) for trial in known]
    propose(SPACE, "tpe", 0, known, ["minimize"] * 2)
    assert [(trial.number, trial.params, trial.values, trial.state) for trial in known] == before


def test_the_running_trial_spells_the_candidate():
    candidate, running = propose(SPACE, "tpe", 5, [], ["minimize"] * 2)
    assert running.state == TrialState.RUNNING
    assert running.params["host_3"] in range(3)
    assert running.params["backbone"] in ("mlp", "residual")
    assert candidate.optimizer.learning_rate == running.params["optimizer.learning_rate"]
    assert (
        candidate.backbone.width == running.params[f"backbone.{running.params['backbone']}.width"]
    )


def ranked(known, signs):
    """The history with the mean rank (1: best) as the only value, ties sharing their mean rank."""
    values = np.array([trial.values for trial in known]) * signs
    ranks = np.array(
        [
            [(column < x).sum() + ((column == x).sum() + 1) / 2 for x in column]
            for column in values.T
        ]
    ).T
    return valued(known, ranks.mean(axis=1, keepdims=True))


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_many_objectives_become_the_mean_of_their_ranks(sampler):
    known = history(sampler, 17, 7)
    known = valued(known, np.round([trial.values for trial in known], 1))
    directions = ["minimize", "maximize"] * 3 + ["maximize"]
    signs = np.array([1.0 if direction == "minimize" else -1.0 for direction in directions])
    found, expected, upside_down = (
        [propose(SPACE, sampler, seed, rows, way)[0] for seed in range(4)]
        for rows, way in (
            (known, directions),
            (ranked(known, signs), ["minimize"]),
            (ranked(known, -signs), ["minimize"]),
        )
    )
    assert found == expected
    assert found != upside_down


def test_many_objectives_without_a_finished_training():
    failed, directions = history("tpe", 3, 7, failed=3), ["minimize"] * 7
    assert (
        propose(SPACE, "tpe", 0, failed, directions)[0]
        == propose(SPACE, "tpe", 0, [], directions)[0]
    )


def test_a_candidate_takes_its_shape_from_another_and_nothing_else():
    space, directions = load_space("default", 3), ["minimize"] * 3
    _, first = propose(space, "tpe", 0, [], directions)
    kin = [
        propose(space, "tpe", seed, [], directions, shape_parameters(first))[0]
        for seed in range(1, 9)
    ]
    strangers = [propose(space, "tpe", seed, [], directions)[0] for seed in range(1, 9)]

    def shapes(candidates):
        return {(type(each.backbone), each.backbone.width) for each in candidates}

    assert len(shapes(kin)) == 1 and len(shapes(strangers)) > 2
    for setting in (
        lambda each: each.backbone.dropout,
        lambda each: each.optimizer.learning_rate,
        lambda each: each.tree,
    ):
        assert len({setting(each) for each in kin}) > 4


def test_a_candidate_takes_the_rows_of_a_step_from_another():
    mapping = {"optimizer": {"batch_size": {"choice": [32, 64, 128]}}}
    space, directions = SearchSpace.from_mapping(mapping, 3), ["minimize"] * 3
    _, first = propose(space, "random", 0, [], directions)
    kin, strangers = set(), set()
    for seed in range(1, 9):
        alike, _ = propose(space, "random", seed, [], directions, shape_parameters(first))
        other, _ = propose(space, "random", seed, [], directions)
        kin.add(alike.optimizer.batch_size)
        strangers.add(other.optimizer.batch_size)
    assert kin == {first.params["optimizer.batch_size"]}
    assert len(strangers) > 1
