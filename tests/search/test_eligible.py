"""What an arm may pick: all that lies in its space, by the trainings of all arms."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mtlsearch.candidate import Candidate
from mtlsearch.initializations import Random
from mtlsearch.records import Replicate, TrainingResult, Trial
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.arms import ARMS, USUAL
from mtlsearch.search.proposal import propose
from mtlsearch.sharing import L2Sharing, NoSharing
from mtlsearch.space import SearchSpace, load_space
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import Fixed, Uncertainty

TASKS = 3
NAMES = ("species", "sex", "body_mass_g")
PER_ARM = 16
HELPS = np.array([[0, 0.1, -0.1], [0.1, 0, -0.1], [-0.1, -0.1, 0]])  # of row from column


@pytest.fixture(scope="module")
def space():
    mapping = load_space("default", TASKS).to_mapping()
    mapping["tree"] = {"levels": 2}
    mapping["weighting"] = {"name": "fixed", "weights": {"log": [0.1, 10]}}
    return SearchSpace.from_mapping(mapping, TASKS)


def drawn(space, arm, seed):
    candidate, _ = propose(ARMS[arm].restrict(space), "random", seed, [], ["minimize"])
    return candidate


def distance(candidate):
    """How far the learning rate is from the best one, in powers of ten."""
    return np.log10(candidate.optimizer.learning_rate) + 2.5


def error(candidate, task, wobble):
    """One less what the task gains by those it shares with; ties and bad learning rates harm."""
    shared = candidate.tree.shared_levels(task).mean(1)
    ties = 0.1 * len(candidate.soft_shared_levels)
    return 1.0 - float(HELPS[task] @ shared) + 0.1 * distance(candidate) ** 2 + ties + wobble


def trained(space, arm):
    """So many candidates of an arm on one replicate each, with scores that follow a rule."""
    place = USUAL.index(arm)
    random = np.random.default_rng(place)
    trials = []
    for number in range(PER_ARM):
        candidate = drawn(space, arm, PER_ARM * place + number)
        wobbles = random.normal(0, 0.005, TASKS) + 0.1 * (number // 4)
        scores = {}
        for task, name in enumerate(NAMES):
            scores[name] = 0.9 - 0.3 * error(candidate, task, wobbles[task])
        result = TrainingResult(number, scores, 1, 1, [1], [[1.0]], 0.1)
        trials.append(Trial(arm, number, candidate, Replicate("search", number // 4), result))
    return trials


@pytest.fixture(scope="module")
def trials(space):
    return {arm: trained(space, arm) for arm in USUAL}


@pytest.fixture
def analysis(bench, space, penguins, trials):
    """The analysis of a study of the usual arms, whose trainings are made up."""
    study = bench.create(space=space, arms=USUAL, replicates=1)
    made = Analysis(study, penguins)
    made.trials = dict(trials)
    return made


@pytest.mark.parametrize("arm", ARMS)
def test_what_is_drawn_from_a_space_lies_in_it(arm, space):
    restricted = ARMS[arm].restrict(space)
    for seed in range(8):
        candidate = drawn(space, arm, seed)
        stored = Candidate.from_json(json.loads(json.dumps(candidate.to_json())))
        assert restricted.contains(stored)


def test_what_cannot_be_drawn_from_a_space_does_not_lie_in_it(space):
    candidate = drawn(space, "searched", 0)
    optimizer = replace(candidate.optimizer, learning_rate=1.0)
    backbone = replace(candidate.backbone, width=48)
    deeper = SharingTree.shared(TASKS, 3)
    others = [
        replace(candidate, optimizer=optimizer),
        replace(candidate, backbone=backbone),
        replace(candidate, tree=deeper),
        replace(candidate, weighting=Fixed((1.0, 1.0))),
    ]
    assert not any(space.contains(other) for other in others)
    narrow = replace(space, tree=replace(space.tree, max_branches=2))
    assert not narrow.contains(replace(candidate, tree=SharingTree.separate(TASKS, 2)))
    assert narrow.contains(replace(candidate, tree=SharingTree.shared(TASKS, 2)))


def test_what_changes_nothing_is_left_out_of_the_simplified_candidate(space):
    candidate = replace(drawn(space, "searched", 0), sharing=L2Sharing(0.1), weighting=Fixed((3,)))
    alone = replace(candidate, tree=SharingTree.separate(1, 2)).simplified
    assert (alone.sharing, alone.weighting) == (NoSharing(), Fixed())
    tied = replace(candidate, tree=SharingTree.separate(3, 2), weighting=Fixed((3.0, 1.0, 2.0)))
    assert tied.simplified == tied
    learned = replace(candidate, tree=SharingTree.separate(1, 2), weighting=Uncertainty())
    assert learned.simplified.weighting == Uncertainty()


def test_every_pick_lies_in_the_space_of_its_arm(analysis, space):
    picks = {pick.arm: pick for pick in analysis.choose()}
    assert list(picks) == list(USUAL)
    separate = SharingTree.separate(TASKS, 2)
    for arm in USUAL:
        restricted = ARMS[arm].restrict(space)
        components = list(picks[arm].composition)
        if ARMS[arm].per_task:
            assert [component.tasks for component in components] == [(0,), (1,), (2,)]
            for component in components:
                assert restricted.contains(replace(component.candidate, tree=separate))
        elif len(components) == 1:
            assert restricted.contains(components[0].candidate)
    assert picks["searched"].composition.shares


def test_single_task_takes_of_all_arms_the_best_in_which_a_task_is_alone(analysis):
    own = analysis.trials["single_task"]
    badly_tuned = [trial for trial in own if abs(distance(trial.candidate)) > 0.6]
    analysis.trials["single_task"] = badly_tuned
    [chosen] = [pick for pick in analysis.choose() if pick.arm == "single_task"]
    arms = set()
    for task, name in enumerate(NAMES):
        alone = []
        for arm, trials in analysis.trials.items():
            for trial in trials:
                component = trial.candidate.composition().component_of(task)
                settings = component.candidate
                if len(component.tasks) == 1 and settings.initialization == Random():
                    score = analysis.affinity.scores(component)[name]
                    alone.append((score, settings, arm))
        _, best, arm = max(alone, key=lambda entry: entry[0])
        assert chosen.composition.component_of(task).candidate == best.simplified
        arms.add(arm)
    assert arms - {"single_task"}  # else this would test nothing


def test_the_control_of_the_sampler_picks_by_its_own_trainings_alone(analysis, penguins):
    before = {pick.arm: pick for pick in analysis.choose()}
    fewer = Analysis(analysis.study, penguins)
    fewer.trials = {**analysis.trials, "searched": [], "share_all": []}
    after = {pick.arm: pick for pick in fewer.choose()}
    assert after["random"].composition == before["random"].composition
    assert after["searched"].validation_gain != before["searched"].validation_gain


def test_the_search_picks_the_best_tree_though_nobody_trained_it(analysis):
    best = SharingTree((((0, 1), (2,)),) * 2)
    for arm, trials in analysis.trials.items():
        analysis.trials[arm] = [trial for trial in trials if trial.candidate.tree != best]
    [chosen] = [pick for pick in analysis.choose() if pick.arm == "searched"]
    assert chosen.composition.groups(NAMES) == [["species", "sex"], ["body_mass_g"]]
    assert (chosen.candidate, chosen.trained_in) == (None, None)
    assert abs(distance(chosen.composition.components[0].candidate)) < 0.3


def test_a_pick_says_in_which_arm_it_was_trained(analysis):
    picks = analysis.choose()
    analysis.study.set_picks(picks)
    assert analysis.study.picks() == picks
    trained_in = {pick.trained_in for pick in picks if pick.candidate is not None}
    assert trained_in
    for pick in picks:
        assert (pick.candidate is None) == (pick.trained_in is None)
