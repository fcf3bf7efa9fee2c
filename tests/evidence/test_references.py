"""Ready-made models against the recommended one: chosen on validation rows, claimed with Holm."""

from dataclasses import replace

import numpy as np
import pytest

from mtlsearch.evidence.ensemble import JackknifedScores
from mtlsearch.evidence.references import (
    ReferenceScores,
    choose_references,
    compare_reference,
    compare_reference_ensembles,
    reference_sentence,
)
from mtlsearch.evidence.scoring import TestScores
from mtlsearch.tasks import TASK_KINDS, Task, TaskOptions
from tests.support.skill import scales_of

KIND = TASK_KINDS["regression"]
TASKS = [Task(name, KIND, KIND.metrics[1], "s", name) for name in ("a", "b", "c")]  # rmse
CHANCE = np.array([0.00, 0.01, -0.01, 0.02, -0.02])
SEEDS = len(CHANCE)


def scores(means, chance=CHANCE):
    """Test scores by seed, around a mean for each task."""
    by_seed = {}
    for seed, wiggle in enumerate(chance):
        values = {name: mean + wiggle for name, mean in means.items()}
        resampled = {name: np.full(3, value) for name, value in values.items()}
        by_seed[seed] = TestScores(values, resampled)
    return by_seed


def reference(name, validation, test, chance=-CHANCE):
    by_task = {task: [value] * SEEDS for task, value in validation.items()}
    return ReferenceScores(name, by_task, scores(test, chance))


RECOMMENDED = scores({"a": 2.0, "b": 2.0, "c": 2.0})


def choose(references, tasks=TASKS):
    comparisons = {
        entry.name: compare_reference(entry, RECOMMENDED, scales_of(tasks), {})
        for entry in references
    }
    return choose_references(references, comparisons, tasks, SEEDS)


def test_the_choice_is_made_on_validation_rows_whatever_the_test_rows_say():
    forest = reference("forest", {"a": 1.0, "b": 1.0}, {"a": 3.0, "b": 1.0})
    linear = reference("linear", {"a": 1.1, "b": 1.1}, {"a": 1.0, "b": 3.0})
    chosen = choose([linear, forest], TASKS[:2])
    assert [choice.reference for choice in chosen.values()] == ["forest", "forest"]
    assert [choice.result for choice in chosen.values()] == ["lose", "win"]
    assert chosen["b"].gain.mean == pytest.approx(50.0)
    swapped = choose(
        [replace(linear, test=forest.test), replace(forest, test=linear.test)], TASKS[:2]
    )
    assert [choice.reference for choice in swapped.values()] == ["forest", "forest"]
    assert [choice.result for choice in swapped.values()] == ["win", "lose"]


def test_claims_hold_for_all_tasks_together():
    """What one task alone would claim is no claim among three."""
    test = {"a": 1.953, "b": 2.0, "c": 2.0}
    forest = reference("forest", dict.fromkeys("abc", 1.0), test)
    assert choose([forest], TASKS[:1])["a"].result == "win"
    together = choose([forest])
    assert together["a"].gain.low < 0
    assert [choice.result for choice in together.values()] == ["tie", "tie", "tie"]


def test_of_an_auxiliary_task_no_claim_is_made_and_others_need_no_correction_for_it():
    auxiliary = replace(TASKS[1], options=TaskOptions(auxiliary=True))
    forest = reference("forest", dict.fromkeys("ab", 1.0), {"a": 1.953, "b": 1.0})
    comparison = compare_reference(forest, RECOMMENDED, scales_of([TASKS[0], auxiliary]), {})
    assert comparison.gains["b"].mean == pytest.approx(50.0)
    assert comparison.gain.mean == pytest.approx(comparison.gains["a"].mean)
    assert choose([forest], [TASKS[0], auxiliary])["a"].result == "win"


def test_a_reference_without_a_task_has_no_mean_gain_and_is_not_chosen_for_it():
    forest = reference("forest", {"a": 1.0}, {"a": 1.0})
    comparison = compare_reference(forest, RECOMMENDED, scales_of(TASKS[:2]), {})
    assert comparison.gain is None
    assert comparison.gains.keys() == {"a"}
    assert choose([forest], TASKS[:2]).keys() == {"a"}


def test_one_that_lacks_a_seed_comes_after_those_that_have_all():
    forest = reference("forest", {"a": 1.0}, {"a": 1.0})
    few = replace(forest, validation={"a": [1.0]}, test={0: forest.test[0]})
    linear = reference("linear", {"a": 1.5}, {"a": 1.0})
    assert choose([few, linear], TASKS[:1])["a"].reference == "linear"


def test_pairs_are_those_of_the_same_seed():
    """What both models have in common of a seed is no doubt about their difference."""
    alike = reference("forest", {"a": 1.0}, {"a": 1.9}, CHANCE)
    apart = reference("forest", {"a": 1.0}, {"a": 1.9})
    paired = compare_reference(alike, RECOMMENDED, scales_of(TASKS[:1]), {}).gains["a"]
    crossed = compare_reference(apart, RECOMMENDED, scales_of(TASKS[:1]), {}).gains["a"]
    assert paired.high - paired.low < 1e-6 < crossed.high - crossed.low


def test_the_sentence_names_what_is_better_by_how_much():
    forest = reference("forest", dict.fromkeys("ab", 1.0), {"a": 1.0, "b": 2.0})
    choices = list(choose([forest], TASKS[:2]).values())
    sentence = reference_sentence(choices)
    assert sentence.startswith(
        "Ready-made models are better than the recommended model: on a forest by 50.00 points of "
    )
    assert "on b" not in sentence
    nothing = reference_sentence(choices[1:])
    assert nothing == (
        "No ready-made model is surely better than the recommended model on the only task."
    )
    assert reference_sentence([]) == ""


def ensemble(means, spread):
    """The scores of an ensemble, and those without each model, which differ by `spread`."""
    values = {name: np.full(3, value) for name, value in means.items()}
    without = []
    for step in (-spread, 0.0, spread):
        without.append({name: value + step for name, value in means.items()})
    return JackknifedScores(TestScores(means, values), without)


def test_ensembles_are_compared_with_ensembles_on_the_tasks_that_both_have():
    recommended = ensemble({"a": 2.0, "b": 2.0, "c": 2.0}, 0.0)
    ours = ensemble({"a": 1.0, "b": 3.0}, 0.01)
    comparison = compare_reference_ensembles("forest", ours, recommended, scales_of(TASKS), {})
    assert comparison.gain is None
    assert comparison.gains.keys() == {"a", "b"}
    assert comparison.gains["a"].mean == pytest.approx(50.0)
    assert comparison.gains["b"].mean == pytest.approx(-50.0)
    assert comparison.gains["a"].low > 0
    unsure = ensemble({"a": 1.0, "b": 3.0}, 5.0)
    wider = compare_reference_ensembles("forest", unsure, recommended, scales_of(TASKS[:2]), {})
    assert wider.gains["a"].low < 0
    assert wider.gain.mean == pytest.approx(0.0)
