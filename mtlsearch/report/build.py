"""Gathers everything that a study says into its report."""

from collections.abc import Sequence

from mtlsearch.data import TEST, ColumnFlags, Dataset, Source, find_traps, fold
from mtlsearch.data.column_table import describe_columns
from mtlsearch.evidence.comparison import Comparison
from mtlsearch.evidence.skill import SkillScale
from mtlsearch.report.affinity_map import affinity_map
from mtlsearch.report.arms import main_arm, report_arm
from mtlsearch.report.candidates import report_candidates
from mtlsearch.report.choices import ArmEvidence, report_choices
from mtlsearch.report.confirmed import (
    report_comparison,
    report_model,
    report_test_metrics,
    report_verdict,
)
from mtlsearch.report.diagnosis import report_diagnosis
from mtlsearch.report.greedy_ensemble import report_greedy_ensemble
from mtlsearch.report.model import (
    SCHEMA_VERSION,
    AffinityMap,
    Report,
    ReportedArm,
    ReportedCandidate,
    ReportedChoice,
    ReportedColumn,
    ReportedComparison,
    ReportedData,
    ReportedEngine,
    ReportedModel,
    ReportedSource,
    ReportedStudy,
    ReportedTask,
    ReportedVerdict,
    RunSettings,
)
from mtlsearch.report.outer_folds import report_outer_folds
from mtlsearch.report.references import report_references
from mtlsearch.report.seeds import report_seeds
from mtlsearch.search.advice import advise
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.arms import ARMS
from mtlsearch.search.batch_sizes import batch_size_notices, search_row_notices
from mtlsearch.search.study import Study
from mtlsearch.search.tested_models import TestedModel, tested_models
from mtlsearch.space import SearchSpace
from mtlsearch.tasks import has_label


def build_report(study: Study, dataset: Dataset, space: SearchSpace) -> Report:
    """Build the report of a study, finished or not.

    Raises StudyError when a file of the study cannot be read.
    """
    analysis = Analysis(study, dataset)
    tasks = dataset.tasks
    tested = tested_models(analysis)
    summaries = analysis.all_candidates
    candidates = report_candidates(
        summaries, analysis.search_scales, analysis.reference, space.cost
    )
    return Report(
        schema_version=SCHEMA_VERSION,
        versions=study.request.versions,
        study=_report_study(study, space, finished=bool(tested)),
        data=_report_data(dataset, space, study.request.seed),
        tasks=tuple(_report_task(scale, dataset) for scale in analysis.test_scales.of_task),
        space=space.to_mapping(),
        arms=tuple(_report_arms(analysis, candidates, space)),
        candidates=candidates,
        choices=tuple(_report_choices(analysis, candidates, space)),
        confirmed=tuple(_report_models(analysis, tested)),
        comparisons=tuple(_report_comparisons(analysis)),
        greedy_ensemble=report_greedy_ensemble(analysis.greedy_ensemble, tasks),
        affinity=_report_affinity(analysis),
        references=report_references(analysis),
        verdict=report_verdict(analysis.verdict, advise(analysis)),
        seeds=report_seeds(analysis),
        test_metrics=tuple(report_test_metrics(tested, tasks)),
        outer_folds=report_outer_folds(analysis),
        diagnosis=report_diagnosis(analysis),
    )


def build_verdict(study: Study, dataset: Dataset) -> ReportedVerdict | None:
    """Build the verdict of a study alone. Raises StudyError as `build_report`."""
    analysis = Analysis(study, dataset)
    return report_verdict(analysis.verdict, advise(analysis))


def _report_arms(
    analysis: Analysis, candidates: Sequence[ReportedCandidate], space: SearchSpace
) -> list[ReportedArm]:
    request = analysis.study.request
    arms = []
    for name, trials in analysis.trials.items():
        gains = [entry.gain.mean for entry in candidates if entry.arm == name]
        arms.append(report_arm(name, trials, gains, request, space.training))
    return arms


def _report_choices(
    analysis: Analysis, candidates: Sequence[ReportedCandidate], space: SearchSpace
) -> list[ReportedChoice]:
    picks = {pick.arm: pick.composition for pick in analysis.picks}
    on_front = {(entry.arm, entry.candidate) for entry in candidates if entry.on_front}
    choices = []
    for arm, trials in analysis.trials.items():
        summaries = analysis.candidates[arm]
        evidence = ArmEvidence(
            arm=arm,
            trials=trials,
            affinity=analysis.affinity,
            front=[entry.composition for entry in summaries if (arm, entry.number) in on_front],
            pick=picks.get(arm),
        )
        choices += report_choices(evidence, ARMS[arm].restrict(space), analysis.dataset.tasks)
    return choices


def _report_models(analysis: Analysis, tested: Sequence[TestedModel]) -> list[ReportedModel]:
    models = []
    for model in tested:
        models.append(report_model(model.confirmed, model.ensemble, analysis.pooled_test_scales))
    return models


def _report_comparisons(analysis: Analysis) -> list[ReportedComparison]:
    """Every arm's single models against the baseline's, then the ensembles, where there are any;
    then the same of the references.
    """
    tasks = analysis.dataset.tasks
    comparisons = list(analysis.comparisons.values())
    for ensemble in analysis.ensemble_comparisons.values():
        if isinstance(ensemble, Comparison):
            comparisons.append(ensemble)
    reported = [report_comparison(comparison, tasks) for comparison in comparisons]
    for comparison in analysis.reference_gains:
        reported.append(report_comparison(comparison, tasks, of_reference=True))
    return reported


def _report_affinity(analysis: Analysis) -> AffinityMap | None:
    """The affinities by the trainings of all arms; None where no arm tries trees."""
    arm = main_arm(analysis.trials)
    if arm is None:
        return None
    trials = [trial for trials in analysis.trials.values() for trial in trials]
    return affinity_map(arm, analysis.affinity, trials, analysis.dataset.tasks)


def _report_study(study: Study, space: SearchSpace, finished: bool) -> ReportedStudy:
    engine = None
    if study.engine is not None:
        engine = ReportedEngine(study.engine.trainer, study.engine.chunk, study.engine.seconds)
    return ReportedStudy(
        folder=str(study.folder),
        created=study.request.created,
        finished=finished,
        wall_seconds=round(study.wall_seconds, 1),
        settings=_settings(study, space),
        engine=engine,
    )


def _settings(study: Study, space: SearchSpace) -> RunSettings:
    request = study.request
    training = space.training
    return RunSettings(
        data=request.data,
        task_flags=request.task_flags,
        column_flags=ColumnFlags.from_json(request.column_flags).words,
        space_name=request.space_name,
        trainings=request.trainings,
        more_baseline=request.more_baseline,
        replicates=request.replicates,
        seed=request.seed,
        seeds=request.seeds,
        outer_folds=request.outer_folds,
        greedy_ensemble=request.greedy_ensemble,
        compare=request.compare,
        margin=request.margin,
        workers=request.workers,
        gpus_per_worker=request.gpus_per_worker,
        sampler=request.sampler,
        engine=request.engine,
        arms=request.arms,
        device=request.device,
        runner=request.runner,
        ray_address=request.ray_address,
        cohort=request.cohort,
        proposal_delay=request.proposal_delay,
        references=request.references,
        reference_rows=request.reference_rows,
        epochs=training.epochs,
        batch_size=training.batch_size,
        patience=training.patience,
        precision=training.precision,
        verdict_precision=training.verdict_precision,
        averaged_epochs=training.averaged_epochs,
        stop_on=training.stop_on,
    )


def _report_data(dataset: Dataset, space: SearchSpace, seed: int) -> ReportedData:
    first_fold = fold(dataset, 0, seed)
    sources = []
    for name, source in dataset.sources.items():
        train = len(first_fold.train[name])
        validation = len(first_fold.validation[name])
        sources.append(_report_source(name, source, train, validation))
    columns = []
    for column in describe_columns(dataset, first_fold):
        reported = ReportedColumn(
            column.source, column.name, column.type, column.use, column.detail
        )
        columns.append(reported)
    return ReportedData(
        name=dataset.name,
        digest=dataset.digest,
        sources=tuple(sources),
        notices=(
            *dataset.notices,
            *batch_size_notices(dataset, space, seed),
            *search_row_notices(dataset, space, seed),
        ),
        warnings=find_traps(dataset),
        columns=tuple(columns),
    )


def _report_source(name: str, source: Source, train: int, validation: int) -> ReportedSource:
    is_test = source.splits.role == TEST
    return ReportedSource(
        name=name,
        rows=len(source.inputs),
        kind=source.kind.name,
        inputs=source.numbers,
        train=train,
        validation=validation,
        test=int(is_test.sum()),
    )


def _report_task(scale: SkillScale, dataset: Dataset) -> ReportedTask:
    task = scale.task
    labelled = has_label(dataset.targets[task.name])
    return ReportedTask(
        name=task.name,
        kind=task.kind.name,
        metric=task.metric.name,
        higher_is_better=task.metric.higher_is_better,
        source=task.source,
        labels=int(labelled.sum()),
        classes=tuple(task.classes),
        importance=task.options.importance,
        auxiliary=task.options.auxiliary,
        at_most_worse=task.options.at_most_worse,
        no_skill=scale.no_skill,
    )
