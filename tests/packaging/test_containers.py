"""What the recipes of containers copy and call is there. No container is built here."""

import json
import re

import pytest

from tests.support.running_program import ROOT

RECIPES = sorted((ROOT / "docker").glob("*.Dockerfile"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_what_a_container_copies_is_there_and_let_through(recipe):
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    lines = re.findall(r"^COPY (.*) \S+$", recipe.read_text(encoding="utf-8"), flags=re.MULTILINE)
    copied = " ".join(lines).split()
    assert "mtlsearch" in copied
    assert "pyproject.toml" in copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignored, name


def test_the_devcontainer_calls_a_target_of_make():
    settings = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    assert settings["postCreateCommand"].endswith("make .venv/.ready")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "READY := $(VENV)/.ready" in makefile
    assert "$(READY):" in makefile
