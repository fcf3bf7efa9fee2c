"""What the report says of names: which were tried, which were inactive, and where they are used."""

import pytest

from mtlsearch.backbones import Mlp, Residual
from mtlsearch.candidate import SETTING_GROUPS, Candidate, Composition
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.report.choices import ArmEvidence, report_choices
from mtlsearch.report.model import UseCount
from mtlsearch.search.arms import ARMS
from mtlsearch.sharing import SHARINGS
from mtlsearch.space import SearchSpace
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import WEIGHTINGS
from tests.support.replicates import searched
from tests.support.skill import scales_of
from tests.support.tasks import make_task

TASKS = tuple(make_task(name, "regression", "rmse") for name in "abc")
TREES = {
    "shared": SharingTree.shared(3, 2),
    "separate": SharingTree.separate(3, 2),
    "pair": SharingTree.decode([0, 0], [2, 0], 2),  # a and b together, c apart
}


def train(
    number, tree="pair", sharing="none", weighting="fixed", backbone=Mlp, failure=None, width=8
):
    candidate = Candidate(
        TREES[tree], backbone(width), SHARINGS[sharing](), WEIGHTINGS[weighting]()
    )
    if failure is not None:
        result = TrainingResult.failed(number, failure)
    else:
        scores = {task.name: 1.0 + number / 100 for task in TASKS}
        result = TrainingResult(number, scores, 1, 1, [1], [[1.0]], 0.1)
    return Trial("searched", number, candidate, searched(0), result)


def space_of(**names):
    """A space that leaves each of these setting groups the choice of these names."""
    groups = {}
    for group, choosable in names.items():
        groups[group] = {"choice": [{"name": name} for name in choosable]}
    return SearchSpace.from_mapping({"tree": {"levels": 2}, **groups}, 3)


def evidence_of(trials, front=(), pick=None, affinity=None):
    return ArmEvidence("searched", trials, affinity, front, pick)


def uses_of(trials, space, front=(), pick=None, tasks=TASKS):
    """What is said of each name, by group and name."""
    uses = {}
    for choice in report_choices(evidence_of(trials, front, pick), space, tasks):
        for use in choice.names:
            uses[choice.group, use.name] = use
    return uses


@pytest.mark.parametrize(
    ("arm", "groups"),
    [
        ("searched", ["backbone", "sharing", "weighting"]),
        ("single_task", ["backbone"]),
        ("share_all", ["backbone", "weighting"]),
    ],
)
def test_only_groups_that_vary_in_an_arm_are_shown(arm, groups):
    space = space_of(
        backbone=["mlp", "residual"], sharing=["none", "l2_sharing"], weighting=["fixed", "dwa"]
    )
    choices = report_choices(evidence_of([]), ARMS[arm].restrict(space), TASKS)
    assert [choice.group for choice in choices] == groups


def test_every_name_of_the_space_is_shown():
    space = space_of(backbone=["mlp", "residual"], weighting=["fixed", "dwa"])
    choices = report_choices(evidence_of([train(0)]), space, TASKS)
    names = {choice.group: [use.name for use in choice.names] for choice in choices}
    assert names == {"backbone": ["mlp", "residual"], "weighting": ["fixed", "dwa"]}


def test_a_space_without_a_choice_of_names_has_nothing_to_say():
    assert report_choices(evidence_of([train(0)]), space_of(), TASKS) == []


def test_trainings_and_failures_are_counted_by_name():
    trials = [
        train(0),
        train(1, backbone=Residual),
        train(2, backbone=Residual, failure="loss became NaN"),
    ]
    [choice] = report_choices(evidence_of(trials), space_of(backbone=["mlp", "residual"]), TASKS)
    assert (choice.arm, choice.trainings, choice.front) == ("searched", 3, 0)
    mlp, residual = choice.names
    assert (mlp.trainings, mlp.failed) == (UseCount(1, 0), 0)
    assert (residual.trainings, residual.failed) == (UseCount(2, 0), 1)
    assert mlp.picked is None and residual.picked is None
    assert mlp.is_tried and residual.is_tried


def test_a_name_that_no_training_had_is_not_tried():
    uses = uses_of([train(0)], space_of(backbone=["mlp", "residual"]))
    assert not uses["backbone", "residual"].is_tried


@pytest.mark.parametrize("name", sorted(SHARINGS))
def test_a_soft_sharing_without_branches_is_inactive(name):
    space = space_of(sharing=sorted(SHARINGS))
    trials = [train(0, "shared", name), train(1, "pair", name), train(2, "separate", name)]
    is_soft = SHARINGS[name]().strength > 0
    expected = UseCount(used=2, inactive=1) if is_soft else UseCount(used=3, inactive=0)
    assert uses_of(trials, space)["sharing", name].trainings == expected


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_a_weighting_acts_where_tasks_share(name):
    space = space_of(weighting=sorted(WEIGHTINGS))
    trials = [train(0, "pair", weighting=name), train(1, "separate", weighting=name)]
    assert uses_of(trials, space)["weighting", name].trainings == UseCount(used=1, inactive=1)


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_where_weights_are_pulled_there_are_losses_but_no_gradients_in_common(name):
    space = space_of(weighting=sorted(WEIGHTINGS))
    trials = [train(0, "separate", "l2_sharing", name), train(1, "separate", "cross_stitch", name)]
    needs_gradients = WEIGHTINGS[name].needs_gramian
    expected = UseCount(used=1, inactive=1) if needs_gradients else UseCount(used=2, inactive=0)
    assert uses_of(trials, space)["weighting", name].trainings == expected


def test_activations_of_other_sources_are_not_mixed():
    space = space_of(sharing=["none", "l2_sharing", "gate"])
    tasks = []
    for number, task in enumerate(TASKS):
        tasks.append(make_task(task.name, "regression", "rmse", f"s{number}"))
    trials = [train(0, "separate", "gate"), train(1, "separate", "l2_sharing")]
    uses = uses_of(trials, space, tasks=tasks)
    assert uses["sharing", "gate"].trainings == UseCount(used=0, inactive=1)
    assert uses["sharing", "l2_sharing"].trainings == UseCount(used=1, inactive=0)


def test_the_front_and_the_pick_use_what_acts_in_one_of_their_components():
    space = space_of(sharing=["none", "gate"], weighting=["fixed", "dwa"])
    trials = [train(0, "pair"), train(1, "shared", "gate"), train(2, "separate", weighting="dwa")]
    front = [trial.candidate.composition() for trial in trials]
    pair, _ = front[0]
    _, _, alone = front[2]
    pick = Composition((pair, alone))  # a and b by fixed weights, c alone by dwa
    uses = uses_of(trials, space, front, pick)
    assert uses["sharing", "none"].front == UseCount(used=2, inactive=0)
    assert uses["sharing", "gate"].front == UseCount(used=0, inactive=1)
    assert uses["weighting", "fixed"].front == UseCount(used=2, inactive=0)
    assert uses["weighting", "dwa"].front == UseCount(used=0, inactive=1)
    picked = {name: use.picked for (_, name), use in uses.items()}
    assert picked == {"none": True, "gate": False, "fixed": True, "dwa": False}


def test_a_name_has_a_gain_where_the_regression_gives_it_one():
    space = space_of(backbone=["mlp", "residual"])
    trials = []
    for number in range(12):
        backbone = Residual if number % 2 else Mlp
        trials.append(train(number, backbone=backbone, width=(8, 16, 32)[number % 3]))
    affinity = Affinity.fit(trials, scales_of(TASKS))
    worth = affinity.worth("backbone")
    [choice] = report_choices(evidence_of(trials, affinity=affinity), space, TASKS)
    assert worth.keys() == {"mlp", "residual"}
    for use in choice.names:
        assert (use.gain.mean, use.gain.low) == (worth[use.name].mean, worth[use.name].low)
    [without] = report_choices(evidence_of(trials), space, TASKS)
    assert [use.gain for use in without.names] == [None, None]


def test_a_candidate_knows_the_name_of_each_of_its_setting_groups():
    candidate = train(0, sharing="gate", weighting="dwa", backbone=Residual).candidate
    named = {group: candidate.setting_name(group) for group in SETTING_GROUPS}
    expected = {"backbone": "residual", "sharing": "gate", "weighting": "dwa"}
    assert expected.items() <= named.items()
    assert named == {group: candidate.to_json()[group]["name"] for group in SETTING_GROUPS}
