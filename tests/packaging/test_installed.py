"""The wheel works without a checkout: it is built, installed, and run in an empty folder."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from mtlsearch import __version__
from tests.support.running_program import ROOT

pytestmark = pytest.mark.slow

SEARCH = (
    "search penguins --space quick --trainings 2 --epochs 2 --seeds 2 --runner local"
    " --engine serial --no-references --arms searched,single_task --study study"
)


def _run(*words, folder):
    """What a program prints in a folder; it must succeed."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the sdist, as `python -m build` does."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, folder=folder)
    assert len(list(folder.glob("*.tar.gz"))) == 1
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def programs(wheel, tmp_path_factory):
    """The folder of programs of a new environment, which borrows all but mtlsearch itself."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False)
    packages = next(environment.glob("lib/python*/site-packages"))
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed))
    programs = environment / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    _run(*pip, "install", "--no-deps", "--no-index", wheel, folder=environment)
    return programs


def test_the_installed_program_needs_no_checkout(programs, tmp_path):
    where = _run(
        programs / "python", "-c", "import mtlsearch; print(mtlsearch.__file__)", folder=tmp_path
    )
    assert Path(where.strip()).is_relative_to(programs.parent)
    program = programs / "mtlsearch"
    assert _run(program, "--version", folder=tmp_path) == f"mtlsearch {__version__}\n"
    assert "default " in _run(program, "spaces", folder=tmp_path)
    assert "COMMAND" in _run(programs / "python", "-m", "mtlsearch", "--help", folder=tmp_path)
    assert "report: study" in _run(program, *SEARCH.split(), folder=tmp_path)
    _run(program, "export", "study", "--to", "model", folder=tmp_path)
    assert (tmp_path / "model/predict.py").is_file()


def test_the_wheel_holds_every_file_that_is_no_code(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    kept = subprocess.run(
        ["git", "ls-files", "mtlsearch"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = kept.stdout.split()
    assert len(files) > 300
    assert [file for file in files if file not in packed] == []
