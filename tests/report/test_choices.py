"""What the report says of names: which were tried, which had nothing to act on, and which the front and the pick use."""

import pytest

from mtlsearch.backbones import Mlp, Residual
from mtlsearch.candidate import SETTING_GROUPS, Candidate
from mtlsearch.evidence.candidate_summary import pool
from mtlsearch.evidence.selection import Pick
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.report.choices import choice_rows
from mtlsearch.sharing import SHARINGS
from mtlsearch.space import SearchSpace
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks.task import Task
from mtlsearch.weightings import WEIGHTINGS

TASKS = tuple(Task(name, "regression", "rmse", "s", name) for name in "abc")
ROOTS = {"shared": SharingTree.shared(3, 2), "separate": SharingTree.separate(3, 2)}
ROOTS["pair"] = SharingTree.decode([0, 0], [2, 0], 2)  # a and b together, c apart


def train(
    number,
    tree="pair",
    sharing="none",
    weighting="fixed",
    backbone=Mlp,
    failure=None,
    arm="searched",
):
    candidate = Candidate(ROOTS[tree], backbone(8), SHARINGS[sharing](), WEIGHTINGS[weighting]())
    scores = {} if failure else {task.name: 1.0 + number / 100 for task in TASKS}
    costs = [[1, 1]] * len(candidate.composition())
    return Trial(
        arm,
        number,
        candidate,
        0,
        TrainingResult(number, scores, {}, 1, 1, [1], costs, 0.1, failure=failure),
    )


def space_of(**names):
    parts = {part: {"choice": [{"name": name} for name in own]} for part, own in names.items()}
    return SearchSpace.from_mapping({"tree": {"levels": 2}, **parts}, 3)


def rows_of(trainings, space, front=(), picks=()):
    """The rows by arm, part and name."""
    found = choice_rows(trainings, front, picks, space, TASKS)
    return {
        (each["arm"], each["part"], row["name"]): row for each in found for row in each["names"]
    }


def test_only_parts_that_vary_in_an_arm_are_shown_with_every_name_of_the_space():
    space = space_of(
        backbone=["mlp", "residual"], sharing=["none", "pull"], weighting=["fixed", "dwa"]
    )
    shown = choice_rows(
        {"searched": [train(0)], "single_task": [], "share_all": []}, [], [], space, TASKS
    )
    assert [
        (each["arm"], each["part"], [row["name"] for row in each["names"]]) for each in shown
    ] == [
        ("searched", "backbone", ["mlp", "residual"]),
        ("searched", "sharing", ["none", "pull"]),
        ("searched", "weighting", ["fixed", "dwa"]),
        ("single_task", "backbone", ["mlp", "residual"]),
        ("share_all", "backbone", ["mlp", "residual"]),
        ("share_all", "weighting", ["fixed", "dwa"]),
    ]
    assert choice_rows({"searched": [train(0)]}, [], [], space_of(), TASKS) == []


def test_trainings_and_failures_are_counted_by_name():
    space = space_of(backbone=["mlp", "residual"])
    own = [
        train(0),
        train(1, backbone=Residual),
        train(2, backbone=Residual, failure="loss became NaN"),
    ]
    found = rows_of({"searched": own}, space)
    counts = {
        name: (row["trainings"], row["failed"], row["picked"])
        for (_, _, name), row in found.items()
    }
    assert counts == {
        "mlp": ({"used": 1, "idle": 0}, 0, None),
        "residual": ({"used": 2, "idle": 0}, 1, None),
    }


@pytest.mark.parametrize("name", sorted(SHARINGS))
def test_a_soft_sharing_without_branches_is_idle(name):
    space = space_of(sharing=sorted(SHARINGS))
    own = [train(0, "shared", name), train(1, "pair", name), train(2, "separate", name)]
    idle = int(SHARINGS[name]().strength > 0)  # the tree without branches
    assert rows_of({"searched": own}, space)["searched", "sharing", name]["trainings"] == {
        "used": 3 - idle,
        "idle": idle,
    }


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_a_weighting_acts_where_tasks_share(name):
    """Apart from each other nothing can be weighed; where weights are pulled, there are losses but no gradients in common."""
    space, gradients = space_of(weighting=sorted(WEIGHTINGS)), WEIGHTINGS[name].needs_gramian
    own = [train(0, "pair", weighting=name), train(1, "separate", weighting=name)]
    assert rows_of({"searched": own}, space)["searched", "weighting", name]["trainings"] == {
        "used": 1,
        "idle": 1,
    }
    tied = [train(0, "separate", "pull", name), train(1, "separate", "cross_stitch", name)]
    counted = rows_of({"searched": tied}, space)["searched", "weighting", name]["trainings"]
    assert counted == {"used": 2 - gradients, "idle": int(gradients)}


def test_activations_of_other_sources_are_not_mixed():
    space = space_of(sharing=["none", "pull", "gate"])
    tasks = [
        Task(task.name, "regression", "rmse", f"s{n}", task.name) for n, task in enumerate(TASKS)
    ]
    found = choice_rows(
        {"searched": [train(0, "separate", "gate"), train(1, "separate", "pull")]},
        [],
        [],
        space,
        tasks,
    )
    counts = {row["name"]: row["trainings"] for row in found[0]["names"]}
    assert (counts["gate"], counts["pull"]) == ({"used": 0, "idle": 1}, {"used": 1, "idle": 0})


def test_the_front_and_the_pick_use_what_acts_in_one_of_their_components():
    space = space_of(sharing=["none", "gate"], weighting=["fixed", "dwa"])
    own = [train(0, "pair"), train(1, "shared", "gate"), train(2, "separate", weighting="dwa")]
    pair, alone = own[0].candidate.composition(), own[2].candidate.composition()
    mixed = Pick(
        "searched", None, (pair[0], alone[2]), 1.0
    )  # a and b by fixed weights, c alone by dwa
    found = rows_of({"searched": own}, space, pool(own, 1, TASKS), [mixed])
    fronts = {name: row["front"] for (_, _, name), row in found.items()}
    assert fronts["none"] == {"used": 2, "idle": 0} and fronts["gate"] == {"used": 0, "idle": 1}
    assert fronts["fixed"] == {"used": 2, "idle": 0} and fronts["dwa"] == {"used": 0, "idle": 1}
    assert {name: row["picked"] for (_, _, name), row in found.items()} == {
        "none": True, "gate": False, "fixed": True, "dwa": False,
    }  # fmt: skip


def test_another_arms_front_does_not_count():
    space, other = space_of(backbone=["mlp", "residual"]), [train(0, arm="random")]
    found = choice_rows(
        {"searched": [train(0)], "random": other}, pool(other, 1, TASKS), [], space, TASKS
    )
    assert {each["arm"]: each["front"] for each in found} == {"searched": 0, "random": 1}


def test_a_candidate_knows_the_name_of_each_of_its_parts():
    candidate = train(0, sharing="gate", weighting="dwa", backbone=Residual).candidate
    named = {part: candidate.named(part) for part in SETTING_GROUPS}
    assert {"backbone": "residual", "sharing": "gate", "weighting": "dwa"}.items() <= named.items()
    assert named == {part: candidate.to_json()[part]["name"] for part in SETTING_GROUPS}
