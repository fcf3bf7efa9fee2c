"""Commands are spelled as the program was called."""

import sys

import pytest

from mtlsearch.program import as_parameters, command


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


@pytest.mark.parametrize(
    ("words", "spelled"),
    [
        ("--seeds: found 0; allowed: auto", "seeds: found 0; allowed: auto"),
        ("--minutes 1.5: 8 trainings", "minutes=1.5: 8 trainings"),
        ("say --more-baseline or --no-references", "say more_baseline or references=False"),
        ("an em--dash and column --", "an em--dash and column --"),
    ],
)
def test_options_are_spelled_as_parameters(words, spelled):
    assert as_parameters(words) == spelled


def test_a_command_to_copy_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["cli.py"])
    start = command("search", "DATA", "--study", "a")
    assert as_parameters(f"--epochs: found 2; go on: {start}") == f"epochs: found 2; go on: {start}"
