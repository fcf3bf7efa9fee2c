"""Run the parts named, or all of them; each gives a table and a CSV."""

import sys
from collections.abc import Callable, Sequence

from benchmarks.machine import publish
from benchmarks.truth import (
    depth,
    gap,
    gradients,
    growth,
    harm,
    outer_folds,
    scales,
    statements,
    verdicts,
)
from benchmarks.truth.finding import COLUMNS, Finding

PARTS: dict[str, Callable[[], list[Finding]]] = {
    "gap": gap.budgets,
    "pool": gap.pooled,
    "ablation": gap.ablation,
    "gradients": gradients.findings,
    "statements": statements.findings,
    "depth": depth.findings,
    "verdict": verdicts.findings,
    "harm": harm.findings,
    "growth": growth.findings,
    "scales": scales.findings,
    "outer_folds": outer_folds.findings,
}


def main(parts: Sequence[str]) -> None:
    """Run the parts. Raises KeyError for a part that there is not."""
    for name in parts or PARTS:
        rows = [finding.cells() for finding in PARTS[name]()]
        publish(f"truth-{name}", COLUMNS, rows)


if __name__ == "__main__":
    main(sys.argv[1:])
