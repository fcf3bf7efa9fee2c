"""A study with a backbone of the user's own: trained by Ray, and gone on with from elsewhere."""

import re
import shutil
from pathlib import Path

import pytest

from tests.support.running_program import (
    ROOT,
    assert_whole,
    one_error_line,
    report_of,
    run,
    run_warm,
    trials,
)

SPACE = "tree: {levels: 2}\nbackbone: {name: my_backbone:Crossed, width: {choice: [4, 8]}}\n"
SIZE = (
    "--epochs",
    "2",
    "--trainings",
    "3",
    "--replicates",
    "1",
    "--seeds",
    "2",
    "--no-references",
    "--workers",
    "2",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study, made from another folder, which holds the space and its module."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "spaces").mkdir()
    (folder / "elsewhere").mkdir()
    shutil.copy(ROOT / "examples" / "my_backbone.py", folder / "spaces")
    (folder / "spaces" / "own.yaml").write_text(SPACE, "utf-8")
    arms = ("--arms", "searched,single_task", "--study", "study")
    done = run("search", "penguins", "--space", "spaces/own.yaml", *SIZE, *arms, cwd=folder)
    assert done.code == 0, done.err
    return folder


def test_ray_s_workers_train_it_and_a_fresh_process_goes_on(place: Path) -> None:
    study = place / "study"
    model = place / "model"
    elsewhere = place / "elsewhere"
    assert_whole(study, "searched", 3)
    assert {trial.state.name for trial in trials(study, "searched")} == {"COMPLETE"}
    resumed = run("resume", study, "--trainings", "4", cwd=elsewhere)
    assert resumed.code == 0, resumed.err
    assert_whole(study, "searched", 4)
    for trial in trials(study, "searched"):
        assert trial.user_attrs["candidate"]["backbone"]["name"] == "crossed"
    assert run_warm("report", study, cwd=elsewhere).code == 0
    assert report_of(study)["verdict"]["sentence"]
    exported = run_warm("export", study, "--to", model, cwd=elsewhere)
    assert exported.code == 0, exported.err
    assert float(re.findall(r"deviation on test rows (\S+)", exported.out)[0]) <= 1e-6
    data = ROOT / "mtlsearch" / "data" / "embedded" / "penguins.csv"
    assert run_warm("predict", model, data, "--to", "out.csv", cwd=elsewhere).code == 0


def test_a_module_that_is_gone_or_changed_is_said_in_a_line(place: Path) -> None:
    study = place / "study"
    elsewhere = place / "elsewhere"
    module = place / "spaces" / "my_backbone.py"
    text = module.read_text("utf-8")
    try:
        module.unlink()
        gone = run_warm("report", study, cwd=elsewhere)
        assert gone.code == 4
        assert one_error_line(gone) == (
            "error: spaces/own.yaml: plugins: my_backbone.py is not found in "
            f"{module.parent} or {elsewhere}, nor is such a module installed"
        )
        assert run_warm("status", study, cwd=elsewhere).code == 0
        (elsewhere / "my_backbone.py").write_text(text, "utf-8")
        assert run_warm("report", study, cwd=elsewhere).code == 0
        (elsewhere / "my_backbone.py").write_text(text.replace(".tanh()", ".relu()"), "utf-8")
        changed = run_warm("resume", study, cwd=elsewhere)
        assert changed.code == 4
        assert "my_backbone.py has changed since the study was made" in one_error_line(changed)
    finally:
        module.write_text(text, "utf-8")
        (elsewhere / "my_backbone.py").unlink(missing_ok=True)


def test_a_bad_module_begins_no_study(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import torch\n\nwidth = withd\n", "utf-8")
    (tmp_path / "own.yaml").write_text("plugins: [broken]\n", "utf-8")
    done = run_warm("search", "penguins", "--space", "own.yaml", cwd=tmp_path)
    assert done.code == 3
    assert one_error_line(done) == (
        f"error: own.yaml: plugins: {tmp_path / 'broken.py'} fails when it is imported: "
        "line 3: NameError: name 'withd' is not defined"
    )
    assert not (tmp_path / "studies").exists()
