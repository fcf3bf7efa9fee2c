"""A realistic report of a study, of any number of tasks and levels; also the unfinished one."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mtlsearch.evidence.comparison import ENSEMBLE, SINGLE, Models, Result
from mtlsearch.evidence.verdict import Decision
from mtlsearch.report.model import (
    SCHEMA_VERSION,
    AffinityMap,
    AffinityPair,
    Composition,
    EnsembleScore,
    GreedyMember,
    GreedyScore,
    ModelLeftOut,
    NameUse,
    Report,
    ReportedAdvice,
    ReportedArm,
    ReportedCalibration,
    ReportedCandidate,
    ReportedChoice,
    ReportedColumn,
    ReportedColumnImportance,
    ReportedComparison,
    ReportedComponent,
    ReportedConfusion,
    ReportedCurve,
    ReportedData,
    ReportedDetection,
    ReportedDeviations,
    ReportedDiagnosis,
    ReportedEngine,
    ReportedEnsemble,
    ReportedFailure,
    ReportedGreedyEnsemble,
    ReportedInterval,
    ReportedMetric,
    ReportedModel,
    ReportedReference,
    ReportedReferenceChoice,
    ReportedReferences,
    ReportedRelativeGain,
    ReportedScore,
    ReportedSeeds,
    ReportedSource,
    ReportedStudy,
    ReportedTask,
    ReportedTaskDiagnosis,
    ReportedVerdict,
    ReportedWorstRow,
    RunSettings,
    SeedLeftOut,
    TaskDifference,
    UseCount,
)
from mtlsearch.structure.tree import SharingTree

MAIN = "searched"
BASELINE = "single_task"
ARMS = (MAIN, BASELINE, "share_all", "static_weights", "pretrain_finetune", "random")
LEVELS = 4
SEEDS = 5
CANDIDATES_PER_ARM = 12
NAMES_BY_GROUP = {
    "sharing": ("none", "l2_sharing", "gate"),
    "weighting": ("fixed", "uncertainty"),
}
PENGUINS = (
    ReportedTask(
        name="species",
        kind="multiclass",
        metric="accuracy",
        higher_is_better=True,
        source="penguins",
        labels=342,
        classes=("Adelie", "Chinstrap", "Gentoo"),
        importance=1.0,
        auxiliary=False,
        at_most_worse=None,
        no_skill=0.5,
    ),
    ReportedTask(
        name="sex",
        kind="binary",
        metric="roc_auc",
        higher_is_better=True,
        source="penguins",
        labels=333,
        classes=("female", "male"),
        importance=1.0,
        auxiliary=False,
        at_most_worse=None,
        no_skill=0.5,
    ),
    ReportedTask(
        name="body_mass_g",
        kind="regression",
        metric="rmse",
        higher_is_better=False,
        source="penguins",
        labels=342,
        classes=(),
        importance=1.0,
        auxiliary=False,
        at_most_worse=None,
        no_skill=0.5,
    ),
)


def sample_report(
    names: Sequence[str] | None = None,
    levels: int = LEVELS,
    sources: Sequence[str] = ("penguins",),
    decision: Decision = "share",
) -> Report:
    """A finished study; with `names` the three penguin tasks are repeated under those names."""
    draw = random.Random(0)
    tasks = _tasks(names, sources)
    candidates = []
    for arm in ARMS:
        numbers = range(CANDIDATES_PER_ARM)
        candidates += [_candidate(draw, tasks, levels, arm, number) for number in numbers]
    choices = []
    for arm in ARMS:
        for group, choosable in NAMES_BY_GROUP.items():
            choices.append(_choice(draw, arm, group, choosable))
    others = [arm for arm in ARMS if arm != BASELINE]
    return Report(
        schema_version=SCHEMA_VERSION,
        versions=dict.fromkeys(("mtlsearch", "python", "torch", "ray", "optuna"), "1.2.3"),
        study=_study(),
        data=_data(tasks, sources),
        tasks=tuple(tasks),
        space={
            "tree": {"levels": levels},
            "backbone": {"name": "mlp", "width": {"choice": [32, 64, 128]}},
        },
        arms=tuple(_arm(arm, candidates) for arm in ARMS),
        candidates=tuple(candidates),
        choices=tuple(choices),
        confirmed=tuple(_model(draw, tasks, levels, arm) for arm in ARMS),
        comparisons=(
            *(_comparison(draw, tasks, arm, decision, SINGLE) for arm in others),
            *(_comparison(draw, tasks, arm, decision, ENSEMBLE) for arm in others),
            *(_of_reference(tasks, decision, models) for models in (SINGLE, ENSEMBLE)),
        ),
        greedy_ensemble=_greedy_ensemble(tasks),
        affinity=AffinityMap(MAIN, 96, _pairs(draw, tasks, levels)),
        references=_references(draw, tasks),
        verdict=_verdict(tasks, decision),
        seeds=ReportedSeeds((SEEDS,), 0.95, 0.0, f"{SEEDS} seeds: as asked for."),
        test_metrics=tuple(_metrics(draw, tasks)),
        outer_folds=None,
        diagnosis=_diagnosis(tasks, levels),
    )


def unfinished_report() -> Report:
    """The same study, stopped before any candidate was trained."""
    report = sample_report()
    return replace(
        report,
        study=replace(report.study, finished=False),
        candidates=(),
        choices=(),
        confirmed=(),
        comparisons=(),
        greedy_ensemble=None,
        affinity=None,
        references=None,
        verdict=None,
        seeds=None,
        test_metrics=(),
        outer_folds=None,
        diagnosis=None,
    )


def component(
    tasks: Sequence[str],
    levels: Sequence[Sequence[Sequence[str]]],
    experts: Sequence[int] = (),
    soft_shared_levels: Sequence[int] = (),
    private: bool = False,
) -> ReportedComponent:
    """A component of these tasks that names its settings."""
    sharing = "l2_sharing" if soft_shared_levels else "none"
    return ReportedComponent(
        tasks=tuple(tasks),
        levels=tuple(tuple(tuple(node) for node in level) for level in levels),
        experts=tuple(experts) or (0,) * len(levels),
        soft_shared_levels=tuple(soft_shared_levels),
        private=private,
        settings={
            "backbone": {"name": "mlp", "width": 64, "dropout": 0.1},
            "sharing": {"name": sharing},
            "optimizer": {"learning_rate": 0.0031, "weight_decay": 1e-5},
        },
    )


def composition(
    names: Sequence[str], levels: int, seed: int, soft_shared: bool = True, shares: bool = True
) -> Composition:
    """A random tree over these tasks, or the separate one; soft-shared on all levels or on none."""
    draw = random.Random(seed)
    splits = [draw.randint(0, levels) if shares else 0 for _ in names[1:]]
    hosts = [draw.randrange(task) for task in range(1, len(names))]
    tree = SharingTree.decode(hosts, splits, levels)
    groups = [tuple(range(len(names)))] if soft_shared else tree.components
    components = []
    for group in groups:
        partitions = []
        for level in tree.levels:
            nodes = [node for node in level if set(node) <= set(group)]
            partitions.append([[names[task] for task in node] for node in nodes])
        soft_shared_levels = range(1, levels + 1) if soft_shared else ()
        tasks = [names[task] for task in group]
        components.append(component(tasks, partitions, soft_shared_levels=soft_shared_levels))
    return tuple(components)


def spell(components: Composition) -> str:
    """The trees of a composition as one line."""
    trees = []
    for part in components:
        levels = [" | ".join("+".join(node) for node in level) for level in part.levels]
        trees.append(" > ".join(levels))
    return " ; ".join(trees)


def _tasks(names: Sequence[str] | None, sources: Sequence[str]) -> list[ReportedTask]:
    chosen = [task.name for task in PENGUINS] if names is None else names
    tasks = []
    for number, name in enumerate(chosen):
        penguin = PENGUINS[number % len(PENGUINS)]
        source = sources[number % len(sources)]
        tasks.append(replace(penguin, name=name, source=source))
    return tasks


def _metrics(draw: random.Random, tasks: Sequence[ReportedTask]) -> list[ReportedMetric]:
    """Two metrics of each task: the one that decides, and one that is undefined for one seed."""
    metrics = []
    for task in tasks:
        for arm in ARMS:
            test = tuple(draw.random() for _ in range(SEEDS))
            mean = sum(test) / SEEDS
            decides = ReportedMetric(
                arm, task.name, task.metric, task.higher_is_better, True, test, mean, 0.01
            )
            undefined = replace(
                decides,
                metric="other",
                decides=False,
                test=(None, *test[1:]),
                mean=None,
                standard_error=None,
            )
            metrics += [decides, undefined]
    return metrics


def _study() -> ReportedStudy:
    return ReportedStudy(
        folder="study",
        created="2026-05-04T10:15:00+00:00",
        finished=True,
        wall_seconds=754.2,
        settings=RunSettings(
            data="penguins",
            task_flags=(),
            column_flags=(),
            space_name="default",
            trainings=36,
            replicates=3,
            seed=0,
            seeds=SEEDS,
            outer_folds=1,
            greedy_ensemble=True,
            compare=ENSEMBLE,
            margin=1.0,
            workers=4,
            gpus_per_worker=0.0,
            sampler="affinity",
            engine="auto",
            arms=ARMS,
            device="cpu",
            runner="ray",
            ray_address=None,
            cohort=12,
            proposal_delay=1,
            references=True,
            reference_rows=None,
            more_baseline=False,
            epochs=60,
            batch_size=64,
            patience=8,
            precision="float32",
            verdict_precision="float32",
            averaged_epochs=1,
            stop_on="loss",
        ),
        engine=ReportedEngine("forest", 16, {"serial": 2e-4, "forest, 16 at a time": 5e-5}),
    )


def _data(tasks: Sequence[ReportedTask], sources: Sequence[str]) -> ReportedData:
    reported = tuple(_source(name) for name in sources)
    notices = (f"{tasks[0].name}: 2 rows have no label",)
    warnings = (f"{sources[0]}: 2 of the 69 test rows (3%) have the same inputs as a row",)
    columns = (
        ReportedColumn(sources[0], "island", "category", "input", "one-hot, 3 categories"),
        ReportedColumn(sources[0], "note", "paths", "left out", "it holds paths of files"),
    )
    return ReportedData("penguins", "sha256:3f8a12c07be94d51", reported, notices, warnings, columns)


def _source(name: str) -> ReportedSource:
    return ReportedSource(
        name=name,
        rows=344,
        kind="table",
        inputs=5,
        train=206,
        validation=69,
        test=69,
    )


def _arm(name: str, candidates: Sequence[ReportedCandidate]) -> ReportedArm:
    gains = [candidate.gain.mean for candidate in candidates if candidate.arm == name]
    failures = ()
    if name == "random":
        failures = (ReportedFailure(17, "loss became NaN in epoch 4"),)
    return ReportedArm(
        name=name,
        is_main=name == MAIN,
        is_baseline=name == BASELINE,
        trainings=36,
        epochs=60,
        complete=36 - len(failures),
        failed=len(failures),
        candidates=len(gains),
        components_saved=4,
        epochs_run=1711,
        train_seconds=141.8,
        best_gain=max(gains),
        failures=failures,
    )


def _candidate(
    draw: random.Random, tasks: Sequence[ReportedTask], levels: int, arm: str, number: int
) -> ReportedCandidate:
    scores = {}
    for task in tasks:
        mean = _score(draw, task)
        scores[task.name] = ReportedScore(mean, abs(mean) * 0.004, mean)
    shares = arm != BASELINE
    names = [task.name for task in tasks]
    soft_shared = shares and draw.random() < 0.5
    components = composition(names, levels, draw.randrange(10**6), soft_shared, shares)
    gain = draw.gauss(0.5, 2.5) if shares else 0.0
    return ReportedCandidate(
        arm=arm,
        candidate=number,
        scores=scores,
        replicates=3,
        parameters=draw.randint(3000, 60000),
        macs_per_example=draw.randint(3000, 60000),
        gain=ReportedInterval(gain, gain - 1.0, gain + 1.0),
        shares=shares,
        on_front=gain > 1.5,
        tie=gain > 4.0,
        tree=spell(components),
        composition=components,
    )


def _choice(draw: random.Random, arm: str, group: str, names: Sequence[str]) -> ReportedChoice:
    uses = []
    for place, name in enumerate(names):
        is_tried = name != "gate"
        uses.append(
            NameUse(
                name=name,
                trainings=UseCount(used=12 if is_tried else 0, inactive=0),
                failed=0,
                front=UseCount(used=place, inactive=0),
                picked=place == 0,
                gain=_effect(draw) if is_tried else None,
            )
        )
    return ReportedChoice(arm, group, 36, 3, tuple(uses))


def _model(
    draw: random.Random, tasks: Sequence[ReportedTask], levels: int, arm: str
) -> ReportedModel:
    test = {task.name: tuple(_score(draw, task) for _ in range(SEEDS)) for task in tasks}
    names = [task.name for task in tasks]
    components = composition(names, levels, 3, soft_shared=False, shares=arm != BASELINE)
    return ReportedModel(
        arm=arm,
        candidate=None if arm == BASELINE else 7,
        trained_in=None if arm == BASELINE else arm,
        tree=spell(components),
        composition=components,
        parameters=21_345,
        macs_per_example=20_880,
        validation_gain=0.0 if arm == BASELINE else 4.1,
        test=test,
        mean={name: sum(scores) / SEEDS for name, scores in test.items()},
        standard_error={name: abs(scores[0]) * 0.006 for name, scores in test.items()},
        ensemble=_ensemble(tasks, test, arm),
    )


def _ensemble(
    tasks: Sequence[ReportedTask], test: Mapping[str, tuple[float, ...]], arm: str
) -> ReportedEnsemble:
    """An ensemble that is 1% better than its models; that of the arm `random` lacks a seed."""
    lacking = 1 if arm == "random" else 0
    gain = ReportedInterval(1.0, 0.2, 1.8)
    scores = {}
    for task in tasks:
        single = sum(test[task.name]) / SEEDS
        score = single * (1.01 if task.higher_is_better else 0.99)
        scores[task.name] = EnsembleScore(
            single=single,
            score=score,
            low=score * 0.98,
            high=score * 1.02,
            skill=ReportedInterval(83.1, 80.2, 86.0),
            gain=gain,
        )
    return ReportedEnsemble(
        seeds=tuple(range(lacking, SEEDS)),
        left_out=(SeedLeftOut(0, "loss became NaN in epoch 4"),) * lacking,
        tasks=scores,
        gain=gain,
        reason=None,
    )


def _comparison(
    draw: random.Random,
    tasks: Sequence[ReportedTask],
    arm: str,
    decision: Decision,
    models: Models,
) -> ReportedComparison:
    """A comparison; of ensembles the mean gain is smaller by 1 and a half."""
    main_gains = {
        "share": 3.5,
        "share some": 3.5,
        "do not share": -2.0,
        "equal": 0.4,
        "cannot tell": 0.4,
    }
    mean = main_gains[decision] if arm == MAIN else draw.uniform(-3, 2)
    mean -= 1.5 if models == ENSEMBLE else 0.0
    gain = ReportedInterval(mean, mean - 1.9, mean + 1.9)
    return ReportedComparison(
        arm=arm,
        baseline=BASELINE,
        models=models,
        seeds=SEEDS,
        tasks={task.name: _difference(draw, task) for task in tasks},
        gain=gain,
        relative=ReportedRelativeGain(maninis=gain, nash_mtl=gain.flipped),
        of_reference=False,
        missing=(),
    )


def _of_reference(
    tasks: Sequence[ReportedTask], decision: Decision, models: Models
) -> ReportedComparison:
    """The comparison of a reference that has no model of the last of several tasks."""
    draw = random.Random(1)
    kept = tasks[:-1] if len(tasks) > 1 else tasks
    comparison = _comparison(draw, kept, "linear", decision, models)
    missing = tuple(task.name for task in tasks[len(kept) :])
    return replace(comparison, of_reference=True, missing=missing)


def _difference(draw: random.Random, task: ReportedTask) -> TaskDifference:
    scale = 0.01 if task.higher_is_better else 12.0
    mean = draw.gauss(0, scale)
    difference = ReportedInterval(mean, mean - scale * 0.6, mean + scale * 0.6)
    improvement = difference if task.higher_is_better else difference.flipped
    result: Result = "tie"
    if improvement.is_positive:
        result = "win"
    if improvement.is_negative:
        result = "lose"
    points = improvement.mean / scale
    return TaskDifference(difference, ReportedInterval(points, points - 0.6, points + 0.6), result)


def _greedy_ensemble(tasks: Sequence[ReportedTask]) -> ReportedGreedyEnsemble:
    """An ensemble of two arms; that of the arm `random` could not be chosen."""
    scores = {}
    for task in tasks:
        score = 0.95 if task.higher_is_better else 300.0
        scores[task.name] = GreedyScore(score, score * 0.98, score * 1.02)
    return ReportedGreedyEnsemble(
        members=(GreedyMember(MAIN, 3, 0.75), GreedyMember(BASELINE, 1, 0.25)),
        left_out=(ModelLeftOut("random", "it has no model of seed 0"),),
        seeds=tuple(range(SEEDS)),
        networks=2 * SEEDS,
        validation_gain=4.5,
        reference=BASELINE,
        seconds=1.5,
        tasks=scores,
        gain=ReportedInterval(2.5, 0.5, 4.5),
        reason=None,
    )


def _pairs(
    draw: random.Random, tasks: Sequence[ReportedTask], levels: int
) -> tuple[AffinityPair, ...]:
    pairs = []
    for task in tasks:
        for other in tasks:
            if other != task:
                effects = tuple(_effect(draw) for _ in range(levels))
                pairs.append(AffinityPair(task.name, other.name, effects))
    return tuple(pairs)


def _references(draw: random.Random, tasks: Sequence[ReportedTask]) -> ReportedReferences:
    """Two references, of which the second is chosen for every task, and better on the first."""
    names = ("linear", "random_forest")
    choices = []
    for task in tasks:
        result: Result = "tie" if choices else "win"
        gain = ReportedInterval(3.2, 1.1, 5.3)
        choices.append(ReportedReferenceChoice(task.name, names[1], 0.9, gain, result))
    return ReportedReferences(
        sentence=f"Ready-made models are better: on {tasks[0].name} {names[1]} by 3.20%.",
        choices=tuple(choices),
        models=tuple(_reference(draw, tasks, name) for name in names),
        notices=("linear was given 20,000 of the training rows of a task",),
    )


def _reference(draw: random.Random, tasks: Sequence[ReportedTask], name: str) -> ReportedReference:
    test = {task.name: tuple(_score(draw, task) for _ in range(3)) for task in tasks}
    mean = {task: sum(scores) / 3 for task, scores in test.items()}
    return ReportedReference(
        name=name,
        package="scikit-learn",
        settings={task.name: {"alpha": 1.0} for task in tasks},
        validation=dict.fromkeys(mean, 0.9),
        test=test,
        mean=mean,
        gains={task: ReportedInterval(3.2, 1.1, 5.3) for task in mean},
        gain=ReportedInterval(3.2, 1.1, 5.3),
        seconds=75.0,
        rows=206,
        left_out={},
    )


def _diagnosis(tasks: Sequence[ReportedTask], levels: int) -> ReportedDiagnosis:
    """How the arm MAIN learned and errs; its curves are those of the components of its model."""
    draw = random.Random(2)
    names = [task.name for task in tasks]
    curves = []
    for arm in (MAIN, BASELINE):
        components = composition(names, levels, 3, soft_shared=False, shares=arm != BASELINE)
        for part in components:
            curves += [_curve(draw, arm, seed, part.tasks) for seed in range(SEEDS)]
    diagnoses = tuple(_task_diagnosis(draw, task) for task in tasks)
    return ReportedDiagnosis(MAIN, BASELINE, SEEDS, tuple(curves), diagnoses)


def _curve(draw: random.Random, arm: str, seed: int, tasks: tuple[str, ...]) -> ReportedCurve:
    falling = [0.95**epoch + draw.gauss(0.0, 0.01) for epoch in range(60)]
    training = tuple(loss * 0.9 for loss in falling)
    return ReportedCurve(arm, seed, tasks, validation=tuple(falling), training=training)


def _task_diagnosis(draw: random.Random, task: ReportedTask) -> ReportedTaskDiagnosis:
    """As evidence would diagnose 69 rows: numbers, or classes, of which two are detected."""
    size = len(task.classes)
    confusion = None
    detections: tuple[ReportedDetection, ...] = ()
    deviations = None
    if size:
        counts = [
            tuple(20 if row == column else 2 for column in range(size)) for row in range(size)
        ]
        confusion = ReportedConfusion(task.classes, tuple(counts), merged=0)
    else:
        truth = [draw.gauss(4200.0, 800.0) for _ in range(69)]
        points = tuple((value, value + draw.gauss(0.0, 300.0)) for value in truth)
        deviations = ReportedDeviations(
            points=points,
            rows=6900,
            edges=(-900.0, -300.0, 300.0, 900.0),
            counts=(9, 50, 10),
            mean=4.2,
            median_size=210.5,
        )
    if size == 2:
        curve = tuple((share / 20, (share / 20) ** 0.5) for share in range(21))
        precision = tuple((x, 1.0 - y / 2) for x, y in curve)
        bins = tuple(
            ReportedCalibration(0.1 + part / 5, 0.2 + part / 6, 0.1, 0.9, 14) for part in range(5)
        )
        detections = (ReportedDetection(task.classes[1], 34, 69, curve, precision, bins),)
    return ReportedTaskDiagnosis(
        task=task.name,
        rows=69,
        confusion=confusion,
        detections=detections,
        deviations=deviations,
        importance=tuple(_importance(number) for number in range(12)),
        importance_note="12 of 12 columns, 69 test rows, 3 networks",
        worst=tuple(_worst_row(number, task) for number in range(1, 9)),
    )


def _importance(number: int) -> ReportedColumnImportance:
    loss = 60.0 / (number + 1) - 6.0
    return ReportedColumnImportance(f"column number {number}", loss, loss - 5.0, loss + 5.0)


def _worst_row(row: int, task: ReportedTask) -> ReportedWorstRow:
    truth = task.classes[0] if task.classes else "4450"
    prediction = f"{task.classes[1]} 97%" if task.classes else "3799.2"
    inputs = {f"column number {number}": "18.5" for number in range(6)}
    return ReportedWorstRow(row, truth, prediction, 0.97, inputs)


def _effect(draw: random.Random) -> ReportedInterval:
    mean = draw.gauss(0.0, 1.0)
    return ReportedInterval(mean, mean - 1.0, mean + 1.0)


def _score(draw: random.Random, task: ReportedTask) -> float:
    return draw.uniform(0.9, 0.99) if task.higher_is_better else draw.uniform(280.0, 360.0)


def _verdict(tasks: Sequence[ReportedTask], decision: Decision) -> ReportedVerdict:
    """A verdict on ensembles."""
    first = tasks[0].name
    second = tasks[1].name
    sentences = {
        "share": f"Share: {first} and {second} are better together.",
        "share some": f"Share some ({first}+{second}): that beats separate models.",
        "do not share": "Do not share: the best sharing model is worse.",
        "equal": "Equal: sharing and separate models differ by no more than 1 point.",
        "cannot tell": "Cannot tell whether sharing pays. It may be better by more than 1 point.",
    }
    is_open = decision == "cannot tell"
    advice = ReportedAdvice(
        "python cli.py resume study --seeds 20", 3.5, "seeds are most of the interval"
    )
    return ReportedVerdict(
        decision=decision,
        sentence=sentences[decision],
        figures="Mean gain +3.50 points, 95% interval +1.60 to +5.40.",
        arm=MAIN,
        undecided=(MAIN,) if is_open else (),
        recommended=MAIN if decision.startswith("share") else BASELINE,
        why="It is expected to be best.",
        caveats=("The space is marked as not for conclusions.",),
        advice=(advice,) if is_open else (),
        models=ENSEMBLE,
        remark=None,
    )
