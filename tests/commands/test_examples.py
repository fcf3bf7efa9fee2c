"""Every example, from its data to predictions, with small networks and few epochs."""

import re
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.running_program import ROOT, assert_whole, report_of, run_warm, trials

EXAMPLES = ROOT / "examples"
SMALL = (
    "--epochs",
    "2",
    "--trainings",
    "3",
    "--replicates",
    "1",
    "--seeds",
    "2",
    "--runner",
    "local",
    "--no-references",
)
SMALL += ("--arms", "searched,single_task")
SPACES = {
    "houses": "{name: conv, width: 8, dropout: {range: [0.0, 0.2]}}",
    "machines": "{name: recurrent, width: 8, cell: {choice: [lstm, gru]}}",
    "reviews": "{name: embedding_bag, width: 8}",
}
KINDS = {"houses": "images", "machines": "sequences", "reviews": "tokens"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the cards, their data and a small space for each."""
    folder = tmp_path_factory.mktemp("examples")
    runpy.run_path(str(EXAMPLES / "make_data.py"))["main"](folder)
    for name, backbone in SPACES.items():
        (folder / f"{name}.yaml").write_text(
            (EXAMPLES / f"{name}.yaml").read_text("utf-8"), "utf-8"
        )
        (folder / f"small-{name}.yaml").write_text(
            f"tree: {{levels: 2}}\nbackbone: {backbone}\n", "utf-8"
        )
    return folder


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.yaml")} == {*SPACES, "my_backbone"}
    assert set(runpy.run_path(str(EXAMPLES / "make_data.py"))["MAKE"]) == set(SPACES)


@pytest.mark.parametrize("name", SPACES)
def test_an_example_ends_in_a_report_and_an_exact_export(place: Path, name: str) -> None:
    study = place / f"study-{name}"
    model = place / f"model-{name}"
    done = run_warm(
        "search",
        place / f"{name}.yaml",
        "--space",
        f"small-{name}.yaml",
        *SMALL,
        "--study",
        study,
        cwd=place,
    )
    assert done.code == 0, done.err
    report = report_of(study)
    assert [source["kind"] for source in report["data"]["sources"]] == [KINDS[name]]
    assert_whole(study, "searched", 3)
    assert report["verdict"]["sentence"]
    exported = run_warm("export", study, "--to", model, cwd=place)
    assert exported.code == 0, exported.err
    assert float(re.findall(r"deviation on test rows (\S+)", exported.out)[0]) <= 1e-6
    predicted = run_warm("predict", model, f"{name}.npz", "--to", f"{name}.csv", cwd=place)
    assert (predicted.code, predicted.err) == (0, "")
    table = pd.read_csv(place / f"{name}.csv")
    arrays = np.load(place / f"{name}.npz")
    for task in report["tasks"]:
        assert table[task["name"]].isin(task["classes"]).all() or task["kind"] == "regression"
        assert len(table) == len(arrays[task["name"]])


@pytest.mark.parametrize("name", SPACES)
def test_check_says_what_a_row_is(place: Path, name: str) -> None:
    done = run_warm("check", f"{name}.yaml", "--space", f"small-{name}.yaml", cwd=place)
    assert done.code == 0, done.err
    wanted = {
        "houses": "images of 3 x 64 x 64",
        "machines": "sequences of 40 steps x 2 channels",
        "reviews": "texts of 24 tokens",
    }
    assert f"rows, {wanted[name]}" in done.out.splitlines()[0]


def test_a_backbone_of_one_s_own(tmp_path: Path) -> None:
    """As the example stands, but for the size of the search.

    Its space lies elsewhere than the working directory.
    """
    study = tmp_path / "study"
    model = tmp_path / "model"
    done = run_warm(
        "search",
        "penguins",
        "--space",
        EXAMPLES / "my_backbone.yaml",
        *SMALL,
        "--study",
        study,
        cwd=tmp_path,
    )
    assert done.code == 0, done.err
    assert_whole(study, "searched", 3)
    numbers = {}
    for trial in trials(study, "searched"):
        backbone = trial.user_attrs["candidate"]["backbone"]["name"]
        numbers[backbone] = trial.number
    assert numbers.keys() <= {"crossed", "mlp"} and "crossed" in numbers
    exported = run_warm(
        "export",
        study,
        "--candidate",
        f"searched:{numbers['crossed']}",
        "--to",
        model,
        cwd=tmp_path,
    )
    assert exported.code == 0, exported.err
    assert float(re.findall(r"deviation on test rows (\S+)", exported.out)[0]) <= 1e-6
    code = (model / "model.py").read_text("utf-8")
    assert "class Products(nn.Module):" in code and "my_backbone" not in code
    readme = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in readme for name in ("my_backbone.py", "my_backbone.yaml"))


def test_a_table_s_backbone_is_refused_for_images_in_one_line(place: Path) -> None:
    done = run_warm("search", "houses.yaml", "--space", "quick", "--runner", "local", cwd=place)
    assert done.code == 3
    assert done.err.splitlines() == [
        'error: quick: backbone.name: "mlp" takes table, but source houses holds images. '
        "Known for images: conv, resnet18, transformer"
    ]
    assert not (place / "studies").exists()
