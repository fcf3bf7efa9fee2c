"""The study that every case disturbs, what it comes to undisturbed, and how the two compare."""

import hashlib
import json
import shutil
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mtlsearch.search.study_folder import is_study
from tests.chaos.program import Prelude, Run, undisturbed
from tests.support.running_program import Finished, report_of

TRAININGS = 4
SEEDS = 2
ARMS = ("searched", "single_task")
SEARCH = (
    "--space",
    "quick",
    "--epochs",
    "2",
    "--trainings",
    str(TRAININGS),
    "--seeds",
    str(SEEDS),
    "--runner",
    "local",
    "--arms",
    ",".join(ARMS),
)
CONFIRMATION = f"confirmation@{TRAININGS}"
REFERENCES = "references"
BIRTH, SEARCHING, CONFIRMING, FITTING, REPORTING, FINISHED = range(6)
PHASES = ("birth", "search", "confirmation", "references", "report", "end")
OF_A_RESULT = ("number", "scores", "epochs", "failure")  # not the seconds that it took

Words = tuple[str | Path, ...]
Recorded = Mapping[tuple[str, int], Any]


@dataclass(frozen=True)
class Whole:
    """What came of the undisturbed study.

    Attributes:
        study: Its folder, for reading only.
        model: The folder of its exported model.
        recorded: The result of each training by arm and number.
        answer: What the report says in the end.
        predictions: A digest of the predictions of each confirmed model.
        seconds: How long each phase took, by its number.
        export_seconds: How long the export took.
    """

    study: Path
    model: Path
    recorded: Recorded
    answer: Any
    predictions: Mapping[str, str]
    seconds: Mapping[int, float]
    export_seconds: float


@dataclass
class Disturbed:
    """A study that is disturbed, and what was finished in it so far.

    Attributes:
        folder: Where the program runs; the study is in `study`, the exported model in `model`.
        data: What is searched.
        lost: How many trainings had been finished and were gone or changed later.
    """

    folder: Path
    data: Words = ("penguins",)
    lost: int = 0
    _kept: dict[tuple[str, int], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def study(self) -> Path:
        return self.folder / "study"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    def go_on(self, prelude: Prelude = undisturbed) -> Run:
        """Start the search, or resume it where there is a study."""
        words: Words = ("search", *self.data, *SEARCH, "--study", self.study)
        if is_study(self.study):
            words = ("resume", self.study)
        return self.start(*words, prelude=prelude)

    def start(self, *words: str | Path, prelude: Prelude = undisturbed) -> Run:
        """Start any command."""
        return Run(*words, folder=self.folder, prelude=prelude)

    def run(self, *words: str | Path, prelude: Prelude = undisturbed) -> Finished:
        """Any command to its end."""
        return self.start(*words, prelude=prelude).finish()

    def reach(self, target: int, prelude: Prelude = undisturbed) -> Run:
        """Start or resume the search, and wait until it works on a phase, or is beyond it."""
        before = phase(self.study)
        finished = self.look()

        def has_begun() -> bool:
            now = phase(self.study)
            if now != target or now in (BIRTH, REPORTING):
                return now >= target
            return now > before or self.count() > finished

        program = self.go_on(prelude)
        program.wait_until(has_begun)
        return program

    def count(self) -> int:
        """How many trainings are finished."""
        return len(recorded(self.study))

    def look(self) -> int:
        """Compare what is finished with what was, and count it."""
        found = recorded(self.study)
        for key, result in self._kept.items():
            self.lost += found.get(key) != result
        self._kept = dict(found)
        return len(found)

    def comes_to(self, whole: Whole) -> bool:
        """Go on to the end, and say whether everything is as in the undisturbed study."""
        done = self.go_on().finish()
        assert done.code == 0, done.err
        self.look()
        return self.equals(whole)

    def equals(self, whole: Whole) -> bool:
        """Whether the results, the predictions, the scores and the verdict are the same."""
        same_results = recorded(self.study) == whole.recorded
        same_predictions = predictions(self.study) == whole.predictions
        return same_results and same_predictions and answer(self.study) == whole.answer

    def exports(self, whole: Whole) -> bool:
        """Export the model, and say whether its weights are those of the undisturbed study."""
        done = self.run("export", self.study, "--to", self.model)
        assert done.code == 0, done.err
        return weights(self.model) == weights(whole.model)

    def take(self, study: Path) -> None:
        """Begin with a copy of a study."""
        shutil.copytree(study, self.study)
        self.look()


def make_whole(folder: Path, data: Words = ("penguins",)) -> Whole:
    """Run the undisturbed study, and note when its phases began."""
    calm = Disturbed(folder, data)
    program = calm.go_on()
    begun = {BIRTH: time.monotonic()}
    latest = BIRTH

    def is_over() -> bool:
        nonlocal latest
        now = phase(calm.study)
        if now > latest:
            latest = now
            begun[now] = time.monotonic()
        return False

    program.wait_until(is_over)  # it ends by itself
    done = program.finish()
    assert done.code == 0, done.err
    begun[FINISHED] = begun.get(FINISHED, time.monotonic())
    seconds = _lengths(begun)
    began = time.monotonic()
    exported = calm.run("export", calm.study, "--to", calm.model)
    assert exported.code == 0, exported.err
    return Whole(
        study=calm.study,
        model=calm.model,
        recorded=recorded(calm.study),
        answer=answer(calm.study),
        predictions=predictions(calm.study),
        seconds=seconds,
        export_seconds=time.monotonic() - began,
    )


def make_half(folder: Path, data: Words = ("penguins",), finished: int = 3) -> Path:
    """A study that was killed after some trainings: its folder."""
    half = Disturbed(folder, data)
    program = half.go_on()
    assert program.wait_until(lambda: len(recorded(half.study)) >= finished)
    program.kill()
    return half.study


def phase(study: Path) -> int:
    """What a study is at, by what is in its folder."""
    if not is_study(study):
        return BIRTH
    counts = {_arm(name): count for name, count in _rows(study, _COUNTS)}
    if min(counts.get(arm, 0) for arm in ARMS) < TRAININGS:
        return SEARCHING
    if counts.get(CONFIRMATION, 0) < SEEDS * len(ARMS):
        return CONFIRMING
    [[kinds]] = _rows(study, _FITS)
    if counts.get(REFERENCES, 0) < SEEDS * len(json.loads(kinds)):
        return FITTING
    is_reported = (study / "report" / "report.json").is_file()
    return FINISHED if is_reported else REPORTING


def recorded(study: Path) -> Recorded:
    """The parameters and the result of each finished training, without the times it took."""
    found: dict[tuple[str, int], Any] = {}
    for name, number, key, text in _rows(study, _ATTRIBUTES):
        value = json.loads(text, parse_constant=str)
        if key == "result":
            value = {part: value[part] for part in OF_A_RESULT}
        training = found.setdefault((_arm(name), number), {})
        training[key] = value
    for name, number, key, value in _rows(study, _PARAMETERS):
        training = found.setdefault((_arm(name), number), {})
        training[f"parameter {key}"] = value
    return found


def answer(study: Path) -> Any:
    """What the report says in the end: verdict, gains, test scores, ready-made models."""
    report = report_of(study)
    assert report["study"]["finished"]
    parts = ("verdict", "choices", "confirmed", "comparisons", "references", "seeds")
    kept = {part: report[part] for part in parts}
    text = json.dumps(kept)
    return json.loads(text, parse_constant=str, object_hook=_lasting)


def predictions(study: Path) -> dict[str, str]:
    """A digest of the arrays of each file of predictions."""
    digests = {}
    for path in (study / "confirmed").glob("*.npz"):
        digest = hashlib.sha256()
        with np.load(path) as arrays:
            for name in sorted(arrays.files):
                digest.update(name.encode() + arrays[name].tobytes())
        digests[path.name] = digest.hexdigest()
    return digests


def weights(model: Path) -> dict[str, bytes]:
    """The files of weights in an exported folder."""
    found = {path.name: path.read_bytes() for path in model.rglob("*.safetensors")}
    assert found, f"{model}: no weights"
    return found


_COUNTS = """
    SELECT study_name, COUNT(*)
    FROM trials JOIN studies USING (study_id)
    WHERE state = 'COMPLETE'
    GROUP BY study_name
"""
_ATTRIBUTES = """
    SELECT study_name, number, key, value_json
    FROM trials JOIN studies USING (study_id) JOIN trial_user_attributes USING (trial_id)
    WHERE state = 'COMPLETE' AND key != 'seconds'
    ORDER BY study_name, number, key
"""
_PARAMETERS = """
    SELECT study_name, number, param_name, param_value
    FROM trials JOIN studies USING (study_id) JOIN trial_params USING (trial_id)
    WHERE state = 'COMPLETE'
    ORDER BY study_name, number, param_name
"""
_FITS = "SELECT value_json FROM study_user_attributes WHERE key = 'references'"


def _rows(study: Path, query: str) -> list[tuple[Any, ...]]:
    database = study / "study.db"
    if not database.is_file():
        return []
    address = f"file:{database}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=5)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError:  # there is no table yet
            return []


def _arm(name: str) -> str:
    return name.rpartition("/")[2]


def _lasting(fields: dict[str, Any]) -> dict[str, Any]:
    """Without what took time, and without advice, which names minutes and the study's folder."""
    return {key: value for key, value in fields.items() if "seconds" not in key and key != "advice"}


def _lengths(begun: Mapping[int, float]) -> dict[int, float]:
    lengths = {}
    end = begun[FINISHED]
    for number in range(FINISHED - 1, -1, -1):
        start = begun.get(number, end)
        lengths[number] = end - start
        end = start
    return lengths
