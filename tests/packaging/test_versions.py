"""The versions that are promised are the versions that are tried."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.running_program import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _pinned(file):
    """The versions that a file of constraints pins, by name."""
    versions = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            versions[canonicalize_name(name)] = Version(version)
    return versions


def test_the_oldest_versions_are_those_that_are_allowed():
    lowest = {}
    for line in PROJECT["dependencies"]:
        requirement = Requirement(line)
        bounds = [bound.version for bound in requirement.specifier if bound.operator == ">="]
        assert len(bounds) == 1, f"{line}: one lower bound is needed"
        lowest[canonicalize_name(requirement.name)] = Version(bounds[0])
    assert _pinned("constraints-oldest.txt") == lowest


def test_the_pinned_versions_are_allowed():
    pinned = _pinned("constraints.txt")
    extras = PROJECT["optional-dependencies"]
    lines = list(PROJECT["dependencies"])
    for extra in ("dev", "onnx", "docs", "notebook"):
        lines += extras[extra]
    for line in lines:
        requirement = Requirement(line)
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{line}: constraints.txt has {version}"


def test_the_version_has_three_numbers():
    version = (ROOT / "mtlsearch/version.py").read_text(encoding="utf-8")
    assert re.search(r'^__version__ = "\d+\.\d+\.\d+"$', version, flags=re.MULTILINE)
