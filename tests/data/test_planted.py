"""Planted problems are what they say: which tasks need the same features, and how much of it is
noise; and bootstrap samples.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mtlsearch.data import TEST, TRAIN, Source, Splits, fold, prepare, resample
from mtlsearch.data.planted import Teacher, planted, related_pair
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import Binary, Multiclass, Regression

KINDS = (Regression(), Binary(), Multiclass())
GROUPS = ((0, 1, 2, 3), (4, 5, 6, 7))  # one task more than a node is wide
TWO_TRUNKS = SharingTree((GROUPS, GROUPS))


def explained(y, x):
    """The share of the variance of y[N] that least squares explains from x[N, D]."""
    x = np.column_stack([np.ones(len(y)), x])
    return 1 - (y - x @ np.linalg.lstsq(x, y)[0]).var() / y.var()


def columns(table, letter, numbers):
    return table[[f"{letter}{number}" for number in numbers]].to_numpy()


def targets(dataset):
    return np.column_stack([dataset.targets[task.name] for task in dataset.tasks])


def test_rows_splits_and_kinds_are_as_asked():
    teacher = Teacher(SharingTree.shared(3, 2), 5, kinds=KINDS)
    dataset = planted(teacher, 80, 200)
    source = dataset.sources["planted"]
    assert source.inputs.shape == (280, 5)
    assert Counter(source.splits.role.tolist()) == {TRAIN: 80, TEST: 200}
    assert [
        (task.name, task.kind.name, task.metric.name, len(task.classes)) for task in dataset.tasks
    ] == [
        ("y0", "regression", "rmse", 0),
        ("y1", "binary", "roc_auc", 2),
        ("y2", "multiclass", "accuracy", 3),
    ]
    assert {len(fold(dataset, replicate, 0).validation["planted"]) for replicate in range(4)} == {
        20
    }
    assert np.isfinite(prepare(dataset, fold(dataset, 0, 0)).inputs["planted"].values).all()


def test_the_same_seed_gives_the_same_table():
    teacher = Teacher(TWO_TRUNKS, 6)
    pd.testing.assert_frame_equal(teacher.table(50, 0.5, 3), teacher.table(50, 0.5, 3))
    assert not np.allclose(teacher.table(50, 0.5, 3), teacher.table(50, 0.5, 4))
    assert (
        planted(teacher, 60, 60, labelled={1: 0.5}).digest
        == planted(teacher, 60, 60, labelled={1: 0.5}).digest
    )
    assert planted(teacher, 60, 60, seed=1).digest != planted(teacher, 60, 60).digest


@pytest.mark.parametrize("seed", range(3))
def test_tasks_of_a_group_need_the_same_features_and_others_do_not(seed):
    """Without noise a task is linear in its group's three features, and so in three other tasks of
    that group.
    """
    table = Teacher(TWO_TRUNKS, 12).table(3000, 0.0, seed)
    for own, others in (GROUPS, GROUPS[::-1]):
        for task in own:
            y, fellows = table[f"y{task}"].to_numpy(), [each for each in own if each != task]
            assert explained(y, columns(table, "y", fellows)) == pytest.approx(1.0, abs=1e-6)
            assert explained(y, columns(table, "y", others)) < 0.9


def test_tasks_that_part_late_have_more_in_common_than_tasks_that_never_met():
    late = SharingTree((((*GROUPS[0], *GROUPS[1]),), GROUPS))
    shares = {"late": [], "never": []}
    for seed in range(12):
        for name, tree in (("late", late), ("never", TWO_TRUNKS)):
            table = Teacher(tree, 12).table(1000, 0.0, seed)
            found = [
                explained(table[f"y{task}"].to_numpy(), columns(table, "y", GROUPS[1]))
                for task in GROUPS[0]
            ]
            assert max(found) < 1 - 1e-6
            shares[name].append(np.mean(found))
    assert np.mean(shares["late"]) > np.mean(shares["never"]) + 0.2


def test_unrelated_tasks_are_pure_noise_and_leave_the_others_alone():
    plain, some = (
        Teacher(TWO_TRUNKS, 6, unrelated=own).table(4000, 0.1, 0) for own in ((), (1, 6))
    )
    x = columns(some, "x", range(6))
    features = np.hstack([x, x**2, np.tanh(x @ np.random.default_rng(1).normal(size=(6, 40)))])
    for task in range(8):
        share = explained(some[f"y{task}"].to_numpy(), features)
        assert (
            share < 0.04 if task in (1, 6) else share > 0.5
        )  # 52 columns on 4000 rows explain about 0.013 of noise
        assert some[f"y{task}"].std() == pytest.approx(1.0, abs=0.05)
    for task in (0, 2, 3, 4, 5, 7):
        np.testing.assert_allclose(some[f"y{task}"], plain[f"y{task}"])


def test_the_noise_is_as_large_as_asked():
    clean, noisy = (Teacher(TWO_TRUNKS, 6).table(4000, noise, 0) for noise in (0.0, 0.5))
    difference = columns(noisy, "y", range(8)) - columns(clean, "y", range(8))
    np.testing.assert_allclose(columns(clean, "y", range(8)).std(0), 1.0)
    np.testing.assert_allclose(difference.std(0), 0.5, rtol=0.05)
    assert np.abs(np.corrcoef(difference.T) - np.eye(8)).max() < 0.06


def test_a_conflicting_task_needs_its_trunks_features_of_the_inputs_in_reverse():
    clean, conflict = (
        Teacher(TWO_TRUNKS, 12, conflicting=own).table(3000, 0.0, 0) for own in ((), (2,))
    )
    for task in (0, 1, 3, *GROUPS[1]):
        np.testing.assert_array_equal(conflict[f"y{task}"], clean[f"y{task}"])
    fellows = columns(conflict, "y", (0, 1, 3))
    assert explained(clean["y2"].to_numpy(), fellows) > 1 - 1e-6
    assert explained(conflict["y2"].to_numpy(), fellows) < 0.5
    x, one, other = columns(clean, "x", range(12)), clean["y2"], conflict["y2"]
    slopes = [np.linalg.lstsq(x, y.to_numpy())[0] for y in (one, other)]
    assert np.corrcoef(slopes[0][::-1], slopes[1])[0, 1] > 0.9
    assert abs(np.corrcoef(slopes[0], slopes[1])[0, 1]) < 0.9


def test_classes_are_the_sign_and_the_largest_of_three():
    tree = SharingTree.shared(2, 1)
    numbers, labels = (
        Teacher(tree, 6, kinds=kinds).table(3000, 0.3, 0)
        for kinds in ((), (Binary(), Multiclass()))
    )
    np.testing.assert_array_equal(labels["y0"], (numbers["y0"] > 0).astype(int))
    shares = np.bincount(labels["y1"]) / 3000
    assert len(shares) == 3
    assert shares.min() > 0.1
    chosen = [
        numbers["y1"][labels["y1"] == label].mean() for label in range(3)
    ]  # the regression is the first of the three
    assert chosen[0] > max(chosen[1:])


def test_labels_are_missing_among_the_searchs_rows_only():
    dataset = planted(
        Teacher(SharingTree.shared(3, 1), 4, kinds=KINDS), 100, 150, labelled={0: 0.3, 2: 0.5}
    )
    missing, whole = (
        np.isnan(targets(dataset)),
        planted(Teacher(SharingTree.shared(3, 1), 4, kinds=KINDS), 100, 150),
    )
    assert missing[:100].sum(0).tolist() == [70, 0, 50]
    assert not missing[100:].any()
    assert [task.kind for task in dataset.tasks] == list(KINDS)
    np.testing.assert_allclose(targets(dataset)[~missing], targets(whole)[~missing])


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.6, 1.0])
def test_a_related_pairs_weights_have_the_cosine(correlation):
    """Least squares on normal inputs finds the direction of w, whatever function of w.x the target
    is (Stein's lemma).
    """
    dataset = related_pair(correlation, 19_000, 1_000, features=10)
    x = dataset.sources["related_pair"].inputs.to_numpy()
    one, other = np.linalg.lstsq(x, targets(dataset))[0].T
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) == pytest.approx(
        correlation, abs=0.02
    )
    assert [task.metric.name for task in dataset.tasks] == ["rmse", "rmse"]
    assert Counter(dataset.sources["related_pair"].splits.role.tolist()) == {
        TRAIN: 19_000,
        TEST: 1_000,
    }


def test_a_related_pairs_targets_follow_the_formula():
    dataset = related_pair(1.0, 60, 40, features=3, noise=0.0, seed=5)
    x = dataset.sources["related_pair"].inputs.to_numpy()
    w = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 2)))[0][:, 0]
    z = x @ w
    by_hand = z + np.sin(z) + np.sin(2 * z + 0.8) + np.sin(3 * z + 1.6) + np.sin(4 * z + 2.4)
    np.testing.assert_allclose(dataset.targets["y0"], by_hand)
    np.testing.assert_allclose(dataset.targets["y1"], by_hand)
    noisy = related_pair(1.0, 3000, 1000, features=3, noise=0.2, seed=5)
    assert (noisy.targets["y0"] - noisy.targets["y1"]).std() == pytest.approx(
        0.2 * np.sqrt(2), rel=0.05
    )


@pytest.fixture
def source():
    """40 rows, of which 25 are test rows; 5 groups of 4, 1, 10, 5 and 5 test rows, and one without
    test rows.
    """
    group = np.repeat([3, 7, 1, 0, 9, 4], [4, 1, 10, 5, 5, 15])
    order = np.random.default_rng(0).permutation(40)
    splits = Splits(np.where(group == 4, TRAIN, TEST)[order], False, group[order])
    return Source("s", pd.DataFrame({"x": np.arange(40.0)}), splits)


def test_a_sample_keeps_groups_whole_and_holds_test_rows_only(source):
    role, group = source.splits.role, source.splits.group
    drawn = []
    for seed in range(50):
        rows = resample(source, seed)
        assert (role[rows] == TEST).all()
        times = Counter(rows.tolist())
        by_group = {
            each: [times[row] for row in np.flatnonzero(group == each)] for each in (3, 7, 1, 0, 9)
        }
        assert all(len(set(counts)) == 1 for counts in by_group.values())
        assert sum(counts[0] for counts in by_group.values()) == 5
        drawn.append([counts[0] for counts in by_group.values()])
    np.testing.assert_allclose(np.mean(drawn, 0), 1.0, atol=0.35)
    assert np.max(drawn) > 1


def test_without_groups_a_sample_is_as_large_as_the_test_rows(source):
    source = replace(source, splits=replace(source.splits, group=None))
    samples = [resample(source, seed) for seed in range(50)]
    assert {len(rows) for rows in samples} == {25}
    assert all((source.splits.role[rows] == TEST).all() for rows in samples)
    shares = [len(np.unique(rows)) / 25 for rows in samples]
    assert np.mean(shares) == pytest.approx(
        1 - (1 - 1 / 25) ** 25, abs=0.03
    )  # drawn with replacement
    np.testing.assert_array_equal(resample(source, 7), samples[7])
    assert not np.array_equal(samples[7], samples[8])
