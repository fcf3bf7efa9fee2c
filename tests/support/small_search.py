"""A search that takes seconds, as the command line and the Python API spell it."""

from typing import Any

import pandas as pd

from tests.support.running_program import ROOT

TASKS = {"species": None, "sex": "binary", "body_mass_g": "regression:mae"}
FLAGS = ("species", "sex:binary", "body_mass_g:regression:mae")

SMALL_SETTINGS: dict[str, Any] = {
    "space": "quick",
    "epochs": 2,
    "trainings": 4,
    "seeds": 2,
    "runner": "local",
    "engine": "serial",
    "references": False,
    "arms": ["searched", "single_task"],
}


def penguins() -> pd.DataFrame:
    """The penguins of the embedded problem, without its split."""
    table = pd.read_csv(ROOT / "mtlsearch/data/embedded/penguins.csv")
    return table.drop(columns="split")
