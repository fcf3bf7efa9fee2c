"""Values that people and programs put where something else belongs, as strategies of hypothesis."""

import datetime
import math

from hypothesis import strategies as st

NUMBERS = (0, -1, 2, 10**9, -(10**18), 10**4000, 1e-300, 1e30, 1e308, math.inf, -math.inf, math.nan)
WORDS = (
    "",
    " ",
    "~",
    "null",
    "../../etc/passwd",
    "/dev/zero",
    "a" * 300,
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "{{ 7 * 7 }}",
    "%s%n",
    "a\x00b",
    "line\nbreak",
    "\x1b[31mred",
    "mtlsearch.errors:MtlsearchError",
)
DATES = (datetime.date(1, 1, 1), datetime.datetime(2023, 12, 31, 23, 59, 59))
YAML_SNIPPETS = (
    "2023-13-45",
    "!!int abc",
    "!!float x",
    "!!binary '***'",
    "!!timestamp soon",
    "!!set {a, b}",
    "!!python/object/apply:os.system ['true']",
    "!unknown {}",
    "&a [*a]",
    "*missing",
    '"\\ud800"',
    "<<: 3",
    "? [a, b] : c",
    "'never closed",
    "[1, 2",
    "{a: 1",
    "\t- tab",
    "- a\n- b",
    "1_000__0",
    "0x",
    "@",
    "%YAML 9.9",
    "[" * 3000,
    "{a: " * 3000,
    "1" * 5000,
)


def words() -> st.SearchStrategy[str]:
    """Text that was made to hurt, and any other."""
    return st.one_of(st.sampled_from(WORDS), st.text(max_size=12))


def values() -> st.SearchStrategy[object]:
    """Anything that YAML can write, mostly of the wrong kind."""
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from(NUMBERS),
        st.integers(-5, 5000),
        st.floats(),
        words(),
        st.sampled_from(DATES),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(words(), inner, max_size=3),
        ),
        max_leaves=4,
    )
