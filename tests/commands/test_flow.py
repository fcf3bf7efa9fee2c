"""The way through the commands, from a search to predictions, and what they print where."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.support.running_program import (
    CLI,
    ROOT,
    SMALL,
    TWO_ARMS,
    Finished,
    assert_whole,
    report_of,
    run_warm,
)

COMMANDS = ("search", "resume", "status", "report", "export", "predict", "check", "spaces")
PROBLEMS = ("penguins", "tecator", "bikeshare", "vowel", "digits", "iris+breast_cancer")
EXPORTED = {"model.py", "weights.safetensors", "preprocess.json", "predict.py", "README.md"}
ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what is only looked at."""
    return tmp_path_factory.mktemp("flow")


@pytest.fixture(scope="module")
def exported(penguins: tuple[Path, Finished], place: Path) -> Path:
    """The best model of the finished study."""
    done = run_warm("export", penguins[0], "--to", place / "model", cwd=place)
    assert done.code == 0, done.err
    return place / "model"


def test_search_prints_results_to_stdout_and_progress_to_stderr(
    penguins: tuple[Path, Finished],
) -> None:
    study, done = penguins
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    sentence = report_of(study)["verdict"]["sentence"]
    assert sentence in " ".join(done.out.split())
    assert "single_task" in done.out
    page = done.out.splitlines()[-1].removeprefix("report: ")
    assert Path(page) == study / "report" / "report.html"
    assert "searching" in done.err
    assert "searching" not in done.out
    assert f"study: {study}" in done.err
    assert ESCAPE not in done.out + done.err


def test_an_arm_on_request_is_compared_and_its_model_exported(place: Path) -> None:
    study = place / "started"
    arms = ("searched", "single_task", "meta_learning")
    done = run_warm("search", *SMALL, "--arms", ",".join(arms), "--study", study, cwd=place)
    assert done.code == 0, done.err
    report = report_of(study)
    assert [arm["name"] for arm in report["arms"]] == list(arms)
    assert {arm["complete"] for arm in report["arms"]} == {4}
    compared = {comparison["arm"] for comparison in report["comparisons"]}
    assert compared == {"searched", "meta_learning"}
    [model] = [model for model in report["confirmed"] if model["arm"] == "meta_learning"]
    for component in model["composition"]:
        assert component["settings"]["initialization"]["name"] == "reptile"
    exported = run_warm(
        "export", study, "--candidate", "meta_learning", "--to", place / "started-model", cwd=place
    )
    assert exported.code == 0, exported.err
    assert (place / "started-model" / "model.py").is_file()


def test_every_training_of_the_budget_is_in_the_study(penguins: tuple[Path, Finished]) -> None:
    study, _ = penguins
    assert_whole(study, "searched", 4)
    assert_whole(study, "single_task", 4)
    assert_whole(study, "confirmation@4", 4)


def test_status_says_that_it_is_finished(penguins: tuple[Path, Finished], place: Path) -> None:
    study, _ = penguins
    shown = run_warm("status", study, "--json", cwd=place)
    assert (shown.code, shown.err) == (0, "")
    value = json.loads(shown.out)
    assert value["finished"] is True
    whole = {"trainings": 4, "complete": 4, "failed": 0, "running": 0, "left": 0}
    assert value["arms"] == [
        {"part": "", "arm": arm, **whole} for arm in ("searched", "single_task", "confirmation@4")
    ]
    table = run_warm("status", study, cwd=place)
    assert table.code == 0
    assert "finished" in table.out
    assert "single_task" in table.out
    assert ESCAPE not in table.out


def test_report_writes_everything_that_it_promises(
    penguins: tuple[Path, Finished], place: Path
) -> None:
    study, _ = penguins
    shown = run_warm("report", study, cwd=place)
    assert shown.code == 0, shown.err
    page = Path(shown.out.strip())
    assert page == study / "report" / "report.html"
    report = report_of(study)
    assert report["verdict"]["sentence"] in page.read_text("utf-8")
    front = [candidate for candidate in report["candidates"] if candidate["on_front"]]
    lines = (page.parent / "front.csv").read_text("utf-8").splitlines()
    assert len(lines) == 1 + len(front)
    assert {"mtlsearch", "python", "torch", "ray", "optuna"} <= report["versions"].keys()
    drawings = list((page.parent / "trees").glob("*.svg"))
    assert len(drawings) >= len(report["confirmed"])
    for drawing in drawings:
        assert ElementTree.parse(drawing).getroot().tag.endswith("svg")


def test_a_finished_study_gets_a_greedy_ensemble_when_its_report_asks_for_it(
    penguins: tuple[Path, Finished], tmp_path: Path
) -> None:
    study, _ = penguins
    assert report_of(study)["greedy_ensemble"] is None
    copy = tmp_path / "copy"
    shutil.copytree(study, copy)
    written = run_warm("report", copy, "--greedy-ensemble", cwd=tmp_path)
    assert written.code == 0, written.err
    greedy = report_of(copy)["greedy_ensemble"]
    assert greedy["networks"] == len(greedy["members"]) * len(greedy["seeds"])
    assert greedy["seeds"] == [0, 1]


def test_resuming_a_finished_study_changes_nothing(
    penguins: tuple[Path, Finished], place: Path
) -> None:
    study, first = penguins
    before = report_of(study)
    again = run_warm("resume", study, cwd=place)
    assert again.code == 0, again.err
    assert again.out == first.out
    after = report_of(study)
    before["study"].pop("wall_seconds"), after["study"].pop("wall_seconds")
    assert after == before


def test_a_larger_budget_extends_every_arm(place: Path) -> None:
    study = place / "extended"
    assert run_warm("search", *SMALL, *TWO_ARMS, "--study", study, cwd=place).code == 0
    done = run_warm("resume", study, "--trainings", "6", cwd=place)
    assert done.code == 0, done.err
    report = report_of(study)
    assert report["study"]["finished"]
    for arm in report["arms"]:
        assert arm["trainings"] == arm["complete"] + arm["failed"] == 6
        assert_whole(study, arm["name"], 6)


def test_the_exported_folder_is_complete(exported: Path) -> None:
    assert {path.name for path in exported.iterdir()} >= EXPORTED
    assert (
        "mtlsearch"
        not in (exported / "model.py").read_text("utf-8").replace('"""', "").split("import", 1)[1]
    )


@pytest.mark.parametrize("by", ["command", "folder"])
def test_the_exported_model_predicts_a_row_for_a_row(
    exported: Path, tmp_path: Path, by: str
) -> None:
    inputs = pd.read_csv(ROOT / "mtlsearch/data/embedded/penguins.csv").drop(
        columns=["species", "sex", "body_mass_g", "split"]
    )
    inputs.head(17).to_csv(tmp_path / "new.csv", index=False)
    written = tmp_path / "answers.csv"
    if by == "command":
        done = run_warm("predict", exported, tmp_path / "new.csv", "--to", written, cwd=tmp_path)
        assert done.code == 0, done.err
    else:
        words = [sys.executable, str(exported / "predict.py"), str(tmp_path / "new.csv")]
        answered = subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
        )
        written.write_text(answered.stdout, "utf-8")
    answers = pd.read_csv(written)
    assert len(answers) == 17
    for task in ("species", "sex", "body_mass_g"):
        assert any(column.startswith(task) for column in answers.columns)
    assert not answers.isna().any().any()


def test_predictions_go_to_stdout_by_default(exported: Path, tmp_path: Path) -> None:
    inputs = pd.read_csv(ROOT / "mtlsearch/data/embedded/penguins.csv").drop(
        columns=["species", "sex", "body_mass_g", "split"]
    )
    inputs.head(3).to_csv(tmp_path / "new.csv", index=False)
    done = run_warm("predict", exported, "new.csv", cwd=tmp_path)
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 4


def test_a_study_predicts_as_its_exported_model_does(
    penguins: tuple[Path, Finished], exported: Path, tmp_path: Path
) -> None:
    inputs = pd.read_csv(ROOT / "mtlsearch/data/embedded/penguins.csv").drop(
        columns=["species", "sex", "body_mass_g", "split"]
    )
    inputs.head(9).to_csv(tmp_path / "new.csv", index=False)
    answers = []
    for model in (exported, penguins[0]):
        done = run_warm("predict", model, "new.csv", cwd=tmp_path)
        assert done.code == 0, done.err
        assert ("an ensemble of 2 networks" in done.err) == (model == penguins[0])
        answers.append(done.out)
    folder, study = answers
    assert len(folder.splitlines()) == 10
    assert folder == study


def test_an_exported_model_has_no_seeds_to_choose_from(exported: Path, tmp_path: Path) -> None:
    done = run_warm("predict", exported, "new.csv", "--seeds", "1", cwd=tmp_path)
    assert done.code == 2
    assert f"--seeds: found 1; {exported} is no study to choose from" in done.err


@pytest.mark.parametrize("case", ["missing file", "missing column", "empty"])
def test_predicting_from_bad_data_is_3(exported: Path, tmp_path: Path, case: str) -> None:
    if case != "missing file":
        (tmp_path / "new.csv").write_text(
            "island\nTorgersen\n" if case == "missing column" else "", "utf-8"
        )
    done = run_warm("predict", exported, "new.csv", "--to", "answers.csv", cwd=tmp_path)
    assert done.code == 3, done.err
    assert [line for line in done.err.splitlines() if line.startswith("error:")]
    assert "Traceback" not in done.err
    assert not (tmp_path / "answers.csv").exists()


@pytest.mark.parametrize("candidate", ["single_task", "searched:0", "1"])
def test_any_candidate_can_be_exported(
    penguins: tuple[Path, Finished], tmp_path: Path, candidate: str
) -> None:
    done = run_warm(
        "export", penguins[0], "--candidate", candidate, "--to", tmp_path / "model", cwd=tmp_path
    )
    assert done.code == 0, done.err
    assert {path.name for path in (tmp_path / "model").iterdir()} >= EXPORTED


def test_spaces_lists_them_and_prints_valid_yaml(place: Path) -> None:
    listed = run_warm("spaces", cwd=place)
    assert (listed.code, listed.err) == (0, "")
    names = [line.split()[0] for line in listed.out.splitlines() if not line.startswith(" ")]
    assert "then keep what the report values" in " ".join(listed.out.split())
    assert {"default", "quick"} <= set(names)
    for name in names:
        printed = run_warm("spaces", name, cwd=place)
        assert printed.code == 0
        assert "tree" in yaml.safe_load(printed.out)


def test_a_printed_space_can_be_edited_and_used(place: Path) -> None:
    printed = run_warm("spaces", "quick", cwd=place).out
    (place / "mine.yaml").write_text(printed.replace("width: 32", "width: 8"), "utf-8")
    done = run_warm("check", "--space", "mine.yaml", cwd=place)
    assert done.code == 0, done.err
    assert "width: 8" in done.out


@pytest.mark.parametrize("problem", ["penguins", "iris+breast_cancer"])
def test_check_ends_in_ok(place: Path, problem: str) -> None:
    done = run_warm("check", problem, cwd=place)
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "ok"
    assert "memory" in done.out
    assert " s per training" in done.out
    assert ESCAPE not in done.out + done.err
    assert not (place / "studies").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_option(place: Path, command: str) -> None:
    done = run_warm(command, "--help", cwd=place)
    assert (done.code, done.err) == (0, "")
    assert "Usage" in done.out
    assert ESCAPE not in done.out
    assert "--runner" not in done.out


def test_help_lists_every_command_and_nothing_else_is_there(place: Path) -> None:
    done = run_warm("--help", cwd=place)
    assert done.code == 0
    found = re.findall(
        r"^\W*([a-z]+)\s{2,}\S", done.out.split("Commands", 1)[1], flags=re.MULTILINE
    )
    assert set(found) == set(COMMANDS)


def test_help_answers_at_once_without_heavy_imports() -> None:
    code = (
        "import atexit, resource, runpy, sys\n"
        "def told():\n"
        "    use = resource.getrusage(resource.RUSAGE_SELF)\n"
        "    names = ('torch', 'ray', 'optuna', 'pandas', 'sklearn')\n"
        "    heavy = [name for name in names if name in sys.modules]\n"
        "    print('\\n@', use.ru_utime + use.ru_stime, *heavy)\n"
        "atexit.register(told)\n"
        f"sys.argv = [{str(CLI)!r}, '--help']\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        f"runpy.run_path({str(CLI)!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    seconds, *heavy = done.stdout.rsplit("@", 1)[1].split()
    assert heavy == []
    assert float(seconds) < 1.5


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_embedded_problem_is_searched_with_equal_budgets(
    tmp_path: Path, problem: str
) -> None:
    study = tmp_path / "study"
    arms = ("searched", "single_task", "share_all")
    done = run_warm(
        "search", problem, *SMALL, "--arms", ",".join(arms), "--study", study, cwd=tmp_path
    )
    assert done.code == 0, done.err
    report = report_of(study)
    assert report["study"]["finished"]
    assert report["verdict"]
    assert [arm["name"] for arm in report["arms"]] == list(arms)
    for arm in report["arms"]:
        assert (arm["trainings"], arm["epochs"]) == (4, 2)
        assert arm["complete"] + arm["failed"] == 4
        assert_whole(study, arm["name"], 4)
    for confirmed in report["confirmed"]:
        assert {len(values) for values in confirmed["test"].values()} == {2}


def test_all_arms_are_searched_by_default(tmp_path: Path) -> None:
    done = run_warm("search", *SMALL, "--study", "study", cwd=tmp_path)
    assert done.code == 0, done.err
    report = report_of(tmp_path / "study")
    assert len(report["arms"]) == 6
    assert {(arm["trainings"], arm["epochs"], arm["complete"]) for arm in report["arms"]} == {
        (4, 2, 4)
    }


def test_the_default_study_folder_is_new_and_named_after_the_data(tmp_path: Path) -> None:
    done = run_warm("search", *SMALL, *TWO_ARMS, cwd=tmp_path)
    assert done.code == 0, done.err
    (study,) = (tmp_path / "studies").iterdir()
    assert study.name.startswith("penguins-")
    again = run_warm("status", f"studies/{study.name}", "--json", cwd=tmp_path)
    assert json.loads(again.out)["finished"]


@pytest.mark.parametrize("sampler", ["nsga2", "nsga3", "random"])
def test_every_sampler_searches(tmp_path: Path, sampler: str) -> None:
    done = run_warm(
        "search",
        *SMALL,
        "--arms",
        "searched",
        "--sampler",
        sampler,
        "--study",
        "study",
        cwd=tmp_path,
    )
    assert done.code == 0, done.err
    assert report_of(tmp_path / "study")["study"]["settings"]["sampler"] == sampler


def _table(rows: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 3))
    noise = draw.normal(size=rows)
    columns = {
        "a": x[:, 0],
        "b": x[:, 1],
        "c": x[:, 2],
        "label": (x[:, 0] + noise > 0).astype(int),
        "amount": x[:, 1] + noise,
    }
    return pd.DataFrame(columns)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".npz"])
def test_every_file_type_is_searched(tmp_path: Path, suffix: str) -> None:
    table, path = _table(120, 0), tmp_path / f"data{suffix}"
    if suffix == ".parquet":
        table.to_parquet(path)
    elif suffix == ".npz":
        np.savez(
            path, x=table[["a", "b", "c"]].to_numpy(), label=table["label"], amount=table["amount"]
        )
    else:
        table.to_csv(path, index=False)
    tasks = ("--task", "label", "--task", "amount:regression:mae")
    done = run_warm(
        "search", path.name, *tasks, *SMALL, *TWO_ARMS, "--study", "study", cwd=tmp_path
    )
    assert done.code == 0, done.err
    assert "inferred" in done.err
    found = {
        task["name"]: (task["kind"], task["metric"])
        for task in report_of(tmp_path / "study")["tasks"]
    }
    assert found == {"label": ("binary", "roc_auc"), "amount": ("regression", "mae")}


def test_a_card_of_two_sources_is_searched_and_resumed_from_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    _table(120, 0).drop(columns="label").assign(key=range(120)).to_csv(
        folder / "shops.csv", index=False
    )
    _table(90, 1).drop(columns="amount").to_parquet(folder / "people.parquet")
    card = {
        "name": "town",
        "sources": {
            "shops": {"path": "shops.csv", "ignore": ["key"]},
            "people": {"path": "people.parquet"},
        },
        "tasks": {
            "amount": {"source": "shops"},
            "member": {"source": "people", "target": "label", "kind": "binary"},
        },
        "split": {"validation": 0.25, "test": 0.2, "seed": 3},
    }
    (folder / "town.yaml").write_text(yaml.safe_dump(card), "utf-8")
    done = run_warm("search", "data/town.yaml", *SMALL, *TWO_ARMS, "--study", "study", cwd=tmp_path)
    assert done.code == 0, done.err
    report = report_of(tmp_path / "study")
    assert report["data"]["name"] == "town"
    assert {source["name"]: source["inputs"] for source in report["data"]["sources"]} == {
        "shops": 3,
        "people": 3,
    }
    resumed = run_warm("resume", tmp_path / "study", "--trainings", "6", cwd=folder)
    assert resumed.code == 0, resumed.err
    assert {arm["complete"] for arm in report_of(tmp_path / "study")["arms"]} == {6}
