"""How the program must refuse: in one line, with its exit code, and with what is to be done."""

from collections.abc import Sequence

from tests.support.running_program import Finished, one_error_line


def refused(done: Finished, codes: Sequence[int], words: str) -> None:
    """Assert that a run ended so, and that its only error line has some words."""
    assert done.code in codes, done
    line = one_error_line(done)
    assert words in line, line
