"""One study, with an answer and with the truth beside it.

The true gain of a model is that of ensembles of fresh seeds, of as many members as the study
compared, trained on the same rows and tested on thousands of others. With outer folds the interval
is of the mean of the folds, so its truth is the mean true gain of their models; the model that is
handed over, of all rows, has a true gain of its own.
"""

import json
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.power.problems import PENGUINS, Case, Sample, sample
from benchmarks.truth.experiment import FOREST, Budget, request, space, test_scores
from benchmarks.truth.verdicts import ARMS, BASELINE
from mtlsearch.candidate import Composition
from mtlsearch.data import Dataset, load
from mtlsearch.evidence.comparison import Comparison
from mtlsearch.evidence.interval import Interval
from mtlsearch.evidence.recommendation import Option
from mtlsearch.evidence.selection import Pick
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.arms import USUAL
from mtlsearch.search.seed_plan import AUTO
from mtlsearch.search.session import Observer, work
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace, load_space

BUDGET = Budget(12)  # of each arm: six candidates, trained twice
DEFAULT_BUDGET = Budget(32)
LEVELS = 2
TRUE_SEEDS = {True: 30, False: 10}  # by whether it is the only split: at least so many

Gains = dict[str, float]


@dataclass(frozen=True)
class Known:
    """What a recommendation rests on: what is known of an arm's model, and what it costs.

    Attributes:
        arm: The arm.
        macs: Its multiply-accumulates for one example.
        parameters: Its trained weights.
        test: Its gain on test rows with its interval; None of single-task itself.
        validation: The gain that validation rows promise, and its standard deviation.
    """

    arm: str
    macs: int
    parameters: int
    test: tuple[float, float, float] | None
    validation: tuple[float, float] | None

    @classmethod
    def of(cls, option: Option) -> "Known":
        """What is known of a model that may be recommended."""
        estimate = option.validation
        return cls(
            arm=option.arm,
            macs=option.cost.macs,
            parameters=option.cost.parameters,
            test=None if option.test is None else _ends(option.test),
            validation=None if estimate is None else (estimate.gain, estimate.deviation),
        )

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Known":
        """What was written."""
        for name in ("test", "validation"):
            if values[name] is not None:
                values[name] = tuple(values[name])
        return cls(**values)


@dataclass(frozen=True)
class Record:
    """What a study said, and what is true. Gains are in points of mean skill over single-task.

    Attributes:
        case: The study.
        decision: The verdict's decision.
        claim: What its figures alone would say, without caveats.
        arm: The arm that stands for sharing.
        recommended: The arm that is recommended.
        gain: The mean gain of the standing arm with its interval: mean, low, high.
        seeds: How many seeds were compared in the end.
        minutes: The processor's time, of one thread, that the study took.
        options: What is known of each model that may be recommended.
        true: By arm that shares, the true gain that the interval is of; empty where not known.
        handed_over: The same of the models that are handed over.
    """

    case: Case
    decision: str
    claim: str
    arm: str
    recommended: str
    gain: tuple[float, float, float]
    seeds: int
    minutes: float
    options: tuple[Known, ...] = ()
    true: Gains = field(default_factory=dict)
    handed_over: Gains = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it as a file, which is there as a whole or not at all."""
        path = file_of(folder, self.case)
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        unfinished.replace(path)


def file_of(folder: Path, case: Case) -> Path:
    """Return where the record of a study lies."""
    return folder / f"{case.name}.json"


def read(path: Path) -> Record:
    """Read a record."""
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    values["case"] = Case(**values["case"])
    values["gain"] = tuple(values["gain"])
    values["options"] = tuple(Known.from_json(option) for option in values["options"])
    return Record(**values)


def study(case: Case) -> Record:
    """Do a study, and measure the truth where it can be known."""
    if case.problem == PENGUINS:
        return _by_default(case)
    drawn = sample(case)
    searched = space(len(drawn.dataset.tasks), LEVELS)
    asked = request(drawn.dataset, searched, BUDGET, ARMS, case.seed)
    asked = replace(asked, seeds=AUTO, outer_folds=case.outer_folds)
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        made = Study.create(Path(folder) / "study", asked, None)
        record, analysis = _answered(case, made, drawn.dataset, searched)
        truth = _Truth(drawn, searched, case, record.seeds)
        return truth.beside(record, analysis)


def _by_default(case: Case) -> Record:
    """Do the study of the default command: six arms, its space, its budget and references."""
    dataset = load(case.problem)
    searched = load_space("default", len(dataset.tasks))
    asked = request(dataset, searched, DEFAULT_BUDGET, USUAL, case.seed)
    asked = replace(asked, seeds=AUTO, outer_folds=case.outer_folds, references=True)
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        made = Study.create(Path(folder) / "study", asked, None)
        record, _ = _answered(case, made, dataset, searched)
        return record


def _answered(
    case: Case,
    made: Study,
    dataset: Dataset,
    searched: SearchSpace,
) -> tuple[Record, Analysis]:
    """Do a study; return what it says."""
    started = time.process_time()
    made.set_engine(FOREST)
    work(made, dataset, searched, Observer())
    analysis = Analysis(made, dataset)
    verdict = analysis.verdict
    assert verdict is not None
    minutes = (time.process_time() - started) / 60
    comparisons = {}
    for arm, entry in analysis.ensemble_comparisons.items():
        assert isinstance(entry, Comparison)
        comparisons[arm] = entry
    record = Record(
        case=case,
        decision=verdict.decision,
        claim=verdict.claim,
        arm=verdict.arm,
        recommended=verdict.recommended,
        gain=_ends(comparisons[verdict.arm].gain),
        seeds=made.seed_plan.seeds,
        minutes=minutes,
        options=tuple(Known.of(option) for option in analysis._options(comparisons)),
    )
    return record, analysis


def _ends(gain: Interval) -> tuple[float, float, float]:
    assert gain.low is not None
    assert gain.high is not None
    return gain.mean, gain.low, gain.high


@dataclass(frozen=True)
class _Truth:
    """What is true of the models of a study."""

    sample: Sample
    searched: SearchSpace
    case: Case
    members: int

    def beside(self, record: Record, analysis: Analysis) -> Record:
        """Return the record with the true gains."""
        folds = []
        for fold in analysis.outer_folds:
            folds.append(self._gains(fold.picks, fold.dataset))
        true = weighted(folds, analysis.weights.shares.tolist())
        last = analysis.all_rows
        if last is None:
            return replace(record, true=true, handed_over=true)
        return replace(record, true=true, handed_over=self._gains(last.picks, last.dataset))

    def _gains(self, picks: Sequence[Pick], fold: Dataset) -> Gains:
        """The true gains of what was picked on the training rows of a fold, by arm."""
        dataset = self.sample.for_truth(fold)
        models = {pick.arm: pick.composition for pick in picks}
        distinct: list[Composition] = list(dict.fromkeys(models.values()))
        least = TRUE_SEEDS[self.case.outer_folds == 1]
        ensembles = math.ceil(least / self.members)
        tested = test_scores(
            dataset,
            self.searched,
            distinct,
            seeds=ensembles * self.members,
            members=self.members,
        )
        scales = SkillScales.on_test_rows(dataset)
        baseline = tested[distinct.index(models[BASELINE])]
        gains = {}
        for arm, model in models.items():
            if arm == BASELINE:
                continue
            pairs = zip(tested[distinct.index(model)], baseline, strict=True)
            differences = [scales.gain(ours, theirs) for ours, theirs in pairs]
            gains[arm] = float(np.mean(differences))
        return gains


def weighted(folds: Sequence[Mapping[str, float]], shares: Sequence[float]) -> Gains:
    """Return by arm the mean gain over outer folds [K], which count by their shares [K]."""
    means = {}
    for arm in folds[0]:
        of_folds = [fold[arm] for fold in folds]
        means[arm] = float(np.dot(shares, of_folds))
    return means
