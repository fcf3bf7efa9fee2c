"""A study of a DataFrame and that of the command line are the same, bit for bit."""

from pathlib import Path

from mtlsearch import Search
from mtlsearch.search.study import Study
from tests.support.running_program import run_warm, trials
from tests.support.small_search import FLAGS, penguins

SMALL = ("--space", "quick", "--epochs", "2", "--trainings", "4", "--seeds", "2")
ELSEWHERE = ("--runner", "local", "--engine", "serial", "--no-references")


def test_fit_and_the_command_line_make_the_same_study(fitted: Search, tmp_path: Path) -> None:
    penguins().to_parquet(tmp_path / "birds.parquet")
    flags = [word for flag in FLAGS for word in ("--task", flag)]
    arms = ("--arms", "searched,single_task")
    done = run_warm(
        "search", "birds.parquet", *flags, *SMALL, *ELSEWHERE, *arms, "--study", "typed",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    typed = Study.open(tmp_path / "typed")
    written = Study.open(fitted.study_.folder)
    assert typed.request.digest == written.request.digest
    assert typed.request.task_flags == written.request.task_flags
    for arm in ("searched", "single_task", typed.confirmation):
        assert _records(typed.folder, arm) == _records(written.folder, arm)


def _records(folder: Path, arm: str) -> list[dict]:
    """What was proposed and what came out, but for how long it took."""
    records = []
    for trial in trials(folder, arm):
        result = {**trial.user_attrs["result"]}
        timed = [name for name in result if "seconds" in name]
        for name in timed:
            del result[name]
        attributes = {**trial.user_attrs, "result": result}
        del attributes["seconds"]  # the same, where people look for it
        records.append(attributes)
    assert len(records) == 4
    return records
