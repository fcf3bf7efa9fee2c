"""What needs no network imports none: `status`, and refusals of what is spelled wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mtlsearch.search.request import Request
from mtlsearch.search.study import Study
from tests.support.running_program import ROOT

REFUSALS = (
    ("--sampler", "affinit", 'did you mean "affinity"'),
    ("--engine", "fores", 'did you mean "forest"'),
    ("--arms", "searched,singl_task", 'did you mean "single_task"'),
    ("--compare", "singel", 'did you mean "single"'),
    ("--effort", "quik", 'did you mean "quick"'),
    ("--seeds", "many", "allowed: auto"),
)
CODE = """
import json, sys
from mtlsearch.commands import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["cli.py", *arguments]
    try:
        main()
    except SystemExit as end:
        print("exit", end.code)
print([name for name in ("torch", "sklearn", "pandas", "scipy") if name in sys.modules])
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a fresh interpreter says to all of these, one after another."""
    folder = tmp_path_factory.mktemp("light") / "study"
    request = Request(
        data="d", task_flags=(), space={}, space_name="s", digest="d" * 8, created="now"
    )
    Study.create(folder, request, None)
    commands = [["search", option, value] for option, value, _ in REFUSALS]
    commands += [["search", str(Path("absent.csv"))], ["status", str(folder)]]
    commands += [[name, "--space", "quik"] for name in ("search", "check")]
    commands += [["check", "--arms", "serched"]]
    return subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(commands)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def test_none_of_them_imports_what_trains(output: str) -> None:
    assert output.splitlines()[-1] == "[]"


def test_each_says_what_was_meant(output: str) -> None:
    for option, _, words in REFUSALS:
        lines = [line for line in output.splitlines() if line.startswith(f"error: {option}")]
        assert words in lines[0]
    assert "absent.csv: no such file" in output
    assert "not finished; go on with" in output
    assert output.count('"quik" is unknown; did you mean "quick"') == 3  # with that of --effort
    assert '"serched" is unknown; did you mean "searched"' in output
    assert output.count("exit 2") == len(REFUSALS) + 1
    assert output.count("exit 3") == 3
    assert output.count("exit 0") == 1
