"""The report of a study as dataclasses. They are its schema: report.json holds them as they are.

The text below a field describes it. `schema.py` makes `report.schema.json` of these classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from pydantic import ConfigDict, Field

from mtlsearch.evidence.comparison import ENSEMBLE, SINGLE, Models, Result
from mtlsearch.evidence.interval import Interval
from mtlsearch.evidence.verdict import Decision

SCHEMA_VERSION: Final = 9
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0.0)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Documented:
    """A base that makes pydantic read the text below each field and refuse unknown fields."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", use_attribute_docstrings=True
    )


@dataclass(frozen=True)
class ReportedInterval(Documented):
    """A mean with its 95% interval."""

    mean: float
    """The mean."""

    low: float | None
    """Lower end of its 95% interval; null where it cannot be known, as from one seed."""

    high: float | None
    """Upper end of its 95% interval; null where it cannot be known."""

    @classmethod
    def of(cls, interval: Interval) -> "ReportedInterval":
        """The part of an interval that is reported."""
        return cls(interval.mean, interval.low, interval.high)

    @property
    def flipped(self) -> "ReportedInterval":
        """The interval of the negated mean."""
        low = None if self.high is None else -self.high
        high = None if self.low is None else -self.low
        return ReportedInterval(-self.mean, low, high)

    @property
    def half_width(self) -> float | None:
        """Half of the distance between the ends; None where they cannot be known."""
        if self.low is None or self.high is None:
            return None
        return (self.high - self.low) / 2

    @property
    def is_positive(self) -> bool:
        """True when the whole interval lies above zero."""
        return self.low is not None and self.low > 0

    @property
    def is_negative(self) -> bool:
        """True when the whole interval lies below zero."""
        return self.high is not None and self.high < 0


@dataclass(frozen=True)
class RunSettings(Documented):
    """What was asked for, and how every candidate trains."""

    data: str
    """The file, the dataset card or the embedded problem."""

    task_flags: tuple[str, ...]
    """The tasks as they were given on the command line; empty when the card names them."""

    column_flags: tuple[str, ...]
    """What the command line said of columns, as it is typed; empty when it said nothing."""

    space_name: str
    """Name or file of the search space."""

    trainings: Count
    """Budget of each arm: trainings of one candidate on one replicate."""

    more_baseline: bool
    """Whether the baseline has twice this budget."""

    replicates: Count
    """Most replicates of a candidate during the search."""

    seed: int
    """Seed of the study."""

    seeds: Count | Literal["auto"]
    """Fresh training seeds of the confirmation; auto: as many as the answer needed."""

    outer_folds: Annotated[int, Field(ge=1)]
    """Sets of test rows, each with a search and a confirmation of its own."""

    greedy_ensemble: bool
    """Whether an ensemble was to be chosen among the confirmed models of all arms."""

    compare: str
    """What the verdict was asked to be about: the ensembles of these seeds, or single models."""

    margin: float
    """The difference in points of mean skill that does not matter."""

    workers: Count
    """Parallel workers."""

    gpus_per_worker: float
    """Share of a GPU that each worker takes."""

    sampler: str
    """Sampler of the search."""

    engine: str
    """Engine that was asked for: auto, or the name of one."""

    arms: tuple[str, ...]
    """Names of the arms."""

    device: str
    """Device that trained."""

    runner: str
    """What distributed the trainings."""

    ray_address: str | None
    """The Ray cluster; null for this machine."""

    cohort: Count
    """Trainings that are proposed and trained together."""

    proposal_delay: Count
    """Cohorts of an arm that may still run when its next one is proposed."""

    references: bool
    """Whether ready-made models were fitted for comparison."""

    reference_rows: Count | None
    """Training rows that these were given at most; null: as many as each kind of model takes."""

    epochs: Count
    """Most epochs of a training."""

    batch_size: Count | Literal["auto"]
    """Rows per step; auto: by the number of training rows."""

    patience: Count
    """Epochs without improvement before a training stops."""

    precision: str
    """Number format of the trainings of the search."""

    verdict_precision: str
    """Number format of the trainings that the verdict and the export rest on."""

    averaged_epochs: Count
    """Best epochs of which a model has the mean weights; 1: the best epoch's."""

    stop_on: str
    """What says which epochs are the best, on validation rows: the loss, or the tasks' metrics."""


@dataclass(frozen=True)
class ReportedEngine(Documented):
    """What trained every candidate of the study."""

    trainer: str
    """Name of the engine: the forest trains many networks as one program, serial one after another.
    """

    chunk: Count
    """Networks that are trained together at most."""

    seconds: Mapping[str, float]
    """Seconds per stage and step as timed for this choice."""


@dataclass(frozen=True)
class ReportedStudy(Documented):
    """The study itself."""

    folder: str
    """Folder of the study."""

    created: str
    """When the study was begun, ISO 8601."""

    finished: bool
    """True when every arm spent its budget and the models were confirmed."""

    wall_seconds: Seconds
    """Time spent so far over all runs, in seconds."""

    settings: RunSettings
    """Settings of the run."""

    engine: ReportedEngine | None
    """What trained every candidate; null before the first training."""


@dataclass(frozen=True)
class ReportedSource(Documented):
    """One input table or array."""

    name: str
    """Name of the source."""

    rows: Count
    """Rows in all."""

    kind: str
    """What a row is: the name of an input kind."""

    inputs: Count
    """Cells of a row; of an image or a sequence numbers, of a text tokens."""

    train: Count
    """Training rows of the first fold."""

    validation: Count
    """Validation rows of the first fold."""

    test: Count
    """Test rows, which the search never sees."""


@dataclass(frozen=True)
class ReportedColumn(Documented):
    """A column of a source, and what is done with it."""

    source: str
    """Name of the source."""

    name: str
    """Name of the column."""

    type: str
    """What it was taken for; empty where nothing was asked."""

    use: str
    """`input`, or what else it is: a target, needed for the split, ignored or left out."""

    detail: str
    """How an input is encoded, or why a column is left out and how to change that."""


@dataclass(frozen=True)
class ReportedData(Documented):
    """The data set."""

    name: str
    """Name of the data set."""

    digest: str
    """Digest of the prepared data; equal data have equal digests."""

    sources: tuple[ReportedSource, ...]
    """The input tables and arrays."""

    notices: tuple[str, ...]
    """What was inferred or dropped."""

    warnings: tuple[str, ...]
    """What may make scores better or worse than they will be: leaks, few rows of a class, ..."""

    columns: tuple[ReportedColumn, ...]
    """What is done with each column of the sources."""


@dataclass(frozen=True)
class ReportedTask(Documented):
    """One thing that is predicted."""

    name: str
    """Name of the task, unique."""

    kind: str
    """Name of the task kind."""

    metric: str
    """Name of the metric that scores it."""

    higher_is_better: bool
    """Direction of the metric."""

    source: str
    """The source it is predicted from."""

    labels: Count
    """Rows that have a label."""

    classes: tuple[str, ...]
    """Names of the classes, or of the labels of a set; empty where there are none."""

    importance: float
    """Weight of the task in mean gains, and of its loss."""

    auxiliary: bool
    """Whether it is trained to help others only: it is in no gain, front or verdict."""

    at_most_worse: float | None
    """By how many percent it may be worse than the baseline; null: no limit."""

    no_skill: float
    """Test score of no skill: that of the best constant of the rows that are no test rows. The best
    score there is is 100 points above it.
    """

    @property
    def direction(self) -> str:
        """The direction of the metric in words."""
        return "higher is better" if self.higher_is_better else "lower is better"

    @property
    def scored_by(self) -> str:
        """The metric, and that nothing is claimed of the task where it is auxiliary."""
        return f"{self.metric}, auxiliary" if self.auxiliary else self.metric


@dataclass(frozen=True)
class ReportedFailure(Documented):
    """A training that failed."""

    number: Count
    """Number of the training within its arm."""

    reason: str
    """Why it failed."""


@dataclass(frozen=True)
class ReportedArm(Documented):
    """One search, with the budget that every arm has unless more was asked for the baseline."""

    name: str
    """Name of the arm."""

    is_main: bool
    """True for the arm that the others are controls of: the first that may choose among all sharing
    trees.
    """

    is_baseline: bool
    """True for the arm that the others are compared with."""

    trainings: Count
    """Its budget of trainings."""

    epochs: Count
    """Most epochs of each training."""

    complete: Count
    """Trainings that ran to their end."""

    failed: Count
    """Trainings that failed."""

    candidates: Count
    """Different candidates trained."""

    components_saved: Count
    """Components not trained because their cohort had the same one on the same replicate already.
    """

    epochs_run: Count
    """Epochs trained in all."""

    train_seconds: Seconds
    """Training time, summed over workers, in seconds."""

    best_gain: float | None
    """Best validation gain of a candidate, points of skill; null when none succeeded."""

    failures: tuple[ReportedFailure, ...]
    """Why trainings failed."""


@dataclass(frozen=True)
class ReportedComponent(Documented):
    """Tasks that share something, with the tree and the settings of their network."""

    tasks: Names
    """Its tasks."""

    levels: Annotated[tuple[tuple[Names, ...], ...], Field(min_length=1)]
    """For each level, from the inputs, the groups of tasks that share a stage; a level only refines
    the one before.
    """

    experts: tuple[Count, ...]
    """For each level how many branches it has that no task owns and that soft sharing mixes in."""

    soft_shared_levels: tuple[Annotated[int, Field(ge=1)], ...]
    """The levels, counted from 1 at the inputs, whose separate branches are tied softly."""

    private: bool
    """True when a task's branch is tied to the experts only, not to the branches of other tasks."""

    settings: Mapping[str, Mapping[str, object]]
    """Its settings by group: backbone, sharing, weighting, optimizer, initialization."""


Composition = tuple[ReportedComponent, ...]


@dataclass(frozen=True)
class ReportedScore(Documented):
    """The validation score of a task."""

    mean: float
    """Mean over replicates."""

    standard_error: float | None
    """Its standard error; null for one replicate."""

    estimate: float
    """What the trainings of all arms together say the score is on an average replicate; choices
    rest on it.
    """


@dataclass(frozen=True)
class ReportedCandidate(Documented):
    """A candidate that the search trained."""

    arm: str
    """The arm that trained it."""

    candidate: Count
    """Its number within the arm: that of its first training."""

    scores: Mapping[str, ReportedScore]
    """Validation score of each task."""

    replicates: Count
    """Replicates its scores are means over."""

    parameters: Count
    """Trainable parameters."""

    macs_per_example: Count
    """Multiply-accumulate operations for one example."""

    gain: ReportedInterval
    """Estimated validation gain of mean skill over single-task, points, higher is better."""

    shares: bool
    """True when tasks share a stage or are softly tied."""

    on_front: bool
    """True when no other candidate is at least as good on every task, and in the cost if that
    counts, and better in one.
    """

    tie: bool
    """True on the front when the gain's interval reaches that of the front's largest gain, or is
    it.
    """

    tree: str
    """The tree as one line."""

    composition: Composition
    """Tree and settings, component by component; components share nothing and hold every task once.
    """

    @property
    def label(self) -> str:
        """What it is called within its arm."""
        return f"candidate {self.candidate}"


@dataclass(frozen=True)
class UseCount(Documented):
    """In how many of some things a name is used."""

    used: Count
    """In how many it acts in at least one component."""

    inactive: Count
    """In how many more it has nothing to act on: a soft sharing without branches, a weighting
    without tasks that share.
    """


@dataclass(frozen=True)
class NameUse(Documented):
    """One name that a setting group may have in an arm."""

    name: str
    """The name in the space."""

    trainings: UseCount
    """Finished trainings with it."""

    failed: Count
    """Those of them that failed."""

    front: UseCount
    """Candidates of the front with it."""

    picked: bool | None
    """True when the arm's picked model uses it; null before there is one."""

    gain: ReportedInterval | None
    """Gain of mean skill, points, against the mean of the names that have one, estimated from the
    trainings of all arms; null where too few candidates use the name."""

    @property
    def is_tried(self) -> bool:
        """True when a training had it, whether it acted there or not."""
        return self.trainings.used > 0 or self.trainings.inactive > 0


@dataclass(frozen=True)
class ReportedChoice(Documented):
    """What was tried of one setting group in one arm, where the space leaves it several names."""

    arm: str
    """The arm."""

    group: str
    """The setting group: backbone, sharing, weighting, ..."""

    trainings: Count
    """Finished trainings of the arm."""

    front: Count
    """Its candidates on the front."""

    names: Annotated[tuple[NameUse, ...], Field(min_length=2)]
    """Every name that the space lets the group have."""


@dataclass(frozen=True)
class SeedLeftOut(Documented):
    """A seed of the confirmation without a model that could be scored."""

    seed: Count
    """Its index, counted from 0."""

    reason: str
    """Why its training says nothing."""


@dataclass(frozen=True)
class EnsembleScore(Documented):
    """A task's test score of an ensemble beside that of its models."""

    single: float
    """Mean test score of its models, one by one."""

    score: float
    """Test score of the mean of their predictions."""

    low: float | None
    """Lower end of its 95% interval over the choice of the test rows; null where it cannot be
    known, as where every resample of them scores the same.
    """

    high: float | None
    """Upper end of its 95% interval; null where it cannot be known."""

    skill: ReportedInterval
    """Its skill in points: 0 is the best constant of the other rows, 100 is perfect. Its interval
    is over the choice of the test rows.
    """

    gain: ReportedInterval
    """Gain of skill over the mean of its models, points, with its interval over the choice of the
    test rows.
    """

    @property
    def half_width(self) -> float | None:
        """Half of the distance between the ends; None where they cannot be known."""
        if self.low is None or self.high is None:
            return None
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class ReportedEnsemble(Documented):
    """The mean prediction of all models of an arm that were confirmed: of probabilities, or of
    values in the user's units.

    Beside single models of another arm it has an unfair advantage: `comparisons` sets ensembles
    beside ensembles.
    """

    seeds: tuple[Count, ...]
    """Indexes of the seeds whose models it is made of, counted from 0: all that succeeded."""

    left_out: tuple[SeedLeftOut, ...]
    """The other seeds."""

    tasks: Mapping[str, EnsembleScore]
    """Its score in each task; empty where there is no ensemble."""

    gain: ReportedInterval | None
    """Gain of mean skill over the arm's own single models, points, with its interval over the
    choice of the test rows; null where there is no ensemble.
    """

    reason: str | None
    """Why there is no ensemble; null where there is one."""


@dataclass(frozen=True)
class GreedyMember(Documented):
    """The confirmed model of an arm in the greedy ensemble."""

    arm: str
    """The arm."""

    count: Annotated[int, Field(ge=1)]
    """How often it was taken."""

    weight: float
    """Its share of the mean prediction, divided equally among its seeds."""


@dataclass(frozen=True)
class ModelLeftOut(Documented):
    """A confirmed model that could not be chosen."""

    arm: str
    """The arm it is of."""

    reason: str
    """Why."""


@dataclass(frozen=True)
class GreedyScore(Documented):
    """A task's test score of the greedy ensemble."""

    score: float
    """Test score of its mean prediction."""

    low: float | None
    """Lower end of its 95% interval over the choice of the test rows; null where it cannot be
    known.
    """

    high: float | None
    """Upper end of its 95% interval; null where it cannot be known."""


@dataclass(frozen=True)
class ReportedGreedyEnsemble(Documented):
    """An ensemble that was chosen among the confirmed models of all arms, on validation rows alone
    (greedy selection with replacement, Caruana et al. 2004). It is in no verdict.
    """

    members: Annotated[tuple[GreedyMember, ...], Field(min_length=1)]
    """What it is made of."""

    left_out: tuple[ModelLeftOut, ...]
    """Confirmed models that could not be chosen; others that are no members were not worth it."""

    seeds: tuple[Count, ...]
    """Indexes of the seeds of which every member has a model, counted from 0."""

    networks: Count
    """How many models there are to deploy: every member with every seed."""

    validation_gain: float
    """What it was chosen for: gain of mean skill over the single model of `reference` on validation
    rows, points; it looks better than it is. Percent where it was chosen before skill was.
    """

    reference: str
    """The arm that this gain is over."""

    seconds: Seconds
    """What the choice took, in seconds. Nothing was trained for it."""

    tasks: Mapping[str, GreedyScore]
    """Its score in each task; empty where it could not be scored."""

    gain: ReportedInterval | None
    """Test gain of mean skill over the baseline's ensemble of the same seeds, points, with its
    interval over seeds and test rows; it does not allow for the choice. Null where there is none.
    """

    reason: str | None
    """Why it has no scores or no gain; null where it has both."""


@dataclass(frozen=True)
class ReportedModel(Documented):
    """The model of an arm that was chosen on validation and trained again with fresh seeds."""

    arm: str
    """The arm it is the best of."""

    candidate: Count | None
    """Its number within the arm that trained it; null when composed of several candidates, and when
    nobody trained it before: it has the tree that is best by all trainings."""

    trained_in: str | None
    """The arm that trained it in the search; null where `candidate` is."""

    tree: str
    """The tree as one line."""

    composition: Composition
    """Tree and settings, component by component."""

    parameters: Count
    """Trainable parameters."""

    macs_per_example: Count
    """Multiply-accumulate operations for one example."""

    validation_gain: float
    """The validation gain it was chosen for, points of skill; percent where it was chosen before
    skill was.
    """

    test: Mapping[str, tuple[float, ...]]
    """For each task the test score of every seed."""

    mean: Mapping[str, float]
    """Mean test score of each task."""

    standard_error: Mapping[str, float | None]
    """Standard error of the mean over seeds; null for one seed."""

    ensemble: ReportedEnsemble
    """The mean prediction of all seeds, scored on the same test rows."""


@dataclass(frozen=True)
class TaskDifference(Documented):
    """A task's test score against the baseline's."""

    difference: ReportedInterval
    """Test score minus the baseline's, paired over seeds, in the metric's unit and own direction.
    Its interval is over seeds and test rows, at the level that belongs to `result`: it leaves zero
    out where that is win or lose, and else spans it.
    """

    points: ReportedInterval
    """The same in points of skill: positive is better, whatever the metric."""

    result: Result
    """win or lose where that holds for all tasks together with 95% confidence (Holm 1979),
    otherwise tie.
    """


@dataclass(frozen=True)
class ReportedRelativeGain(Documented):
    """Relative test gain over the baseline in percent, in the two conventions of the field. Nothing
    is decided on it.
    """

    maninis: ReportedInterval
    """Mean relative gain, higher is better (Maninis et al. 2019)."""

    nash_mtl: ReportedInterval
    """Mean relative change of the error, lower is better (Navon et al. 2022)."""


@dataclass(frozen=True)
class ReportedComparison(Documented):
    """A confirmed model, or a reference, against the baseline, paired over seeds."""

    arm: str
    """The arm that is compared, or the reference."""

    baseline: str
    """The arm it is compared with."""

    models: Models
    """single: seed by seed, as means over the seeds; ensemble: the mean predictions of all of these
    seeds, one against the other.
    """

    seeds: Count
    """How many seeds succeeded in both: those that are compared."""

    tasks: Mapping[str, TaskDifference]
    """The outcome of each task."""

    gain: ReportedInterval
    """Test gain of mean skill over the baseline, points, higher is better."""

    relative: ReportedRelativeGain
    """Relative test gain over the baseline, percent."""

    of_reference: bool
    """Whether it is a reference that is compared: a ready-made model of each task by itself."""

    missing: tuple[str, ...]
    """Tasks that a reference has no model of: its gain is the mean over the others."""


@dataclass(frozen=True)
class AffinityPair(Documented):
    """What one task gains from sharing with another."""

    task: str
    """The task that gains or loses."""

    other: str
    """The task it shares with."""

    levels: Annotated[tuple[ReportedInterval, ...], Field(min_length=1)]
    """Gain in points of skill from sharing the first level, the first two, and so on."""


@dataclass(frozen=True)
class AffinityMap(Documented):
    """Who helps whom, estimated from the trainings of all arms."""

    arm: str
    """The main arm, whose pick goes by it."""

    trainings: Count
    """The complete trainings of all arms, from which it is estimated."""

    pairs: tuple[AffinityPair, ...]
    """Every ordered pair of tasks."""


@dataclass(frozen=True)
class ReportedReference(Documented):
    """A kind of ready-made model, fitted for each task by itself on the folds of the confirmation,
    with one setting that is chosen on the validation rows of the first.
    """

    name: str
    """Kind of model."""

    package: str
    """The package that it is of."""

    settings: Mapping[str, Mapping[str, float]]
    """For each task what it was fitted with."""

    validation: Mapping[str, float]
    """Mean score of each task on the validation rows."""

    test: Mapping[str, tuple[float, ...]]
    """For each task the test score of every seed."""

    mean: Mapping[str, float]
    """Mean test score of each task."""

    gains: Mapping[str, ReportedInterval]
    """For each task the gain of skill over the recommended model, points, over seeds and test rows;
    empty where there is no such model.
    """

    gain: ReportedInterval | None
    """Gain of mean skill, points; null where there is not a model of every task."""

    seconds: Seconds
    """What all of its fits took, the choice of its setting included."""

    rows: Count
    """Training rows that it was given at most."""

    left_out: Mapping[str, str]
    """Why there is no model, by task; under an empty name why a fit has none of any task."""


@dataclass(frozen=True)
class ReportedReferenceChoice(Documented):
    """The reference of a task with the best mean score on validation rows, beside the recommended
    model. No test row chose it.
    """

    task: str
    """The task."""

    reference: str
    """The reference."""

    validation: float
    """Its mean score on the validation rows."""

    gain: ReportedInterval
    """Gain of skill on the test rows over the recommended model, points."""

    result: Result
    """win or lose where that holds for all tasks together with 95% confidence (Holm 1979),
    otherwise tie; win: this model is the better one to use for the task.
    """


@dataclass(frozen=True)
class ReportedReferences(Documented):
    """Ready-made models beside the recommended one."""

    sentence: str
    """On which tasks one is better, and by how much, for people; empty before there is a verdict.
    """

    choices: tuple[ReportedReferenceChoice, ...]
    """For each task the reference that is best on validation rows."""

    models: tuple[ReportedReference, ...]
    """Every reference."""

    notices: tuple[str, ...]
    """What was cut or left out, and how to change that."""

    def choice_of(self, task: str) -> ReportedReferenceChoice | None:
        """The choice of a task."""
        return next((choice for choice in self.choices if choice.task == task), None)

    @property
    def better(self) -> list[str]:
        """The tasks on which one is surely better than the recommended model."""
        return [choice.task for choice in self.choices if choice.result == "win"]


@dataclass(frozen=True)
class ReportedAdvice(Documented):
    """A command that would make the answer surer."""

    command: str
    """The command, to be copied."""

    minutes: float
    """How long it is estimated to take."""

    why: str
    """Why it would make it surer, as a sentence without its full stop."""


@dataclass(frozen=True)
class ReportedVerdict(Documented):
    """The answer."""

    decision: Decision
    """Whether sharing pays on these data; share some: within the groups of tasks that the sentence
    names; equal: it makes no difference that matters.
    """

    sentence: str
    """The answer in plain words."""

    figures: str
    """The figures that it rests on, as a sentence."""

    arm: str
    """The arm that stood for sharing."""

    undecided: tuple[str, ...]
    """The arms that leave the answer open; empty where something is claimed, and where only a
    caveat forbids that.
    """

    recommended: str
    """The arm of the confirmed model to use. It is chosen by what is expected, which no claim rests
    on.
    """

    why: str
    """Why that model."""

    caveats: tuple[str, ...]
    """What weakens the figures; first what forbids a claim."""

    advice: tuple[ReportedAdvice, ...]
    """What would make it surer; empty where something is claimed."""

    models: Models
    """What it is about: the ensembles of all confirmed seeds, or single models."""

    remark: str | None
    """What the other of the two would say where that is another decision, or why ensembles could
    not be compared; null where there is nothing to say.
    """

    def __str__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        from mtlsearch.report.notebook import verdict_html  # which formats what is reported

        return verdict_html(self)


@dataclass(frozen=True)
class ReportedSeeds(Documented):
    """How many seeds the confirmation came to."""

    looks: Annotated[tuple[Count, ...], Field(min_length=1)]
    """The number of seeds at each look at the answer; the last is how many there are."""

    confidence: float
    """Confidence that each interval against the baseline has by itself; more than 0.95 where the
    answer may have been looked at before, so that the whole procedure has 0.95.
    """

    added_seconds: Seconds
    """What the trainings with the seeds after the first look took, summed over workers."""

    sentence: str
    """All of this for people."""


@dataclass(frozen=True)
class ReportedCurve(Documented):
    """How a component of a confirmed model learned with one seed."""

    arm: str
    """Arm of the model: the recommended one, or the one that it stands beside."""

    seed: Count
    """Index of the seed."""

    tasks: Names
    """Tasks of the component: they are trained together and share a curve."""

    validation: tuple[float, ...]
    """Validation loss after each epoch, relative to that of the best constant, mean over tasks."""

    training: tuple[float, ...]
    """The same of the training rows, as the steps of each epoch saw them: with dropout and smoothed
    labels. Empty where an earlier version trained."""


@dataclass(frozen=True)
class ReportedConfusion(Documented):
    """Which class is taken for which."""

    classes: Names
    """Classes in their order; of more than 12 the 11 most frequent, then `others`."""

    counts: tuple[tuple[Count, ...], ...]
    """Of each class, row by row, how many test rows were predicted to be of each class."""

    merged: Count
    """How many classes `others` stands for."""


@dataclass(frozen=True)
class ReportedCalibration(Documented):
    """Test rows of similar predicted probability."""

    predicted: float
    """Mean of the predicted probabilities."""

    observed: float
    """Share of the rows that are of the class."""

    low: float
    """Lower end of its 95% interval (Wilson 1927)."""

    high: float
    """Upper end of its 95% interval."""

    rows: Count
    """Number of rows."""


@dataclass(frozen=True)
class ReportedDetection(Documented):
    """How well a class is detected."""

    name: str
    """The second of two classes, or a label of a set."""

    positives: Count
    """Test rows that are of it."""

    rows: Count
    """Test rows of which that is known."""

    roc: tuple[tuple[float, float], ...]
    """Points of the ROC curve: false positive rate, true positive rate; at most 60."""

    precision_recall: tuple[tuple[float, float], ...]
    """Points of the other curve: recall, precision; at most 60."""

    calibration: tuple[ReportedCalibration, ...]
    """Bins of about as many rows each, by their probability."""


@dataclass(frozen=True)
class ReportedDeviations(Documented):
    """Predicted numbers beside the true ones."""

    points: tuple[tuple[float, float], ...]
    """True and predicted numbers; of more than 300 rows a sample of so many."""

    rows: Count
    """Labelled test rows."""

    edges: tuple[float, ...]
    """Edges of bins of the residuals, predicted minus true."""

    counts: tuple[Count, ...]
    """Rows in each bin; the first and the last hold what is beyond them."""

    mean: float
    """Mean residual."""

    median_size: float
    """Median of the residuals without their sign."""


@dataclass(frozen=True)
class ReportedColumnImportance(Documented):
    """What shuffling a column among the test rows costs a task (Breiman 2001)."""

    column: str
    """Name of the column."""

    loss: float
    """Mean loss of skill over the networks that were looked at, in points."""

    low: float
    """Smallest loss of one of them."""

    high: float
    """Largest loss of one of them."""


@dataclass(frozen=True)
class ReportedWorstRow(Documented):
    """A test row that the model errs on."""

    row: Annotated[int, Field(ge=1)]
    """Its number in the source's table: 1 is the first row below the header."""

    truth: str
    """The label."""

    prediction: str
    """What was predicted."""

    error: float
    """Distance of a number; of a class how improbable it was held to be, of a set of labels in the
    mean."""

    inputs: Mapping[str, str]
    """Some inputs of the row as text, the most important columns first."""


@dataclass(frozen=True)
class ReportedTaskDiagnosis(Documented):
    """How the recommended model errs on the test rows of a task."""

    task: str
    """Name of the task."""

    rows: Count
    """Labelled test rows, over all outer folds."""

    confusion: ReportedConfusion | None
    """Which class is taken for which; null where a row has no single class."""

    detections: tuple[ReportedDetection, ...]
    """How classes with a probability of their own are detected: of two classes the second, of a set
    of labels the 12 most frequent ones; empty for other tasks."""

    deviations: ReportedDeviations | None
    """Predicted numbers beside true ones; null for classes."""

    importance: tuple[ReportedColumnImportance, ...]
    """What columns are worth, the most important first; empty where that was not looked at."""

    importance_note: str
    """What was looked at for the importance, or why nothing was."""

    worst: tuple[ReportedWorstRow, ...]
    """The rows with the largest errors, the worst first."""


@dataclass(frozen=True)
class ReportedDiagnosis(Documented):
    """How the recommended model learned and errs; test rows are for looking only."""

    arm: str
    """Arm of the recommended model."""

    beside: str
    """Arm whose learning curves stand beside: the baseline, or what stood for sharing."""

    seeds: Count
    """Networks that the predictions are the mean of."""

    curves: tuple[ReportedCurve, ...]
    """Learning curves of both, seed by seed, in the first outer fold."""

    tasks: tuple[ReportedTaskDiagnosis, ...]
    """The tasks in their order."""


@dataclass(frozen=True)
class ReportedOuterFold(Documented):
    """One of several sets of test rows, with what was picked without them."""

    number: Annotated[int, Field(ge=1)]
    """Which of the outer folds it is."""

    test_rows: Count
    """Test rows, of all sources."""

    trees: Mapping[str, str]
    """For each arm the tree that was picked, as one line; empty before it is picked."""

    gains: Mapping[str, ReportedInterval]
    """For each confirmed arm its gain over the baseline on these test rows alone, in points of
    skill; of what the verdict is about.
    """


@dataclass(frozen=True)
class SharedPair(Documented):
    """Two tasks, and how often they share."""

    task: str
    """The one task."""

    other: str
    """The other task."""

    folds: Count
    """In how many outer folds the arm's pick lets them share."""


@dataclass(frozen=True)
class ReportedOuterFolds(Documented):
    """The outer folds of a study that has several, and how much their picks agree."""

    tested_rows: Count
    """Rows that are test rows of an outer fold."""

    rows: Count
    """All rows, of all sources."""

    folds: tuple[ReportedOuterFold, ...]
    """The outer folds."""

    all_rows: Mapping[str, str]
    """For each arm the tree that was picked with all rows: that of the model that is handed over;
    empty before it is picked.
    """

    arm: str
    """The arm whose picks are compared."""

    pairs: tuple[SharedPair, ...]
    """In how many outer folds two tasks share there."""

    sentence: str
    """What was tested, how much the picks agree and what is handed over, for people."""


@dataclass(frozen=True)
class Report(Documented):
    """What a study found.

    Gains are in points of skill: 0 is the best constant, 100 is perfect. Scores are in the unit of
    their metric; trees run from the inputs to the heads.
    """

    schema_version: Literal[9]
    """Version of this layout; it changes when a field changes its meaning or goes."""

    versions: Mapping[str, str]
    """Versions of what a result depends on, as they were when the study was made: mtlsearch,
    python, torch, ray, optuna and the platform.
    """

    study: ReportedStudy
    """Where the study is, how far it has come, and what was asked of it."""

    data: ReportedData
    """What it was made on."""

    tasks: Annotated[tuple[ReportedTask, ...], Field(min_length=1)]
    """What is predicted, in the user's order."""

    space: Mapping[str, object]
    """The search space with its defaults filled in, as a YAML file of it would hold it."""

    arms: tuple[ReportedArm, ...]
    """The searches, of equal budget unless more was asked for the baseline."""

    candidates: tuple[ReportedCandidate, ...]
    """Every trained candidate; within an arm in the order of candidate numbers."""

    choices: tuple[ReportedChoice, ...]
    """For each arm and each setting group that may have several names there: what was tried, and
    what the front has of it.
    """

    confirmed: tuple[ReportedModel, ...]
    """The best model of each arm, trained again with fresh seeds and scored on the test rows; empty
    before confirmation.
    """

    comparisons: tuple[ReportedComparison, ...]
    """Confirmed models against the baseline, paired over seeds: the single models of each arm, then
    the ensembles of those that have one; then the same of the references.
    """

    greedy_ensemble: ReportedGreedyEnsemble | None
    """The ensemble chosen among the confirmed models; null where none was asked for."""

    affinity: AffinityMap | None
    """Who helps whom; null where there are too few trainings or tasks to tell."""

    references: ReportedReferences | None
    """Ready-made models on the same rows; null before confirmation, or where none were asked for.
    """

    verdict: ReportedVerdict | None
    """The answer; null before confirmation."""

    seeds: ReportedSeeds | None
    """How many seeds it rests on, and why; null before confirmation."""

    test_metrics: tuple["ReportedMetric", ...]
    """Test scores of the confirmed models in all metrics of each task's kind; empty before
    confirmation.
    """

    outer_folds: ReportedOuterFolds | None
    """The outer folds, over which scores are then means; null where there is one set of test rows.
    """

    diagnosis: ReportedDiagnosis | None
    """How the recommended model learned and errs; null before there is one."""

    @property
    def front(self) -> tuple[ReportedCandidate, ...]:
        """The candidates that no other candidate beats."""
        return tuple(candidate for candidate in self.candidates if candidate.on_front)

    @property
    def baseline(self) -> str | None:
        """The name of the arm that others are compared with; None when the study has none."""
        return next((arm.name for arm in self.arms if arm.is_baseline), None)

    @property
    def recommended_model(self) -> ReportedModel | None:
        """The confirmed model that the verdict recommends."""
        if self.verdict is None:
            return None
        return self.model_of(self.verdict.recommended)

    def model_of(self, arm: str | None) -> ReportedModel | None:
        """The confirmed model of an arm."""
        return next((model for model in self.confirmed if model.arm == arm), None)

    @property
    def compared(self) -> Models:
        """What the verdict is about; ensembles come first where there is none."""
        return ENSEMBLE if self.verdict is None else self.verdict.models

    def comparison_of(self, arm: str, models: Models = SINGLE) -> ReportedComparison | None:
        """The comparison of an arm's models with the baseline's."""
        for entry in self.comparisons:
            if entry.arm == arm and entry.models == models:
                return entry
        return None


@dataclass(frozen=True)
class ReportedMetric(Documented):
    """Test scores of a confirmed model in one metric of one task."""

    arm: str
    """The arm whose model it is."""

    task: str
    """The task."""

    metric: str
    """The metric, which fits the kind of the task."""

    higher_is_better: bool
    """Direction of the metric."""

    decides: bool
    """True for the one metric of the task that gains and the verdict rest on."""

    test: tuple[float | None, ...]
    """The score of every seed; null where the metric is undefined."""

    mean: float | None
    """Mean over seeds; null where one is undefined."""

    standard_error: float | None
    """Standard error of the mean; null for one seed, and where there is no mean."""
