"""The README's commands are run as they stand."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mtlsearch.commands import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    return [
        line for block in blocks for line in block.splitlines() if line.startswith("python cli.py")
    ]


def test_the_readme_s_commands_work_in_their_order(tmp_path: Path) -> None:
    for name in ("cli.py", "mtlsearch", "search_spaces"):
        (tmp_path / name).symlink_to(ROOT / name)
    commands = _commands()
    assert len(commands) >= 9
    for command in commands:
        words = [sys.executable, *shlex.split(command)[1:]]
        done = subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (tmp_path / "studies/tour/report/report.html").is_file()
    assert len((tmp_path / "studies/tour.csv").read_text().splitlines()) == 343


def test_every_command_is_in_the_readme() -> None:
    names = [command.name or command.callback.__name__ for command in app.registered_commands]
    assert len(names) >= 8
    for name in names:
        assert f"cli.py {name}" in README


def test_the_files_that_the_documentation_links_to_exist() -> None:
    for page in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "search_spaces/README.md",
    ]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_s_python_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "mtlsearch").symlink_to(ROOT / "mtlsearch")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert "Adelie" in capsys.readouterr().out
    assert (tmp_path / "studies/birds-model/model.py").is_file()
