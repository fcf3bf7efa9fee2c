"""A study that goes on with other versions says so."""

from mtlsearch.search.versions import PLATFORM, change_of_versions, installed_versions


def test_the_same_versions_on_another_platform_are_no_change() -> None:
    assert change_of_versions({**installed_versions(), PLATFORM: "elsewhere"}) is None
    assert change_of_versions({}) is None


def test_each_other_version_is_named() -> None:
    installed = installed_versions()
    made_with = {**installed, "mtlsearch": "0.0.1", "torch": "1.0"}
    line = change_of_versions(made_with)
    assert "mtlsearch 0.0.1, torch 1.0" in line
    assert f"goes on with {installed['mtlsearch']}, {installed['torch']}:" in line
    assert "optuna" not in line
