"""The embedded problems: small real data sets that ship with the package.

What their tasks are, and the files and licences, is in `embedded/`.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from sklearn import datasets

from mtlsearch.columns import RawTable
from mtlsearch.data.card import Card, SourceCard, SplitCard, TaskCard
from mtlsearch.data.readers import read_table

FOLDER = Path(__file__).parent / "embedded"
DEFAULT_PROBLEM = "penguins"

Tables = dict[str, RawTable]
Problem = tuple[Card, Tables]


def _penguins() -> Problem:
    return _from_file("penguins")


def _tecator() -> Problem:
    return _from_file("tecator")


def _bikeshare() -> Problem:
    return _from_file("bikeshare", ".csv.gz")


def _vowel() -> Problem:
    return _from_file("vowel")


def _digits() -> Problem:
    digits = datasets.load_digits(as_frame=True)
    names = {"target": "digit"}
    table = digits.frame.rename(columns=names)
    large = table["digit"] >= 5
    table["odd"] = table["digit"] % 2
    table["at_least_five"] = large.astype(int)
    return _problem("digits", {"digits": RawTable(table)}, SplitCard())


def _iris_and_breast_cancer() -> Problem:
    iris = datasets.load_iris(as_frame=True)
    species = iris.target_names[iris.target]
    flowers = iris.frame.assign(species=species)

    cancer = datasets.load_breast_cancer(as_frame=True)
    malignant = 1 - cancer.target
    cells = cancer.frame.assign(malignant=malignant)

    tables = {
        "iris": RawTable(flowers.drop(columns="target")),
        "breast_cancer": RawTable(cells.drop(columns="target")),
    }
    return _problem("iris+breast_cancer", tables, SplitCard())


def _from_file(name: str, suffix: str = ".csv") -> Problem:
    """Return the problem of one table in `embedded/`, which says how its rows are divided."""
    table = read_table(FOLDER / f"{name}{suffix}")
    group = "group" if "group" in table.cells.columns else None
    split = SplitCard(column="split", group=group)
    return _problem(name, {name: table}, split)


def _problem(name: str, tables: Tables, split: SplitCard) -> Problem:
    sources = {}
    for source in tables:
        sources[source] = SourceCard(path=name)
    card = Card(
        name=name,
        sources=sources,
        tasks=_tasks(name),
        split=split,
    )
    checked = card.checked(name)
    return checked, tables


def _tasks(name: str) -> Mapping[str, TaskCard]:
    """Return the tasks as the description of the problem in `embedded/` names them."""
    path = FOLDER / f"{name}.json"
    description = json.loads(path.read_text("utf-8"))
    tasks = {}
    for task in description["tasks"]:
        name = task["name"]
        tasks[name] = TaskCard(
            source=task.get("table"),
            kind=task["type"],
            metric=task["metric"],
        )
    return tasks


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "penguins": _penguins,
    "tecator": _tecator,
    "bikeshare": _bikeshare,
    "vowel": _vowel,
    "digits": _digits,
    "iris+breast_cancer": _iris_and_breast_cancer,
}
