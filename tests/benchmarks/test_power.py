"""The benchmark "power": which rows a study and the truth have, and what records come to."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.power.problems import (
    OUTER_FOLDS,
    PENGUINS,
    SINGLE_SPLIT,
    Case,
    cases,
    sample,
)
from benchmarks.power.studies import Known, Record, file_of, read, weighted
from benchmarks.power.summary import (
    falsely_equal,
    falsely_separates,
    falsely_shares,
    findings,
    holds_the_truth,
    pairs,
    recommended_gain,
)
from mtlsearch.data import TEST
from mtlsearch.data.outer_folds import further_outer_folds

CASE = Case("one group", 0, 150, SINGLE_SPLIT)
SURE = Record(
    case=CASE,
    decision="share",
    claim="share",
    arm="searched",
    recommended="share_all",
    gain=(3.0, 1.0, 5.0),
    seeds=5,
    minutes=2.0,
    options=(
        Known("single_task", macs=9, parameters=8, test=None, validation=(0.0, 0.5)),
        Known("searched", macs=7, parameters=6, test=(3.0, 1.0, 5.0), validation=None),
    ),
    true={"searched": 2.0, "share_all": 1.0},
    handed_over={"searched": 2.5, "share_all": 1.5},
)
OPEN = replace(SURE, decision="cannot tell", claim="cannot tell", gain=(1.0, -1.0, 3.0))


def _with_true(record, searched, share_all=-2.0):
    return replace(record, true={"searched": searched, "share_all": share_all})


def _in_folds(record):
    return replace(record, case=replace(record.case, outer_folds=OUTER_FOLDS))


def _values(records):
    return {(row.rows, row.what): row.estimate.value for row in findings(records)}


@pytest.fixture(scope="module")
def digits():
    return sample(Case("digits", 0, 150, OUTER_FOLDS))


def test_wherever_the_studies_end_both_conditions_and_all_sizes_have_the_same_problems():
    ordered = [case for case in cases() if case.problem != PENGUINS]
    for case, other in zip(ordered[::2], ordered[1::2], strict=True):
        assert replace(case, outer_folds=OUTER_FOLDS) == other
        assert case.outer_folds == SINGLE_SPLIT
    problems = [(case.problem, case.seed) for case in ordered]
    changes = sum(problem != following for problem, following in pairwise(problems))
    assert changes == len(set(problems)) - 1
    assert len(set(problems)) == 20
    assert {case.problem for case in cases()[-2:]} == {PENGUINS}
    assert len({case.name for case in cases()}) == len(cases())


def test_the_truth_has_the_training_rows_of_the_fold_and_no_row_of_the_study_as_test_row(digits):
    dataset = digits.dataset
    folds = [dataset, *further_outer_folds(dataset, OUTER_FOLDS, 0)]
    assert not set(digits.seen) & set(digits.others)
    tested = []
    for fold in folds:
        [seen] = fold.sources.values()
        [known] = digits.for_truth(fold).sources.values()
        is_trained = seen.splits.role != TEST
        trained = known.inputs[known.splits.role != TEST]
        np.testing.assert_array_equal(trained, seen.inputs[is_trained])
        others = digits.population.sources["digits"].inputs.iloc[digits.others]
        np.testing.assert_array_equal(known.inputs[known.splits.role == TEST], others)
        for task, labels in fold.targets.items():
            expected = np.concatenate(
                [labels[is_trained], digits.population.targets[task][digits.others]]
            )
            np.testing.assert_array_equal(digits.for_truth(fold).targets[task], expected)
        tested += np.flatnonzero(~is_trained).tolist()
    assert sorted(tested) == list(range(150))


def test_a_smaller_study_of_a_problem_has_rows_of_the_larger_one():
    small = sample(Case("vowel", 1, 150, SINGLE_SPLIT))
    large = sample(Case("vowel", 1, 400, SINGLE_SPLIT))
    assert set(small.seen) < set(large.seen)
    assert set(large.others) < set(small.others)
    assert len(large.others) == 990 - 400


def test_a_record_is_read_as_it_was_written(tmp_path):
    SURE.write(tmp_path)
    assert read(file_of(tmp_path, CASE)) == SURE
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_claims_are_false_where_the_truth_says_otherwise():
    assert not falsely_shares(SURE)
    assert falsely_shares(_with_true(SURE, 0.0))
    equal = replace(SURE, decision="equal")
    assert falsely_equal(equal)
    assert not falsely_equal(_with_true(equal, -1.0))
    separate = replace(SURE, decision="do not share")
    assert falsely_separates(_with_true(separate, -1.0, share_all=0.5))
    assert not falsely_separates(_with_true(separate, -1.0))
    for is_false in (falsely_shares, falsely_equal, falsely_separates):
        assert not is_false(_with_true(OPEN, -5.0))
    assert holds_the_truth(SURE)
    assert not holds_the_truth(_with_true(SURE, 0.9))


def test_the_recommended_model_gains_what_the_one_handed_over_gains():
    assert recommended_gain(SURE) == 1.5
    assert recommended_gain(replace(SURE, recommended="single_task")) == 0.0


def test_only_studies_with_both_conditions_count():
    other = replace(OPEN, case=replace(CASE, rows=400))
    penguins = replace(SURE, case=Case(PENGUINS, 0, 342, SINGLE_SPLIT))
    records = [OPEN, _in_folds(SURE), other, penguins, _in_folds(penguins)]
    assert pairs(records) == [(OPEN, _in_folds(SURE))]
    assert pairs([other]) == []
    assert findings([other]) == []


def test_power_is_of_problems_whose_true_gain_is_worth_seeing():
    small = replace(_with_true(OPEN, 0.5), case=replace(CASE, seed=1))
    values = _values([OPEN, _in_folds(SURE), small, _in_folds(small)])
    seen = "share or share some, of gains of a point"
    assert values[150, f"one split: {seen}"] == 0.0
    assert values[150, f"outer folds: {seen}"] == 1.0
    assert values[150, "outer folds: an answer"] == 0.5
    assert values[None, "outer folds: the interval holds the true gain"] == 1.0


def test_an_answer_that_a_caveat_takes_away_is_counted():
    lowered = replace(SURE, decision="cannot tell")
    values = _values([lowered, _in_folds(SURE)])
    assert values[150, "one split: an answer taken away by a caveat"] == 1.0
    assert values[150, "outer folds: an answer taken away by a caveat"] == 0.0


def test_folds_count_by_their_shares():
    assert weighted([{"searched": 1.0}, {"searched": 4.0}], [0.75, 0.25]) == {"searched": 1.75}
