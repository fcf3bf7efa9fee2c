"""How a component becomes numbers: with whom a task shares, its settings, the component."""

import dataclasses
import math

import numpy as np
import pytest

from mtlsearch.backbones import Mlp, Residual
from mtlsearch.candidate import Candidate, OptimizerSettings
from mtlsearch.evidence.affinity.columns import Columns
from mtlsearch.initializations import Pretrained
from mtlsearch.sharing import Gate, L2Sharing, NoSharing, Sluice
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import Fixed

SEPARATE, SHARED, FIRST_LEVEL = (
    SharingTree.decode([0, 0], splits, 2) for splits in ([0, 0], [2, 2], [1, 0])
)


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


def numbers(columns, block, one, task):
    """The columns of a block for a task of a candidate."""
    part = next(part for part in one.composition() if task in part.tasks)
    return columns.row(part, part.tasks.index(task))[getattr(columns.blocks, block)].tolist()


def test_a_task_is_told_with_whom_it_shares_on_which_level():
    columns = Columns.of(places(candidate(), candidate(SEPARATE), candidate(FIRST_LEVEL)), 3)
    assert numbers(columns, "sharing", candidate(FIRST_LEVEL), 0) == [
        0.5,
        0.0,
    ]  # the other tasks are 1 and 2
    assert numbers(columns, "levels", candidate(FIRST_LEVEL), 0) == [1.0, 0.0, 0.0, 0.0]
    assert numbers(columns, "sharing", candidate(FIRST_LEVEL), 1) == [0.5, 0.0]  # 0 and 2
    assert numbers(columns, "sharing", candidate(FIRST_LEVEL), 2) == [0.0, 0.0]
    assert numbers(columns, "levels", candidate(), 2) == [1.0, 1.0, 1.0, 1.0]
    last_two = candidate(SharingTree.from_json([[[0], [1, 2]], [[0], [1, 2]]]))
    assert [numbers(columns, "sharing", last_two, task) for task in range(3)] == [
        [0.0, 0.0],
        [0.0, 1.0],
        [0.0, 1.0],
    ]


def test_soft_ties_hold_where_nothing_is_shared():
    columns = Columns.of(places(candidate(), candidate(SEPARATE)), 3)
    tied = [candidate(tree, sharing=L2Sharing(0.1)) for tree in (SEPARATE, FIRST_LEVEL, SHARED)]
    assert [numbers(columns, "soft_sharing", each, 0) for each in tied] == [
        [1.0, 1.0],
        [0.5, 1.0],
        [0.0, 0.0],
    ]
    assert numbers(columns, "soft_sharing", candidate(FIRST_LEVEL), 0) == [0.0, 0.0]
    first = [
        candidate(tree, sharing=L2Sharing(0.1, last_level=1)) for tree in (SEPARATE, FIRST_LEVEL)
    ]
    assert [numbers(columns, "soft_sharing", each, 0) for each in first] == [[0.5, 0.5], [0.0, 0.5]]
    nowhere = candidate(FIRST_LEVEL, sharing=L2Sharing(0.1, first_level=3))
    assert numbers(columns, "soft_sharing", nowhere, 0) == [0.0, 0.0]


def test_settings_of_many_magnitudes_are_on_a_log_scale_and_standardised():
    ones = [candidate(rate=rate, decay=decay) for rate, decay in ((1e-4, 1.0), (1e-2, 3.0))]
    columns = Columns.of(places(*ones), 3)
    assert [(scale.setting.name, scale.low) for scale in columns.scales] == [
        ("optimizer.learning_rate", 1e-4),
        ("optimizer.weight_decay", 0.0),
    ]
    assert numbers(columns, "settings", ones[0], 0) == pytest.approx([-1.0, -1.0])
    between = candidate(rate=1e-3, decay=2.5)
    assert numbers(columns, "settings", between, 0) == pytest.approx([0.0, 0.5], abs=1e-12)
    assert numbers(columns, "squares", between, 0) == pytest.approx([-1.0, -0.75])
    far = candidate(rate=1e-1, decay=2.0)
    assert numbers(columns, "settings", far, 0)[0] == pytest.approx(
        math.log(1e-1 / 1e-3) / math.log(10)
    )


def test_a_setting_with_a_zero_is_not_on_a_log_scale():
    ones = [candidate(decay=decay) for decay in (0.0, 1e-4, 1e-2)]
    [scale] = Columns.of(places(*ones), 3).scales
    assert (scale.setting.name, scale.low) == ("optimizer.weight_decay", 0.0)
    assert (scale.mean, scale.deviation) == pytest.approx((0.0101 / 3, np.std([0.0, 1e-4, 1e-2])))


def test_a_zero_that_was_never_observed_is_as_the_lowest_on_a_log_scale():
    columns = Columns.of(places(*(candidate(decay=decay) for decay in (1e-4, 1e-2))), 3)
    zero, lowest = (
        columns.row(candidate(decay=decay).composition().components[0], 0) for decay in (0.0, 1e-4)
    )
    assert np.isfinite(zero).all()
    assert (zero[:-1] == lowest[:-1]).any()
    assert numbers(columns, "settings", candidate(decay=0.0), 0) == numbers(
        columns, "settings", candidate(decay=1e-4), 0
    )


def test_choices_are_told_apart_and_settings_of_another_choice_are_average():
    ones = [candidate(backbone=each) for each in (Mlp(8), Mlp(16), Mlp(24), Residual(8))]
    columns = Columns.of(places(*ones), 3)
    names = [scale.setting.name for scale in columns.scales]
    rows = [dict(zip(names, numbers(columns, "settings", each, 0), strict=True)) for each in ones]
    assert [row["backbone=mlp"] for row in rows] == pytest.approx(
        [0.25 / math.sqrt(3 / 16)] * 3 + [-0.75 / math.sqrt(3 / 16)]
    )
    assert [row["backbone=residual"] for row in rows] == pytest.approx(
        [-row["backbone=mlp"] for row in rows]
    )
    assert rows[0]["backbone.width"] == rows[3]["backbone.width"]
    only_mlp = Columns.of(places(candidate(backbone=Mlp(8)), candidate(backbone=Mlp(16))), 3)
    assert [scale.setting.name for scale in only_mlp.scales] == ["backbone.width"]
    assert numbers(only_mlp, "settings", candidate(SEPARATE, Mlp(8)), 0) == pytest.approx([-1.0])


def test_a_setting_that_is_a_word_is_a_choice():
    ones = [
        dataclasses.replace(candidate(), initialization=Pretrained(tasks=tasks))
        for tasks in ("all", "others")
    ]
    columns = Columns.of(places(*ones), 3)
    assert [scale.setting.name for scale in columns.scales] == [
        "initialization.tasks=all",
        "initialization.tasks=others",
    ]
    assert [numbers(columns, "settings", each, 0) for each in ones] == [
        pytest.approx([1.0, -1.0]),
        pytest.approx([-1.0, 1.0]),
    ]
    scratch = candidate()
    assert numbers(columns, "settings", scratch, 0) == pytest.approx([-1.0, -1.0])


def test_a_setting_that_the_component_lacks_is_average():
    columns = Columns.of(
        places(candidate(sharing=L2Sharing(0.1)), candidate(sharing=L2Sharing(0.3)), candidate()), 3
    )
    names = [scale.setting.name for scale in columns.scales]
    assert names == ["sharing.strength", "sharing=none", "sharing=l2_sharing"]
    strength, none, l2_sharing = numbers(columns, "settings", candidate(), 0)
    assert (strength, none) == pytest.approx((0.0, math.sqrt(2)))
    assert l2_sharing == pytest.approx(-none)
    stronger = numbers(columns, "settings", candidate(sharing=L2Sharing(0.3)), 0)
    assert stronger[0] == pytest.approx(1.0)


def test_a_weight_counts_for_its_own_task_relative_to_its_component():
    one, other = candidate(weights=(3.0, 1.0, 2.0)), candidate(FIRST_LEVEL, weights=(3.0, 1.0, 2.0))
    columns = Columns.of(places(one, other), 3)
    [scale] = columns.scales
    values = [
        1.5,
        0.5,
        1.0,
        1.5,
        0.5,
        1.0,
    ]  # of 3 / mean(3, 1, 2), ..., then 3 / mean(3, 1), and one alone
    assert (scale.setting.name, scale.low, scale.mean, scale.deviation) == (
        "weighting.weights",
        0.0,
        pytest.approx(1.0),
        pytest.approx(np.std(values)),
    )
    found = [
        numbers(columns, "settings", each, task)[0] for each in (one, other) for task in range(3)
    ]
    assert found == pytest.approx((np.array(values) - 1) / np.std(values), abs=1e-12)


def test_each_component_that_was_trained_has_a_column_of_its_own():
    ones = [candidate(SEPARATE), candidate(FIRST_LEVEL), candidate(SEPARATE)]
    columns = Columns.of(places(*ones), 3)
    assert len(columns.cells) == 4  # three tasks alone, and the pair
    assert numbers(columns, "cells", ones[0], 0) == [1.0, 0.0, 0.0, 0.0]
    assert (
        numbers(columns, "cells", ones[1], 0)
        == numbers(columns, "cells", ones[1], 1)
        == [0.0, 0.0, 0.0, 1.0]
    )
    assert (
        numbers(columns, "cells", ones[1], 2)
        == numbers(columns, "cells", ones[2], 2)
        == [0.0, 0.0, 1.0, 0.0]
    )
    assert numbers(columns, "cells", candidate(SHARED), 0) == [0.0] * 4


@pytest.mark.parametrize(
    ("tasks", "depth", "levels"), [(3, 1, False), (17, 4, True), (17, 5, False)]
)
def test_levels_are_told_apart_while_there_are_few_columns(tasks, depth, levels):
    shared = candidate(SharingTree.shared(tasks, depth))
    columns = Columns.of(places(shared), tasks)
    assert columns.tells_levels == levels
    sizes = np.bincount(columns.blocks.numbers, minlength=6).tolist()
    assert sizes == [tasks - 1, (tasks - 1) * depth * levels, tasks - 1, 0, 0, 1]
    assert (
        columns.blocks.width
        == len(columns.row(shared.composition().components[0], 0))
        == sum(sizes)
    )


def test_the_blocks_of_a_row_follow_each_other():
    columns = Columns.of(places(candidate(), candidate(SEPARATE, rate=1e-2)), 3)
    blocks = columns.blocks
    names = ["sharing", "levels", "soft_sharing", "settings", "squares", "cells"]
    covered = [column for name in names for column in range(blocks.width)[getattr(blocks, name)]]
    assert covered == list(range(blocks.width))
    assert blocks.numbers.tolist() == sorted(blocks.numbers.tolist())


def test_a_change_of_sharing_is_the_difference_of_two_rows():
    columns = Columns.of(places(candidate(), candidate(SEPARATE), candidate(FIRST_LEVEL)), 3)
    told = slice(0, columns.blocks.levels.stop)
    rest = slice(columns.blocks.levels.stop, None)
    first_level = columns.sharing_change(0, 1, [0])
    both_levels = columns.sharing_change(0, 1, [0, 1]) + columns.sharing_change(0, 2, [0, 1])
    for tree, change in ((FIRST_LEVEL, first_level), (SHARED, both_levels)):
        [together, *_] = candidate(tree).composition()
        [alone, *_] = candidate(SEPARATE).composition()
        difference = columns.row(together, 0) - columns.row(alone, 0)
        assert change[told] == pytest.approx(difference[told])
        assert not change[rest].any()


def test_the_columns_of_a_group_are_its_settings_and_for_sharing_the_soft_sharing():
    strengths = [candidate(sharing=L2Sharing(strength), rate=1e-3) for strength in (0.1, 0.3)]
    columns = Columns.of(places(*strengths, candidate(rate=1e-2)), 3)
    names = [scale.setting.name for scale in columns.scales]
    sharing, optimizer = columns.of_group("sharing"), columns.of_group("optimizer")
    assert sharing[columns.blocks.soft_sharing].all()
    assert not optimizer[columns.blocks.soft_sharing].any()
    for group, belongs in (("sharing", sharing), ("optimizer", optimizer)):
        expected = [name.startswith(group) for name in names]
        assert any(expected)
        assert belongs[columns.blocks.settings].tolist() == expected
        assert belongs[columns.blocks.squares].tolist() == expected
        assert not belongs[columns.blocks.sharing].any()
        assert not belongs[columns.blocks.cells].any()


def test_a_method_that_was_renamed_keeps_its_place_among_the_columns():
    """Its first name, `pull`, comes after `gate` and `none`; its present one would not."""
    sharings = [Gate(0.5), NoSharing(), L2Sharing(0.1), Sluice(0.1)]
    columns = Columns.of(places(*(candidate(sharing=sharing) for sharing in sharings)), 3)
    names = [scale.setting.name for scale in columns.scales if not scale.setting.field]
    assert names == ["sharing=gate", "sharing=none", "sharing=l2_sharing", "sharing=sluice"]


def test_how_rows_are_sampled_is_a_setting_as_any_other():
    plain = candidate()
    settings = OptimizerSettings(1e-3, 1e-5, sampling="balanced", sampling_temperature=3.0)
    columns = Columns.of(places(plain, dataclasses.replace(plain, optimizer=settings)), 3)
    assert [scale.setting.name for scale in columns.scales] == [
        "optimizer.sampling=balanced",
        "optimizer.sampling=none",
        "optimizer.sampling_temperature",
    ]
    assert numbers(columns, "settings", plain, 0) == [-1.0, 1.0, -1.0]
