"""Every mistake of a user is one line on stderr and the right exit code; no study is left."""

import gzip
import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
import torch

from tests.support.running_program import SMALL, TWO_ARMS, Finished, one_error_line, run, run_warm

TASKS = ("--task", "readmitted", "--task", "stay")
ROWS = 60


def _table() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    age = draw.normal(50, 9, ROWS).round(2)
    stay = draw.gamma(2.0, 3.0, ROWS).round(3)
    readmitted = np.where(draw.random(ROWS) < 0.5, "yes", "no")
    table = pd.DataFrame(
        {"age": age, "ward": draw.choice(["a", "b"], ROWS), "readmitted": readmitted, "stay": stay}
    )
    return table.assign(
        one="x",
        none=np.nan,
        rare=np.arange(ROWS) % 30 == 0,
        infinite=np.where(np.arange(ROWS) % 2, np.inf, table["stay"]),
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that are mostly wrong."""
    folder = tmp_path_factory.mktemp("bad")
    table = _table()
    text = table.to_csv(index=False)
    table.to_csv(folder / "clinic.csv", index=False)
    is_test = table["readmitted"].eq("yes") & table.index.isin(range(20))
    table.assign(part=np.where(is_test, "test", "train")).to_csv(folder / "parts.csv", index=False)
    (folder / "one_class.yaml").write_text(
        "sources: {v: {path: parts.csv}}\n"
        "tasks: {readmitted: {}, stay: {}}\n"
        "split: {column: part}\n"
    )
    (folder / "doubled.csv").write_text(text.replace("ward", "age", 1))
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text(text.splitlines()[0] + "\n")
    (folder / "ragged.csv").write_text(text + "1,2\n")
    (folder / "unclosed.csv").write_text(text + '"1,a\n')
    (folder / "binary.csv").write_bytes(bytes(range(256)) * 8)
    (folder / "zipped.csv").write_bytes(gzip.compress(text.encode()))
    (folder / "cut.csv.gz").write_bytes(gzip.compress(text.encode())[:200])
    (folder / "text.parquet").write_text("not parquet")
    (folder / "text.npz").write_text("not numpy")
    (folder / "notes.txt").write_text("a,b\n1,2\n")
    (folder / "typo.yaml").write_text("tree: {levels: 2}\nbackbone: {name: mpl}\n")
    (folder / "word.yaml").write_text("optimizer: {learning_rate: {logg: [1e-4, 1e-2]}}\n")
    (folder / "key.yaml").write_text("optimiser: {learning_rate: 0.1}\n")
    (folder / "range.yaml").write_text("optimizer: {learning_rate: {log: [1e-2, 1e-4]}}\n")
    (folder / "list.yaml").write_text("- 1\n")
    (folder / "broken.yaml").write_text("tree: {levels: [\n")
    (folder / "lost.card.yaml").write_text(
        "sources: {a: {path: lost.csv}}\ntasks: {readmitted: {}, stay: {}}\n"
    )
    (folder / "key.card.yaml").write_text(
        "sources: {a: {path: clinic.csv}}\ntasks: {readmitted: {knd: binary}, stay: {}}\n"
    )
    (folder / "folder.csv").mkdir()
    return folder


BAD_DATA = {
    "missing file": ("clinc.csv", *TASKS),
    "missing folder": ("nowhere/clinic.csv", *TASKS),
    "folder": (".", *TASKS),
    "folder with a suffix": ("folder.csv", *TASKS),
    "unknown problem": ("pinguins",),
    "unknown suffix": ("notes.txt", *TASKS),
    "unknown column": ("clinic.csv", "--task", "readmited", "--task", "stay"),
    "unknown task of a problem": ("penguins", "--task", "sexx", "--task", "species"),
    "one class": ("clinic.csv", "--task", "one", "--task", "stay"),
    "no label": ("clinic.csv", "--task", "none", "--task", "stay"),
    "infinite target": ("clinic.csv", "--task", "infinite:regression", "--task", "readmitted"),
    "text as regression": ("clinic.csv", "--task", "readmitted:regression", "--task", "stay"),
    "regression as binary": ("clinic.csv", "--task", "stay:binary", "--task", "readmitted"),
    "task named twice": ("clinic.csv", "--task", "stay", "--task", "stay"),
    "one task": ("clinic.csv", "--task", "stay"),
    "no task": ("clinic.csv",),
    "one task of a problem": ("penguins", "--task", "sex"),
    "unknown metric": ("clinic.csv", "--task", "stay:regression:rmsee", "--task", "readmitted"),
    "metric of another kind": (
        "clinic.csv",
        "--task",
        "stay:regression:roc_auc",
        "--task",
        "readmitted",
    ),
    "unknown kind": ("clinic.csv", "--task", "stay:regresion", "--task", "readmitted"),
    "columns doubled": ("doubled.csv", *TASKS),
    "empty file": ("empty.csv", *TASKS),
    "header only": ("header.csv", *TASKS),
    "ragged": ("ragged.csv", *TASKS),
    "unclosed quote": ("unclosed.csv", *TASKS),
    "binary": ("binary.csv", *TASKS),
    "gzip named csv": ("zipped.csv", *TASKS),
    "cut gzip": ("cut.csv.gz", *TASKS),
    "no parquet": ("text.parquet", *TASKS),
    "no npz": ("text.npz", *TASKS),
    "card of a lost file": ("lost.card.yaml",),
    "card with a typo": ("key.card.yaml",),
    "broken card": ("broken.yaml",),
    "list as card": ("list.yaml",),
    "test rows of one class": ("one_class.yaml",),
    "too few of a class for every fold": ("clinic.csv", "--task", "rare", "--task", "ward"),
    "space: unknown name": ("penguins", "--space", "quik"),
    "space: missing file": ("penguins", "--space", "nowhere.yaml"),
    "space: folder": ("penguins", "--space", "."),
    "space: unknown class": ("penguins", "--space", "typo.yaml"),
    "space: unknown word": ("penguins", "--space", "word.yaml"),
    "space: unknown key": ("penguins", "--space", "key.yaml"),
    "space: empty range": ("penguins", "--space", "range.yaml"),
    "space: list": ("penguins", "--space", "list.yaml"),
    "space: not YAML": ("penguins", "--space", "broken.yaml"),
}
BAD_USAGE = {
    "trainings 0": ("--trainings", "0"),
    "trainings -1": ("--trainings", "-1"),
    "replicates 0": ("--replicates", "0"),
    "more replicates than trainings": ("--trainings", "2", "--replicates", "3"),
    "epochs 0": ("--epochs", "0"),
    "seeds 0": ("--seeds", "0"),
    "seeds in words": ("--seeds", "many"),
    "workers -1": ("--workers", "-1"),
    "gpus -1": ("--gpus-per-worker", "-1"),
    "gpus nan": ("--gpus-per-worker", "nan"),
    "unknown arm": ("--arms", "searched,singel_task"),
    "arm twice": ("--arms", "searched,searched"),
    "no arm": ("--arms", ","),
    "unknown sampler": ("--sampler", "tpee"),
    "unknown models to compare": ("--compare", "ensembles"),
    "unknown engine": ("--engine", "forrest"),
    "unknown runner": ("--runner", "rya"),
    "unknown device": ("--device", "tpu"),
    "nameless task": ("--task", ":binary"),
    "task of four parts": ("--task", "a:b:c:d"),
}
SUGGESTIONS = {
    "missing file": "clinic.csv",
    "unknown problem": "penguins",
    "unknown column": "readmitted",
    "unknown task of a problem": "sex",
    "unknown metric": "rmse",
    "unknown kind": "regression",
    "card with a typo": "kind",
    "space: unknown name": "quick",
    "space: unknown class": "mlp",
    "space: unknown word": "log",
    "space: unknown key": "optimizer",
    "unknown arm": "single_task",
    "unknown sampler": "tpe",
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_or_space_is_3(place: Path, tmp_path: Path, case: str) -> None:
    study = tmp_path / "study"
    done = run_warm("search", *BAD_DATA[case], "--runner", "local", "--study", study, cwd=place)
    _assert_refused(3, done, study, SUGGESTIONS.get(case))


@pytest.mark.parametrize("case", BAD_USAGE)
def test_bad_usage_is_2(place: Path, tmp_path: Path, case: str) -> None:
    study = tmp_path / "study"
    done = run_warm("search", *SMALL, "--study", study, *BAD_USAGE[case], cwd=place)
    _assert_refused(2, done, study, SUGGESTIONS.get(case))


@pytest.mark.skipif(torch.cuda.is_available(), reason="has CUDA")
@pytest.mark.parametrize("command", ["search", "check"])
def test_cuda_where_there_is_none_is_2(tmp_path: Path, command: str) -> None:
    _assert_refused(2, run_warm(command, "--device", "cuda", cwd=tmp_path), tmp_path / "studies")


@pytest.mark.parametrize(
    "case",
    ["missing file", "unknown column", "infinite target", "one task", "space: unknown class"],
)
def test_check_refuses_what_search_refuses(place: Path, case: str) -> None:
    _assert_refused(
        3, run_warm("check", *BAD_DATA[case], cwd=place), place / "studies", SUGGESTIONS.get(case)
    )


@pytest.mark.parametrize(
    "words",
    [("search", "--trainings", "many"), ("search", "--trainigs", "3"), ("serach",), ("resume",)],
)
def test_what_the_parser_refuses_is_2(place: Path, words: tuple[str, ...]) -> None:
    done = run_warm(*words, cwd=place)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_cold_start_refuses_alike(place: Path) -> None:
    arguments = ("search", "clinc.csv", *TASKS, "--study", "study")
    assert run(*arguments, cwd=place) == run_warm(*arguments, cwd=place)


@pytest.mark.parametrize("command", ["resume", "status", "report", "export"])
@pytest.mark.parametrize("folder", ["nowhere", ".", "clinic.csv"])
def test_a_folder_that_is_no_study_is_4(
    place: Path, tmp_path: Path, command: str, folder: str
) -> None:
    more = ("--to", tmp_path / "exported") if command == "export" else ()
    _assert_refused(4, run_warm(command, folder, *more, cwd=place), tmp_path / "exported")


@pytest.mark.parametrize("study", ["clinic.csv/study", "/proc/nowhere/study"])
def test_a_study_folder_that_cannot_be_made_is_4(place: Path, study: str) -> None:
    _assert_refused(4, run_warm("search", *SMALL, "--study", study, cwd=place), place / study)


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////nowhere/at/all.db", "oracle9://a/b"])
def test_a_storage_that_cannot_be_reached_is_4(tmp_path: Path, url: str) -> None:
    study = tmp_path / "study"
    _assert_refused(
        4, run_warm("search", *SMALL, "--storage", url, "--study", study, cwd=tmp_path), study
    )


def test_an_existing_study_is_4(penguins: tuple[Path, Finished]) -> None:
    study, _ = penguins
    before = sorted(path.name for path in study.iterdir())
    done = run_warm("search", *SMALL, *TWO_ARMS, "--study", study, cwd=study.parent)
    assert done.code == 4
    assert "resume" in one_error_line(done)
    assert sorted(path.name for path in study.iterdir()) == before


def test_a_folder_in_use_is_4_and_untouched(place: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    done = run_warm("search", *SMALL, "--study", tmp_path, cwd=place)
    assert done.code == 4
    one_error_line(done)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_fewer_seeds_than_a_study_has_are_4(penguins: tuple[Path, Finished]) -> None:
    study, _ = penguins
    done = run_warm("resume", study, "--seeds", "1", cwd=study.parent)
    assert done.code == 4
    assert "--seeds: found 1; the study already has 2 and only grows" in one_error_line(done)


@pytest.fixture
def copied(penguins: tuple[Path, Finished], tmp_path: Path) -> Path:
    """A copy of the finished study, to be spoilt."""
    return shutil.copytree(penguins[0], tmp_path / "study")


def test_resume_after_the_data_changed_is_4(place: Path, tmp_path: Path) -> None:
    data, study = tmp_path / "clinic.csv", tmp_path / "study"
    shutil.copy(place / "clinic.csv", data)
    ignoring = ("--task", "readmitted", "--task", "stay:regression")
    assert (
        run_warm("search", data, *ignoring, *SMALL, *TWO_ARMS, "--study", study, cwd=tmp_path).code
        == 0
    )
    data.write_text(data.read_text("utf-8").replace(",a,", ",b,", 1), "utf-8")
    for command in (("resume", study), ("resume", study, "--trainings", "8"), ("report", study)):
        done = run_warm(*command, cwd=tmp_path)
        assert done.code == 4
        assert "changed" in one_error_line(done)
    assert run_warm("status", study, cwd=tmp_path).code == 0
    data.unlink()
    done = run_warm("resume", study, cwd=tmp_path)
    assert done.code in (3, 4)
    assert str(data) in one_error_line(done)


def test_a_study_does_not_shrink(copied: Path) -> None:
    done = run_warm("resume", copied, "--trainings", "2", cwd=copied.parent)
    assert done.code == 4
    assert "only grows" in one_error_line(done)


def _lose_the_database(study: Path) -> None:
    (study / "study.db").unlink()


def _spoil_the_database(study: Path) -> None:
    (study / "study.db").write_bytes(b"not a database" * 1000)


def _cut_the_pointer(study: Path) -> None:
    (study / "study.json").write_text('{"storage": nu', "utf-8")


def _point_to_a_list(study: Path) -> None:
    (study / "study.json").write_text("[]", "utf-8")


def _point_to_nothing(study: Path) -> None:
    pointer = json.loads((study / "study.json").read_text("utf-8"))
    (study / "study.json").write_text(json.dumps({**pointer, "name": "another"}), "utf-8")


def _empty_the_database(study: Path) -> None:
    (study / "study.db").unlink()
    sqlite3.connect(study / "study.db").close()


@pytest.mark.parametrize(
    "spoil",
    [
        _lose_the_database,
        _spoil_the_database,
        _cut_the_pointer,
        _point_to_a_list,
        _point_to_nothing,
        _empty_the_database,
    ],
)
@pytest.mark.parametrize("command", ["status", "resume"])
def test_a_damaged_study_is_4(copied: Path, spoil: object, command: str) -> None:
    spoil(copied)
    done = run_warm(command, copied, cwd=copied.parent)
    assert done.code == 4, done.err
    one_error_line(done)


@pytest.mark.parametrize(
    "words", [("resume",), ("report",), ("export", "--to", "model")], ids=lambda words: words[0]
)
def test_a_study_whose_space_is_read_no_more_is_4(copied: Path, words: tuple[str, ...]) -> None:
    """As of the time when the one start was called `standard`."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{copied / 'study.db'}")
    root = optuna.load_study(
        study_name=json.loads((copied / "study.json").read_text("utf-8"))["name"], storage=storage
    )
    request = root.user_attrs["request"]
    old = {
        **request["space"],
        "initialization": {"name": "standard", "pretraining": 0.0, "frozen": 0.0},
    }
    root.set_user_attr("request", {**request, "space": old})
    storage.engine.dispose()
    command, *options = words
    done = run_warm(command, copied, *options, cwd=copied.parent)
    assert done.code == 4, done.err
    line = one_error_line(done)
    assert (
        "another version" in line
        and '"standard" is unknown' in line
        and "pretrained, random, reptile" in line
    )
    assert run_warm("status", copied, cwd=copied.parent).code == 0


EXPORTS = {
    "unknown arm": ("--candidate", "serached"),
    "arm that was not run": ("--candidate", "share_all"),
    "number too high": ("--candidate", "999"),
    "no number": ("--candidate", "searched:x"),
    "unknown format": ("--format", "pdf"),
}


@pytest.mark.parametrize("case", EXPORTS)
def test_a_bad_export_is_2(penguins: tuple[Path, Finished], tmp_path: Path, case: str) -> None:
    done = run_warm("export", penguins[0], "--to", tmp_path / "model", *EXPORTS[case], cwd=tmp_path)
    assert done.code == 2, done.err
    one_error_line(done)
    assert list(tmp_path.iterdir()) == []


def test_an_export_into_a_folder_in_use_is_refused(
    penguins: tuple[Path, Finished], tmp_path: Path
) -> None:
    (tmp_path / "notes").write_text("mine")
    done = run_warm("export", penguins[0], "--to", tmp_path, cwd=tmp_path)
    assert done.code in (2, 4)
    one_error_line(done)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_predict_without_a_model_is_refused(place: Path, folder: str) -> None:
    done = run_warm("predict", folder, "clinic.csv", cwd=place)
    assert done.code in (2, 3, 4)
    one_error_line(done)


def test_an_unknown_space_is_3(place: Path) -> None:
    done = run_warm("spaces", "quik", cwd=place)
    assert done.code == 3
    assert "quick" in one_error_line(done)


def _assert_refused(code: int, done: Finished, unmade: Path, suggestion: str | None = None) -> None:
    assert done.code == code, done.err
    line = one_error_line(done)
    assert len(line) > len("error: ") + 10
    if suggestion:
        assert f'did you mean "{suggestion}"' in line
    assert done.out == ""
    assert not unmade.exists()
