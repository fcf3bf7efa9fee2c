"""Optuna's dashboard on a study, asked as its page asks it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.slow

SECONDS = 60  # for its start


def ask(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.load(answer)


@contextmanager
def dashboard(url):
    """The server on a database; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "from optuna_dashboard._cli import main; main()"
    command = [sys.executable, "-c", code, url, "--port", str(port), "--host", "127.0.0.1"]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + SECONDS
        while True:
            try:
                ask(port, "/api/meta")
                break
            except urllib.error.URLError:
                assert server.poll() is None and time.monotonic() < until
                time.sleep(0.2)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def test_it_shows_names_of_tasks_metrics_and_attributes(bench):
    study = bench.run(trainings=8, replicates=1)
    with dashboard(f"sqlite:///{study.folder / 'study.db'}") as port:
        summaries = ask(port, "/api/studies")["study_summaries"]
        numbers = {entry["study_name"]: entry["study_id"] for entry in summaries}
        searched = ask(port, f"/api/studies/{numbers[f'{study.name}/searched']}")
        confirmed = ask(port, f"/api/studies/{numbers[f'{study.name}/{study.confirmation}']}")
        [root] = [entry for entry in summaries if entry["study_name"] == study.name]
    assert searched["objective_names"] == [
        "species (accuracy)",
        "sex (roc_auc)",
        "body_mass_g (r2)",
    ]
    assert confirmed["objective_names"] == ["seconds of training"]
    assert "/ARM" in json.dumps(root)
    parameters = {entry["name"] for entry in searched["union_search_space"]}
    assert {"sex shares with", "body_mass_g shared levels", "optimizer.learning_rate"} < parameters
    assert not [name for name in parameters if name.startswith(("host_", "split_"))]
    assert len(searched["trials"]) == 8
    attributes = {entry["key"]: entry["value"] for entry in searched["trials"][0]["user_attrs"]}
    assert "species" in attributes["tree"]
    assert json.loads(attributes["validation scores"])["sex"] > 0
