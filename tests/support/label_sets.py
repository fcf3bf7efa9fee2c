"""A table of labels: two sets of them, one in lists and one in columns, beside a number."""

from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 160
TOPICS = ("art", "news", "sport")
CARD = """
sources: {t: {path: t.csv}}
tasks:
  topics: {kind: multilabel, separate: false}
  weather: {kind: label_set, targets: [rain, snow, wind]}
  stay: {}
"""


def write_label_sets(folder: Path) -> Path:
    """Write the table and its card into a folder and return the card.

    Lists are missing in some rows, and single labels of the columns in others. What rows have can
    be learned from two columns of numbers; one of categories has too many for one column each.
    """
    draw = np.random.default_rng(0)
    x = draw.normal(size=(ROWS, 2))
    table = pd.DataFrame(x, columns=["age", "dose"])
    table["site"] = [f"s{number}" for number in draw.integers(40, size=ROWS)]

    weights = np.array([[2.0, -2, 1], [0, 1, 2]])
    has_topic = x @ weights + draw.normal(size=(ROWS, 3)) > 0.5
    lists = []
    for row, is_missing in zip(has_topic, draw.random(ROWS) < 0.1, strict=True):
        labels = [label for label, is_there in zip(TOPICS, row, strict=True) if is_there]
        lists.append(None if is_missing else ";".join(labels) or ";")
    table["topics"] = lists

    has_weather = x @ weights[:, ::-1] + draw.normal(size=(ROWS, 3)) > 0.3
    is_known = draw.random((ROWS, 3)) < 0.8
    cells = np.where(is_known, np.where(has_weather, "yes", "no"), "")
    for number, name in enumerate(("rain", "snow", "wind")):
        table[name] = cells[:, number]
    table["stay"] = x[:, 0] - x[:, 1] + 0.2 * draw.normal(size=ROWS)

    table.to_csv(folder / "t.csv", index=False)
    card = folder / "card.yaml"
    card.write_text(CARD, "utf-8")
    return card
