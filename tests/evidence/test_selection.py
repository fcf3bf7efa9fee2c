"""Pooling replicates, the front, and the choice of an arm's model."""

import pytest

from mtlsearch.evidence.candidate_summary import pool
from mtlsearch.evidence.front import front
from mtlsearch.evidence.selection import best_per_task, pick, reference_scores
from tests.support.skill import scales_of


def numbers(found):
    return [each.number for each in found]


def test_replicates_are_pooled_by_candidate(train, tasks):
    eights, sixteens = (
        [train(3, 8, 0.9, 1.0, replicate=1), train(0, 8, 0.7, 2.0)],
        [train(1, 16, 0.6, 3.0), train(2, 16, 0.6, 3.5)],
    )
    found = pool([*eights, *sixteens], None, 2)
    assert numbers(found) == [0, 1]
    assert [each.replicates for each in found] == [2, 2]
    assert found[0].scores == pytest.approx({"a": 0.8, "b": 1.5})
    assert found[0].standard_errors == pytest.approx({"a": 0.1, "b": 0.5})
    assert (found[0].parameters, found[0].macs_per_example) == (800, 80)


def test_a_failed_replicate_drops_its_candidate(train, tasks):
    found = pool(
        [train(0, 8, 0.9, 1.0), train(1, 8), train(2, 16, 0.6, 3.0), train(3, 16, 0.6, 3.0)],
        None,
        2,
    )
    assert numbers(found) == [2]


def test_fewer_replicates_than_asked_for_are_left_out(train, tasks):
    found = pool([train(0, 8, 0.6, 3.0), train(1, 8, 0.6, 3.0), train(2, 16, 0.99, 0.1)], None, 2)
    assert numbers(found) == [0]


def test_fewer_replicates_count_where_no_candidate_has_as_many(train, tasks):
    assert numbers(
        pool([train(0, 8, 0.6, 3.0), train(1, 16, 0.9, 1.0), train(2, 32)], None, 2)
    ) == [0, 1]


def test_nothing_trained_gives_nothing(train, tasks):
    assert pool([], None, 1) == []
    assert pool([train(0)], None, 1) == []


def test_the_front_holds_what_no_other_beats_in_everything(evaluate, tasks):
    best_a, best_b, between = evaluate(0, 0.9, 3.0), evaluate(1, 0.6, 1.0), evaluate(2, 0.8, 2.0)
    dominated, tied_but_worse = evaluate(3, 0.7, 2.5), evaluate(4, 0.9, 3.1)
    assert numbers(front([dominated, best_a, tied_but_worse, best_b, between], tasks)) == [0, 1, 2]
    assert front([], tasks) == []


def test_of_equals_all_are_on_the_front(evaluate, tasks):
    assert numbers(front([evaluate(0, 0.9, 1.0), evaluate(1, 0.9, 1.0)], tasks)) == [0, 1]


@pytest.mark.parametrize(
    ("cost", "expected"), [("none", [0]), ("parameters", [0, 1]), ("macs", [0, 2])]
)
def test_a_cost_keeps_what_is_cheaper(evaluate, tasks, cost, expected):
    best = evaluate(0, 0.9, 1.0, parameters=100, macs=100)
    small, quick = (
        evaluate(1, 0.8, 2.0, parameters=50, macs=100),
        evaluate(2, 0.8, 2.0, parameters=100, macs=50),
    )
    assert numbers(front([best, small, quick], tasks, cost)) == expected


def test_the_best_of_a_task_minds_its_direction(evaluate, tasks):
    best = best_per_task(
        [evaluate(0, 0.9, 3.0), evaluate(1, 0.6, 1.0), evaluate(2, 0.9, 1.0)], tasks
    )
    assert (best["a"].number, best["b"].number) == (0, 1)


def test_the_reference_is_the_best_single_task_or_else_the_median(evaluate, tasks):
    single = [evaluate(0, 0.9, 3.0), evaluate(1, 0.6, 1.0)]
    assert reference_scores(single, [], tasks) == {"a": 0.9, "b": 1.0}
    everything = [evaluate(0, 0.1, 1.0), evaluate(1, 0.2, 2.0), evaluate(2, 0.9, 30.0)]
    assert reference_scores([], everything, tasks) == {"a": 0.2, "b": 2.0}


def test_the_pick_has_the_best_mean_skill(evaluate, tasks):
    reference = {"a": 0.5, "b": 2.0}
    found = pick(
        "searched",
        [evaluate(0, 0.6, 2.0), evaluate(1, 0.5, 1.0, width=16), evaluate(2, 0.9, 4.0)],
        scales_of(tasks),
        reference,
    )
    assert found.candidate == 1  # +25 points, against +10 and -10
    assert found.validation_gain == pytest.approx(25.0)
    [component] = found.composition
    assert (component.tasks, component.candidate.backbone.width) == ((0, 1), 16)


def test_each_task_may_take_its_component_from_the_candidate_that_is_best_for_it(evaluate, tasks):
    arm = [
        evaluate(0, 0.9, 3.0, width=8, shared=False),
        evaluate(1, 0.6, 1.0, width=16, shared=False),
    ]
    found = pick("alone", arm, scales_of(tasks), {"a": 0.9, "b": 1.0}, per_task=True)
    assert found.candidate is None
    assert found.validation_gain == pytest.approx(0.0)
    assert [(part.tasks, part.candidate.backbone.width) for part in found.composition] == [
        ((0,), 8),
        ((1,), 16),
    ]


def test_tasks_that_take_their_components_from_one_candidate_pick_that_one(evaluate, tasks):
    best = evaluate(0, 0.9, 1.0, width=8, shared=False)
    worse = evaluate(1, 0.6, 3.0, width=16, shared=False)
    found = pick("alone", [worse, best], scales_of(tasks), {"a": 0.9, "b": 1.0}, per_task=True)
    assert found.candidate == 0
    assert found.composition == best.composition


def test_must_share_leaves_separate_candidates_out(evaluate, tasks):
    separate, shared = evaluate(0, 0.9, 1.0, shared=False), evaluate(1, 0.8, 2.0)
    tied = evaluate(2, 0.7, 2.0, shared=False, tied=True)
    scales = scales_of(tasks)
    reference = {"a": 0.8, "b": 2.0}
    assert pick("searched", [separate, shared, tied], scales, reference).candidate == 0
    assert (
        pick("searched", [separate, shared, tied], scales, reference, must_share=True).candidate
        == 1
    )
    assert pick("searched", [separate, tied], scales, reference, must_share=True).candidate == 2
    assert pick("searched", [separate], scales, reference, must_share=True) is None
    assert pick("searched", [], scales, reference) is None
