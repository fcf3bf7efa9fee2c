"""The embedded problems: small real data sets that ship with the package. Their files and licences are in `embedded/`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn import datasets

from mtlsearch.data.card import Card, validated
from mtlsearch.data.readers import read_table

FOLDER = Path(__file__).parent / "embedded"
DEFAULT_PROBLEM = "penguins"

Problem = tuple[Card, dict[str, pd.DataFrame]]


def _embedded(name: str, suffix: str = ".csv") -> Problem:
    table = read_table(FOLDER / f"{name}{suffix}")
    about = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    tasks = {
        task["name"]: {"kind": task["type"], "metric": task["metric"]} for task in about["tasks"]
    }
    split = {"column": "split", "group": "group" if "group" in table.columns else None}
    return _problem(name, {name: table}, tasks, split)


def _digits() -> Problem:
    table = datasets.load_digits(as_frame=True).frame.rename(columns={"target": "digit"})
    table["odd"] = table["digit"] % 2
    table["at_least_five"] = (table["digit"] >= 5).astype(int)
    binary = {"kind": "binary", "metric": "roc_auc"}
    tasks = {
        "digit": {"kind": "multiclass", "metric": "accuracy"},
        "odd": binary,
        "at_least_five": binary,
    }
    return _problem("digits", {"digits": table}, tasks, {})


def _iris_and_breast_cancer() -> Problem:
    iris, cancer = datasets.load_iris(as_frame=True), datasets.load_breast_cancer(as_frame=True)
    flowers = iris.frame.assign(species=iris.target_names[iris.target]).drop(columns="target")
    cells = cancer.frame.assign(malignant=1 - cancer.target).drop(columns="target")
    species = {"source": "iris", "kind": "multiclass", "metric": "accuracy"}
    malignant = {"source": "breast_cancer", "kind": "binary", "metric": "roc_auc"}
    tasks = {"species": species, "malignant": malignant}
    return _problem("iris+breast_cancer", {"iris": flowers, "breast_cancer": cells}, tasks, {})


def _problem(
    name: str, tables: dict[str, pd.DataFrame], tasks: dict[str, Any], split: dict[str, Any]
) -> Problem:
    sources = {source: {"path": name} for source in tables}
    card = validated(Card, {"name": name, "sources": sources, "tasks": tasks, "split": split}, name)
    return card.checked(name), tables


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "penguins": lambda: _embedded("penguins"),
    "tecator": lambda: _embedded("tecator"),
    "bikeshare": lambda: _embedded("bikeshare", ".csv.gz"),
    "vowel": lambda: _embedded("vowel"),
    "digits": _digits,
    "iris+breast_cancer": _iris_and_breast_cancer,
}
