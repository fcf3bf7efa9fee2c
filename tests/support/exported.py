"""Runs what an export wrote, without starting an interpreter, which takes seconds."""

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path


def run_in_process(draft: Path, arguments: Sequence[str]) -> None:
    """Run the predict.py of a folder."""
    wrote_bytecode = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        script = runpy.run_path(str(draft / "predict.py"), run_name="predict")
        assert script["main"](arguments) == 0
    finally:
        sys.dont_write_bytecode = wrote_bytecode
