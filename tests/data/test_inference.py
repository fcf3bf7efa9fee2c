"""What a target column is taken for, and what is said of it."""

import numpy as np
import pandas as pd
import pytest

from mtlsearch.columns import RawColumn
from mtlsearch.data.card import TaskCard
from mtlsearch.data.inference import infer_target
from mtlsearch.errors import DataError

ROWS = 400


def understood(values, test_rows=0, **card):
    """Return what a column is taken for; its last rows are test rows."""
    raw = pd.Series(values)
    known = np.arange(len(raw)) < len(raw) - test_rows
    column = RawColumn("y", raw)
    return infer_target(column, known, TaskCard(**card), "file: y")


def cycled(*values):
    return np.resize(np.array(values), ROWS)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (cycled(*range(1, 6)), "multiclass"),  # stars
        (cycled(*range(10)), "multiclass"),  # digits
        (cycled(*range(18)), "multiclass"),  # nights
        (cycled(*range(21)), "regression"),
        (cycled(0, 1, 2, 4), "regression"),  # a gap
        (cycled(*range(2015, 2021)), "regression"),  # years
        (cycled(-1, 0, 1), "regression"),
        (cycled(47.1, 47.2, 48.0), "regression"),  # coordinates
        (cycled(47, 48, 51), "regression"),
        (cycled(0, 1), "binary"),
        (cycled(-1, 1), "binary"),
        (cycled("a", "b", "c"), "multiclass"),
        (cycled("no disease found", "disease is suspected", "disease was confirmed"), "multiclass"),
    ],
)
def test_what_a_column_is_taken_for(values, kind):
    assert understood(values).kind.name == kind


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            cycled(*range(18)),
            "multiclass (18 values); say y:regression or y:count if it is a number",
        ),
        (
            cycled(-1, 0, 1),
            "regression (3 values); say y:multiclass or y:ordinal if they are classes",
        ),
        (cycled(2015, 2017, 2020), "say y:multiclass or y:ordinal if they are classes"),
    ],
)
def test_few_whole_numbers_are_said(values, said):
    notices = "\n".join(understood(values).notices)
    assert said in notices
    for settled in (understood(values, kind="regression"), understood(values, metric="r2")):
        assert "; say " not in "\n".join(settled.notices)


@pytest.mark.parametrize("values", [cycled("a", "b", "c"), cycled(0, 1), np.arange(ROWS) / 7])
def test_nothing_is_asked_where_there_is_no_question(values):
    assert "; say " not in "\n".join(understood(values).notices)


@pytest.mark.parametrize(
    ("values", "content"),
    [
        (cycled(*(f"scans/{number}.png" for number in range(40))), "paths of files"),
        (cycled(*(f"{number} of them came back" for number in range(50))), "sentences"),
    ],
)
def test_paths_and_sentences_are_no_classes_unless_the_user_says_so(values, content):
    with pytest.raises(DataError, match=f"file: y: holds {content} with .* with kind multiclass"):
        understood(values)
    assert understood(values, kind="multiclass").kind.name == "multiclass"


def rare(positives, names=("ok", "theft")):
    """Return two classes of which the second has so many of 400 rows."""
    return np.where(np.arange(ROWS) < positives, names[1], names[0])


def test_rare_positives_are_scored_by_average_precision_and_it_is_said_why():
    target = understood(rare(8))
    assert target.metric.name == "average_precision"
    assert "metric average_precision, since theft is rare, 8 of 400 labels" in target.notices[1]
    assert understood(rare(40)).metric.name == "roc_auc"
    assert understood(rare(8), metric="roc_auc").metric.name == "roc_auc"


def test_the_order_says_which_class_is_positive():
    values = rare(8, names=("ok", "fraud"))
    assert understood(values).metric.name == "roc_auc"  # class 1 is ok
    target = understood(values, order=["ok", "fraud"])
    assert target.kind.name == "binary"
    assert target.metric.name == "average_precision"
    assert target.classes == ("ok", "fraud")
    assert target.labels.sum() == 8


def test_text_with_an_order_is_ordinal():
    target = understood(cycled("high", "low", "mid"), order=["low", "mid", "high"])
    assert target.kind.name == "ordinal"
    assert target.classes == ("low", "mid", "high")
    assert target.labels[:3].tolist() == [2, 0, 1]
    assert "ordinal, quadratic_kappa (inferred)" in target.notices[0]


def test_text_without_an_order_is_not_ordinal():
    with pytest.raises(
        DataError, match=r"y: kind ordinal needs .* text with its order in the card"
    ):
        understood(cycled("high", "low", "mid"), kind="ordinal")
    numbers = understood(cycled(3, 5, 7), kind="ordinal")
    assert numbers.classes == ("3", "5", "7")


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (["low", "mid"], 'order: does not have "high", which the column holds; found low, mid'),
        (["low", "mid", "hi", "high"], 'no row that is not a test row holds "hi"; the column hold'),
    ],
)
def test_an_order_that_does_not_fit_is_refused(order, message):
    with pytest.raises(DataError, match=message):
        understood(cycled("high", "low", "mid"), order=order)


def test_counts():
    target = understood(cycled(0, 1, 2, 40), kind="count")
    assert target.metric.name == "poisson_deviance"
    for wrong in (cycled(-1, 0, 1), cycled(0.5, 1, 2), cycled("a", "b")):
        with pytest.raises(DataError, match="y: kind count needs whole numbers from 0 on"):
            understood(wrong, kind="count")


def test_test_labels_that_are_no_counts_are_missing_and_it_is_said():
    values = np.concatenate([cycled(0, 1, 2), [-3.0, 1.5, 2.0]])
    target = understood(values, test_rows=3, kind="count")
    assert np.isnan(target.labels[-3:]).tolist() == [True, True, False]
    assert "2 test labels are not whole numbers from 0 on" in target.notices[-1]
