"""The versions that a result depends on."""

import platform
from importlib.metadata import version

from mtlsearch.version import __version__

PACKAGES = ("torch", "ray", "optuna")


def installed_versions() -> dict[str, str]:
    """Names and versions of what is installed now; a study keeps those it was made with."""
    versions = {"mtlsearch": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        versions[package] = version(package)
    versions["platform"] = platform.platform()
    return versions
