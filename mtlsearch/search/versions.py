"""The versions that a result depends on."""

import platform
from collections.abc import Mapping
from importlib.metadata import version

from mtlsearch.version import __version__

PACKAGES = ("torch", "ray", "optuna")
PLATFORM = "platform"


def installed_versions() -> dict[str, str]:
    """Names and versions of what is installed now; a study keeps those it was made with."""
    versions = {"mtlsearch": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        versions[package] = version(package)
    versions[PLATFORM] = platform.platform()
    return versions


def change_of_versions(made_with: Mapping[str, str]) -> str | None:
    """One line for the user of a study that goes on with other versions than it was made with.

    None where they are the same; an update of the platform alone is none.
    """
    installed = installed_versions()
    before, now = [], []
    for name, version_then in made_with.items():
        version_now = installed.get(name, version_then)
        if name != PLATFORM and version_now != version_then:
            before.append(f"{name} {version_then}")
            now.append(version_now)
    if not before:
        return None
    return (
        f"this study was made with {', '.join(before)} and goes on with {', '.join(now)}: "
        "what is trained from now on may differ in its last digits"
    )
