"""Options of tasks in the card and on the command line."""

import numpy as np
import pandas as pd
import pytest

from mtlsearch.data import load
from mtlsearch.errors import DataError, UsageError

CARD = """
sources: {{t: {{path: t.csv}}}}
tasks:
  stay: {{{stay}}}
  cost: {{{cost}}}
"""


@pytest.fixture
def card(tmp_path):
    """Writes a card of two tasks with options, and its table; returns its path."""
    draw = np.random.default_rng(0)
    table = pd.DataFrame(draw.normal(size=(60, 4)), columns=["x", "z", "stay", "cost"])
    table.to_csv(tmp_path / "t.csv", index=False)

    def write(stay="", cost=""):
        path = tmp_path / "card.yaml"
        path.write_text(CARD.format(stay=stay, cost=cost), "utf-8")
        return str(path)

    return write


def described(dataset):
    return {task.name: task.options.description for task in dataset.tasks}


def test_a_card_and_flags_give_options(card):
    path = card("importance: 3, at_most_worse: 1.5%", "auxiliary: true")
    given = {"stay": "importance 3, at most 1.5% worse", "cost": "auxiliary"}
    assert described(load(path)) == given
    flags = ["--importance stay=3", "--at-most-worse stay=1.5", "--auxiliary cost"]
    plain = card()
    assert described(load(plain, options=flags)) == given
    assert described(load(plain, ["cost", "stay"], options=flags)) == given
    table = plain.replace("card.yaml", "t.csv")
    assert described(load(table, ["stay", "cost"], options=flags)) == given


def test_options_change_the_digest_and_their_absence_does_not(card):
    plain = load(card())
    assert load(card("importance: 1, auxiliary: false")).digest == plain.digest
    for option in ("importance: 3", "auxiliary: true", "at_most_worse: 0"):
        assert load(card(option)).digest != plain.digest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stay": "importance: 0"}, "tasks.stay.importance: input should be greater than 0"),
        ({"stay": "at_most_worse: much"}, "tasks.stay.at_most_worse: .*, found 'much'"),
        (
            {"stay": "auxiliary: true", "cost": "auxiliary: true"},
            "tasks: all are auxiliary, so that nothing is scored",
        ),
        ({"stay": "auxiliary: true, at_most_worse: 1"}, "an auxiliary task is not scored"),
    ],
)
def test_options_that_make_no_sense_are_refused(card, options, message):
    with pytest.raises(DataError, match=message):
        load(card(**options))


@pytest.mark.parametrize(
    ("flag", "error", "message"),
    [
        ("--importance stay", UsageError, '--importance: "stay" cannot be read; allowed is NAME='),
        ("--importance sta=2", DataError, '--importance: "sta" is unknown; did you mean "stay"'),
        ("--importance stay=-1", DataError, "--importance stay: importance: .* found '-1'"),
        ("--auxiliary x", DataError, '--auxiliary: "x" is unknown'),
    ],
)
def test_flags_that_make_no_sense_are_refused(card, flag, error, message):
    with pytest.raises(error, match=message):
        load(card(), options=[flag])
