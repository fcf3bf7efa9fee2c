"""Commands are spelled as the program was called."""

import sys

import pytest

from mtlsearch.program import command


@pytest.mark.parametrize(
    ("called", "spelled"),
    [
        ("cli.py", "python cli.py"),
        ("../a b/cli.py", "python '../a b/cli.py'"),
        ("/usr/lib/python3/site-packages/mtlsearch/__main__.py", "python -m mtlsearch"),
        ("/home/me/.local/bin/mtlsearch", "mtlsearch"),
        ("/usr/lib/ipykernel_launcher.py", "mtlsearch"),
        ("", "mtlsearch"),
    ],
)
def test_a_command_is_spelled_as_the_program_was_called(monkeypatch, called, spelled):
    monkeypatch.setattr(sys, "argv", [called])
    assert command("report", "my study", "--open") == f"{spelled} report 'my study' --open"
