"""How a component becomes numbers: whom a task shares with, settings on their scales, choices, and which component it is."""

import dataclasses
import math

import numpy as np
import pytest

from mtlsearch.backbones import Mlp, Residual
from mtlsearch.candidate import Candidate, OptimizerSettings
from mtlsearch.evidence.affinity.columns import Columns
from mtlsearch.initializations import Pretrained
from mtlsearch.sharing import L2Sharing, NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import Fixed

SEPARATE, SHARED, FIRST_LEVEL = (
    SharingTree.decode([0, 0], splits, 2) for splits in ([0, 0], [2, 2], [1, 0])
)
SHARE, LEVELS, TIED, SETTINGS, SQUARES, CELLS = range(6)


def candidate(tree=SHARED, backbone=None, rate=1e-3, sharing=None, weights=(), decay=1e-5):
    return Candidate(
        tree,
        backbone or Mlp(8),
        sharing or NoSharing(),
        Fixed(weights),
        OptimizerSettings(rate, decay),
    )


def places(*candidates):
    return [
        (part, place)
        for each in candidates
        for part in each.composition()
        for place in range(len(part.tasks))
    ]


def numbers(columns, group, one, task):
    """The columns of a group for a task of a candidate."""
    part = next(part for part in one.composition() if task in part.tasks)
    return columns.row(part, part.tasks.index(task))[columns.groups == group].tolist()


def test_a_task_is_told_with_whom_it_shares_on_which_level():
    columns = Columns.of(places(candidate(), candidate(SEPARATE), candidate(FIRST_LEVEL)), 3)
    assert numbers(columns, SHARE, candidate(FIRST_LEVEL), 0) == [
        0.5,
        0.0,
    ]  # the other tasks are 1 and 2
    assert numbers(columns, LEVELS, candidate(FIRST_LEVEL), 0) == [1.0, 0.0, 0.0, 0.0]
    assert numbers(columns, SHARE, candidate(FIRST_LEVEL), 1) == [0.5, 0.0]  # 0 and 2
    assert numbers(columns, SHARE, candidate(FIRST_LEVEL), 2) == [0.0, 0.0]
    assert numbers(columns, LEVELS, candidate(), 2) == [1.0, 1.0, 1.0, 1.0]
    last_two = candidate(SharingTree.from_json([[[0], [1, 2]], [[0], [1, 2]]]))
    assert [numbers(columns, SHARE, last_two, task) for task in range(3)] == [
        [0.0, 0.0],
        [0.0, 1.0],
        [0.0, 1.0],
    ]


def test_soft_ties_hold_where_nothing_is_shared():
    columns = Columns.of(places(candidate(), candidate(SEPARATE)), 3)
    tied = [candidate(tree, sharing=L2Sharing(0.1)) for tree in (SEPARATE, FIRST_LEVEL, SHARED)]
    assert [numbers(columns, TIED, each, 0) for each in tied] == [
        [1.0, 1.0],
        [0.5, 1.0],
        [0.0, 0.0],
    ]
    assert numbers(columns, TIED, candidate(FIRST_LEVEL), 0) == [0.0, 0.0]
    first = [
        candidate(tree, sharing=L2Sharing(0.1, last_level=1)) for tree in (SEPARATE, FIRST_LEVEL)
    ]
    assert [numbers(columns, TIED, each, 0) for each in first] == [[0.5, 0.5], [0.0, 0.5]]
    nowhere = candidate(FIRST_LEVEL, sharing=L2Sharing(0.1, first_level=3))
    assert numbers(columns, TIED, nowhere, 0) == [0.0, 0.0]


def test_settings_of_many_magnitudes_are_on_a_log_scale_and_standardised():
    ones = [candidate(rate=rate, decay=decay) for rate, decay in ((1e-4, 1.0), (1e-2, 3.0))]
    columns = Columns.of(places(*ones), 3)
    assert [(name, low) for name, low, *_ in columns.settings] == [
        ("optimizer.learning_rate", 1e-4),
        ("optimizer.weight_decay", 0.0),
    ]
    assert numbers(columns, SETTINGS, ones[0], 0) == pytest.approx([-1.0, -1.0])
    between = candidate(rate=1e-3, decay=2.5)
    assert numbers(columns, SETTINGS, between, 0) == pytest.approx([0.0, 0.5], abs=1e-12)
    assert numbers(columns, SQUARES, between, 0) == pytest.approx([-1.0, -0.75])
    far = candidate(rate=1e-1, decay=2.0)
    assert numbers(columns, SETTINGS, far, 0)[0] == pytest.approx(
        math.log(1e-1 / 1e-3) / math.log(10)
    )


def test_a_setting_with_a_zero_is_not_on_a_log_scale():
    ones = [candidate(decay=decay) for decay in (0.0, 1e-4, 1e-2)]
    [(name, low, mean, deviation)] = Columns.of(places(*ones), 3).settings
    assert (name, low) == ("optimizer.weight_decay", 0.0)
    assert (mean, deviation) == pytest.approx((0.0101 / 3, np.std([0.0, 1e-4, 1e-2])))


def test_a_zero_that_was_never_observed_is_as_the_lowest_on_a_log_scale():
    columns = Columns.of(places(*(candidate(decay=decay) for decay in (1e-4, 1e-2))), 3)
    zero, lowest = (
        columns.row(candidate(decay=decay).composition()[0], 0) for decay in (0.0, 1e-4)
    )
    assert np.isfinite(zero).all()
    assert (zero[:-1] == lowest[:-1]).any()
    assert numbers(columns, SETTINGS, candidate(decay=0.0), 0) == numbers(
        columns, SETTINGS, candidate(decay=1e-4), 0
    )


def test_choices_are_told_apart_and_settings_of_another_choice_are_average():
    ones = [candidate(backbone=each) for each in (Mlp(8), Mlp(16), Mlp(24), Residual(8))]
    columns = Columns.of(places(*ones), 3)
    names = [name for name, *_ in columns.settings]
    rows = [dict(zip(names, numbers(columns, SETTINGS, each, 0), strict=True)) for each in ones]
    assert [row["backbone=mlp"] for row in rows] == pytest.approx(
        [0.25 / math.sqrt(3 / 16)] * 3 + [-0.75 / math.sqrt(3 / 16)]
    )
    assert [row["backbone=residual"] for row in rows] == pytest.approx(
        [-row["backbone=mlp"] for row in rows]
    )
    assert rows[0]["backbone.width"] == rows[3]["backbone.width"]
    only_mlp = Columns.of(places(candidate(backbone=Mlp(8)), candidate(backbone=Mlp(16))), 3)
    assert [name for name, *_ in only_mlp.settings] == ["backbone.width"]
    assert numbers(only_mlp, SETTINGS, candidate(SEPARATE, Mlp(8)), 0) == pytest.approx([-1.0])


def test_a_setting_that_is_a_word_is_a_choice():
    ones = [
        dataclasses.replace(candidate(), initialization=Pretrained(tasks=tasks))
        for tasks in ("all", "others")
    ]
    columns = Columns.of(places(*ones), 3)
    assert [name for name, *_ in columns.settings] == [
        "initialization.tasks=all",
        "initialization.tasks=others",
    ]
    assert [numbers(columns, SETTINGS, each, 0) for each in ones] == [
        pytest.approx([1.0, -1.0]),
        pytest.approx([-1.0, 1.0]),
    ]
    scratch = candidate()
    assert numbers(columns, SETTINGS, scratch, 0) == pytest.approx([-1.0, -1.0])


def test_a_setting_that_the_component_lacks_is_average():
    columns = Columns.of(
        places(candidate(sharing=L2Sharing(0.1)), candidate(sharing=L2Sharing(0.3)), candidate()), 3
    )
    names = [name for name, *_ in columns.settings]
    assert names == ["sharing.strength", "sharing=none", "sharing=pull"]
    strength, none, pull = numbers(columns, SETTINGS, candidate(), 0)
    assert (strength, none) == pytest.approx((0.0, math.sqrt(2)))
    assert pull == pytest.approx(-none)
    assert numbers(columns, SETTINGS, candidate(sharing=L2Sharing(0.3)), 0)[0] == pytest.approx(1.0)


def test_a_weight_counts_for_its_own_task_relative_to_its_component():
    one, other = candidate(weights=(3.0, 1.0, 2.0)), candidate(FIRST_LEVEL, weights=(3.0, 1.0, 2.0))
    columns = Columns.of(places(one, other), 3)
    [(name, log, mean, deviation)] = columns.settings
    values = [
        1.5,
        0.5,
        1.0,
        1.5,
        0.5,
        1.0,
    ]  # of 3 / mean(3, 1, 2), ..., then 3 / mean(3, 1), and one alone
    assert (name, log, mean, deviation) == (
        "weighting.weights",
        False,
        pytest.approx(1.0),
        pytest.approx(np.std(values)),
    )
    found = [
        numbers(columns, SETTINGS, each, task)[0] for each in (one, other) for task in range(3)
    ]
    assert found == pytest.approx((np.array(values) - 1) / np.std(values), abs=1e-12)


def test_each_component_that_was_trained_has_a_column_of_its_own():
    ones = [candidate(SEPARATE), candidate(FIRST_LEVEL), candidate(SEPARATE)]
    columns = Columns.of(places(*ones), 3)
    assert len(columns.cells) == 4  # three tasks alone, and the pair
    assert numbers(columns, CELLS, ones[0], 0) == [1.0, 0.0, 0.0, 0.0]
    assert (
        numbers(columns, CELLS, ones[1], 0)
        == numbers(columns, CELLS, ones[1], 1)
        == [0.0, 0.0, 0.0, 1.0]
    )
    assert (
        numbers(columns, CELLS, ones[1], 2)
        == numbers(columns, CELLS, ones[2], 2)
        == [0.0, 0.0, 1.0, 0.0]
    )
    assert numbers(columns, CELLS, candidate(SHARED), 0) == [0.0] * 4


@pytest.mark.parametrize(
    ("tasks", "depth", "levels"), [(3, 1, False), (17, 4, True), (17, 5, False)]
)
def test_levels_are_told_apart_while_there_are_few_columns(tasks, depth, levels):
    shared = candidate(SharingTree.shared(tasks, depth))
    columns = Columns.of(places(shared), tasks)
    assert columns.levels == levels
    sizes = np.bincount(columns.groups, minlength=6).tolist()
    assert sizes == [tasks - 1, (tasks - 1) * depth * levels, tasks - 1, 0, 0, 1]
    assert len(columns.row(shared.composition()[0], 0)) == sum(sizes)
