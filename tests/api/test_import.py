"""`import mtlsearch` is quick and leaves the process as it was; work does that too."""

import ast
import json
import subprocess
import sys

import pytest
import torch

from mtlsearch.api.working import process_as_it_was
from tests.support.running_program import ROOT

FRESH = """
import json, os, sys, threading, time, warnings
import logging

def state():
    return [dict(os.environ), threading.active_count(), list(map(str, warnings.filters)),
            logging.getLogger().level, sys.excepthook.__name__]

before = state()
began = time.process_time()
import mtlsearch
seconds = time.process_time() - began
heavy = {"torch", "numpy", "pandas", "sklearn", "optuna", "ray", "rich"} & sys.modules.keys()
missing = sorted(set(mtlsearch.__all__) - set(dir(mtlsearch)))
said = [seconds, state() == before, sorted(heavy), missing]
mtlsearch.DataError
said.append(sorted(heavy & sys.modules.keys()))
print(json.dumps(said))
"""

LATE = """
import torch
if {multiplies}:
    torch.ones(2, 2) @ torch.ones(2, 2)
import mtlsearch
import mtlsearch.training
from mtlsearch.kernels import came_too_late
import os
print(came_too_late(), os.environ["MKL_CBWR"])
"""


def _said(code: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_the_import_is_quick_and_changes_nothing() -> None:
    seconds, unchanged, heavy, missing, heavy_later = json.loads(_said(FRESH))
    assert unchanged
    assert heavy == heavy_later == missing == []
    assert seconds < 0.2


@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="torch has no MKL")
@pytest.mark.parametrize("multiplies", [False, True])
def test_products_that_came_before_are_noticed(multiplies: bool, monkeypatch) -> None:
    monkeypatch.delenv("MKL_CBWR", raising=False)
    late, setting = _said(LATE.format(multiplies=multiplies)).split()
    assert ast.literal_eval(late) == multiplies
    assert setting == "AUTO,STRICT"


def test_work_leaves_torch_as_it_was() -> None:
    threads = torch.get_num_threads()
    state = torch.get_rng_state()
    with process_as_it_was():
        torch.set_num_threads(threads + 1)
        torch.manual_seed(7)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_types_are_there_for_those_who_check_them() -> None:
    assert (ROOT / "mtlsearch" / "py.typed").is_file()
