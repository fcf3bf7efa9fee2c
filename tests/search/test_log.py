"""The log of a study has everything; a program around it hears of what it asked for."""

import logging
from pathlib import Path

import pytest

from mtlsearch.search.log import LOG, study_log


class Kept(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.mark.parametrize(
    ("level", "heard"),
    [(logging.NOTSET, ["warns"]), (logging.INFO, ["tells", "warns"]), (logging.ERROR, [])],
)
def test_handlers_of_the_program_hear_what_their_levels_say(
    tmp_path: Path, level: int, heard: list[str]
) -> None:
    package = logging.getLogger("mtlsearch")
    handler = Kept()
    logging.getLogger().addHandler(handler)
    package.setLevel(level)
    try:
        with study_log(tmp_path):
            logging.getLogger("mtlsearch.search").info("tells")
            logging.getLogger("mtlsearch.search").warning("warns")
        assert package.level == level
        assert package.propagate
    finally:
        package.setLevel(logging.NOTSET)
        logging.getLogger().removeHandler(handler)
    assert handler.messages == heard
    text = (tmp_path / LOG).read_text("utf-8")
    assert "tells" in text
    assert "warns" in text
