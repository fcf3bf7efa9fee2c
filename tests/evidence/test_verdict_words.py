"""No sentence of a verdict contradicts its figures, whatever the intervals, margins and caveats."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from mtlsearch.evidence import verdict
from mtlsearch.evidence.caveats import Caveat
from mtlsearch.evidence.contenders import Contender
from mtlsearch.evidence.verdict import Verdict
from tests.support.contests import ALONE, TOGETHER, UNKNOWN, contender, limit, question

ARMS = ("first", "second", "third")
SOME = (("a", "c"), ("b",))
NUMBER = re.compile(r"95% interval ([-+.\d]+) to ([-+]?\d+\.\d+)")

near_marks = st.sampled_from([-1.004, -1.0, -0.996, -0.001, 0.0, 0.001, 0.996, 1.0, 1.004])
anywhere = st.floats(-5.0, 5.0, allow_nan=False).map(lambda value: round(value, 6))
ends = st.one_of(
    st.just(UNKNOWN),
    st.tuples(st.one_of(near_marks, anywhere), st.one_of(near_marks, anywhere)).map(
        lambda pair: (min(pair), max(pair))
    ),
)
limits = st.lists(st.builds(limit, st.sampled_from([0.5, 1.0, 3.0]), ends), max_size=1)
caveats = st.lists(
    st.builds(Caveat, st.sampled_from(["One is so.", "Another is so."]), st.booleans()), max_size=2
)


@st.composite
def contests(draw: st.DrawFn) -> list[Contender]:
    """One to three contenders."""
    count = draw(st.integers(1, len(ARMS)))
    contenders = []
    for arm in ARMS[:count]:
        made = contender(
            draw(ends),
            arm,
            gain=draw(st.sampled_from([-1.0, 0.5, 2.0])),
            groups=draw(st.sampled_from([TOGETHER, SOME])),
            limits=draw(limits),
            pretrained=draw(st.booleans()),
        )
        contenders.append(made)
    return contenders


@settings(max_examples=300, deadline=None)
@given(contests(), st.sampled_from([0.0, 0.5, 1.0, 2.5]), caveats, st.sampled_from([30, 100, 300]))
def test_every_claim_of_the_sentence_holds(contenders, margin, caveats, macs) -> None:
    asked = question(contenders, margin, macs, caveats=caveats)
    found = verdict.decide(contenders, asked)
    by_arm = {entry.arm: entry for entry in contenders}
    standing = by_arm[found.arm]
    _assert_decision(found, standing, contenders, margin)
    _assert_words(found, standing, margin)
    _assert_conditions(found, standing, by_arm, margin)
    _assert_figures(found, by_arm)
    _assert_caveats(found, caveats)
    recommended = by_arm.get(found.recommended)
    assert found.recommended == ALONE or recommended is not None
    assert recommended is None or not recommended.unsure


def _assert_decision(
    found: Verdict, standing: Contender, contenders: list[Contender], margin: float
) -> None:
    """What is claimed is so of the intervals."""
    gain = standing.comparison.gain
    if found.decision in ("share", "share some"):
        assert gain.low > 0 and all(entry.is_kept for entry in standing.comparison.limits)
        assert (found.decision == "share") == (len(standing.groups) == 1)
    if found.decision == "do not share":
        assert all(entry.loses or entry.broken for entry in contenders)
    if found.decision == "equal":
        assert not standing.unsure
        assert -margin <= gain.low and gain.high <= margin
        for entry in contenders:
            assert entry.hurts or entry.comparison.gain.high <= margin


def _assert_words(found: Verdict, standing: Contender, margin: float) -> None:
    """Better and worse are said where the interval is so."""
    words = found.sentence
    gain = standing.comparison.gain
    if "is better than separate models" in words:
        assert gain.low > 0
    if found.arm in words and f"({found.arm}) is worse than separate models" in words:
        assert gain.high < 0
    if "may be better by more" in words or "may be better or worse" in words:
        assert gain.low <= 0 and gain.high > margin
    if "may be worse by more" in words or "may be better or worse" in words:
        assert gain.high >= 0 and gain.low < -margin
    if "is not better than separate models by more" in words:
        assert gain.high <= margin
    if "is not worse than separate models by more" in words:
        assert gain.low >= -margin


def _assert_conditions(
    found: Verdict, standing: Contender, by_arm: dict[str, Contender], margin: float
) -> None:
    """What is said of margins, limits and arms is so, and the arms that leave it open are named."""
    words = found.sentence
    gain = standing.comparison.gain
    if "are equal within" in words or "differ by no more than" in words:
        assert -margin <= gain.low and gain.high <= margin
    if "worse than allowed" in words:
        assert any(not entry.is_kept for entry in standing.comparison.limits)
    if "cannot be known" in words:
        assert gain.low is None
    for arm in found.undecided:
        assert f"({arm})" in words
        assert not by_arm[arm].hurts
    is_open = found.decision == "cannot tell" and "figures alone" not in words
    assert bool(found.undecided) == is_open


def _assert_figures(found: Verdict, by_arm: dict[str, Contender]) -> None:
    """Printed ends are on the side of zero that they are on, and no zero has a sign."""
    assert not re.search(r"[+-]0\.0+(?!\d)", found.figures)
    if found.decision in ("share", "share some"):
        assert not NUMBER.search(found.figures).group(1).startswith("-")
        assert float(NUMBER.search(found.figures).group(1)) > 0
    if found.decision == "do not share" and by_arm[found.arm].loses:
        assert float(NUMBER.search(found.figures).group(2)) < 0


def _assert_caveats(found: Verdict, caveats: list[Caveat]) -> None:
    """All stand in the verdict, those that forbid a claim first; then nothing is claimed."""
    lowering = [entry.sentence for entry in caveats if entry.lowers]
    assert list(found.caveats[: len(lowering)]) == lowering
    assert all(entry.sentence in found.caveats for entry in caveats)
    if lowering:
        assert found.decision == "cannot tell"
