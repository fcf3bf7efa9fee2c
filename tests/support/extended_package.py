"""A copy of the package to which something is added, as its users would: one file, one line."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import mtlsearch
from tests.support.running_program import ROOT, Finished

CACHES = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True)
class ExtendedPackage:
    """A folder with a copy of the package, of what lies beside it and of some tests."""

    folder: Path

    @classmethod
    def copy(cls, folder: Path, *tests: str) -> "ExtendedPackage":
        """Copy the package and the folders of these tests, by their names."""
        shutil.copytree(
            Path(mtlsearch.__file__).parent, folder / "mtlsearch", ignore=CACHES, dirs_exist_ok=True
        )
        shutil.copy(ROOT / "cli.py", folder)
        shutil.copytree(ROOT / "search_spaces", folder / "search_spaces")
        for name in ("support", *tests):
            shutil.copytree(ROOT / "tests" / name, folder / "tests" / name, ignore=CACHES)
        settings = "[pytest]\naddopts = --import-mode=importlib\npythonpath = .\n"
        (folder / "pytest.ini").write_text(settings + "filterwarnings = error\n")
        return cls(folder)

    def add(self, room: str, module: str, source: str, name: str, entry: str) -> None:
        """Write a module into a room, and one line (with its import) into the room's table.

        The table is the first dictionary of the room's `__init__.py`.
        """
        package = self.folder / "mtlsearch" / room
        (package / f"{module}.py").write_text(source, "utf-8")
        table = package / "__init__.py"
        lines = table.read_text("utf-8").splitlines()
        lines.insert(lines.index("}"), f"    {entry},")
        imports = [number for number, line in enumerate(lines) if line.startswith("from ")]
        lines.insert(imports[0], f"from mtlsearch.{room}.{module} import {name}")
        table.write_text("\n".join(lines) + "\n", "utf-8")

    def run_tests(self, *arguments: str) -> Finished:
        """Run pytest on the copied tests."""
        return self._python("-m", "pytest", "-v", "-p", "no:cacheprovider", *arguments)

    def run(self, *arguments: str) -> Finished:
        """Run `python cli.py ARGUMENTS`."""
        return self._python("cli.py", *arguments)

    def _python(self, *arguments: str) -> Finished:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)
