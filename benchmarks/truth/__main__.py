"""Run the parts named, or all; a table and a CSV for each."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.machine import publish
from benchmarks.truth import depth, gap, harm, statements, verdicts

SETTING_GROUPS: dict[str, Callable[[], list[list[Any]]]] = {
    "gap": gap.budgets,
    "ablation": gap.ablation,
    "shapes": gap.shapes,
    "statements": statements.rows,
    "depth": depth.rows,
    "verdict": verdicts.rows,
    "harm": harm.rows,
}
COLUMNS = ["part", "trainings", "rows", "what", "value", "low", "high", "exact", "problems"]


def main(parts: Sequence[str]) -> None:
    """Raises KeyError for a part that there is not."""
    for name in parts or SETTING_GROUPS:
        publish(f"truth-{name}", COLUMNS, SETTING_GROUPS[name]())


if __name__ == "__main__":
    main(sys.argv[1:])
