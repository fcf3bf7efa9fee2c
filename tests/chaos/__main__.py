"""Tries every case and prints the table of the docs: `python -m tests.chaos`.

`--kills N` and `--seed N` say how often and when; with words only the cases
whose names have one of them are tried.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.chaos.bench import Bench, CannotTry, Outcome
from tests.chaos.cases import CASES, ELSEWHERE, KILL_9, Case

HEAD = """| tried | how often | trainings lost | verdict equal |
|---|---|---|---|"""


def main() -> None:
    """Print the table, and what failed below it; exit with 1 where something did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--kills", type=int, default=KILL_9.wanted)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    faults = []
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        bench = Bench(Path(folder), random.Random(options.seed))
        for case in _chosen(options.words, options.kills):
            began = time.monotonic()
            try:
                row = _row(list(_tried(case, bench)), case.wanted)
            except CannotTry as reason:
                row = f"0 | not tried: {reason} |"
            except AssertionError as error:
                row = "| |failed"
                faults.append(f"{case.name}: {error}")
            print(f"| {case.name} | {row} |", flush=True)
            print(f"{case.name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print("\n| tried | tested by |\n|---|---|")
    for name, path in ELSEWHERE.items():
        print(f"| {name} | `{path}` |")
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(bool(faults))


def _chosen(words: list[str], times: int) -> Iterator[Case]:
    for case in CASES:
        if case is KILL_9:
            case = replace(case, wanted=times)
        if not words or any(word in case.name for word in words):
            yield case


def _tried(case: Case, bench: Bench) -> Iterator[Outcome]:
    tried = 0
    while tried < case.wanted:
        outcomes = case.disturb(bench)
        tried += len(outcomes)
        yield from outcomes


def _row(outcomes: list[Outcome], wanted: int) -> str:
    moments = Counter(outcome.moment for outcome in outcomes)
    when = ", ".join(f"{moment} {count}" for moment, count in moments.items())
    lost = sum(outcome.lost for outcome in outcomes)
    equal = sum(outcome.is_equal for outcome in outcomes)
    return f"{len(outcomes)} ({when}) | {lost} | {equal} of {len(outcomes)}"


if __name__ == "__main__":
    main()
