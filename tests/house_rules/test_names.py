"""Names are nouns of the field: no pronouns for values, no rooms for whatever is left over."""

import re
from collections import Counter

import pytest

from tests.support.source import MODULES, bound_names, relative

PRONOUNS = {"each", "found", "own", "mine", "theirs"}
MOST = 6  # only ever lowered


def test_few_values_are_called_by_a_pronoun():
    counts = Counter()
    for path in MODULES:
        for name in bound_names(path):
            if name in PRONOUNS:
                counts[relative(path)] += 1
    worst = "\n".join(f"  {count:3d} {path}" for path, count in counts.most_common(15))
    assert counts.total() <= MOST, f"{counts.total()} values, at most {MOST}:\n{worst}"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_room_has_a_catch_all_name(path):
    assert not re.search(r"util|helper|manager|handler|common|misc", relative(path))
