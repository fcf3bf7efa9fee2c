"""The command line. Heavy modules are imported inside the commands: `--help` answers at once."""

import json
import os
import shutil
import sys
import textwrap
import webbrowser
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from mtlsearch.errors import DataError, InterruptedSearchError, MtlsearchError, UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mtlsearch.data import ColumnFlags, Dataset
    from mtlsearch.search.effort import Effort
    from mtlsearch.search.extension import Extension
    from mtlsearch.search.study import Study
    from mtlsearch.space import SearchSpace

REPORT_FOLDER = "report"  # within that of the study
STUDIES_FOLDER = "studies"  # where studies are made that are given no folder
FALLBACK_WIDTH = 120  # columns where standard output is no terminal
LONGEST_FILE_NAME = 60
NAME_WIDTH = 17  # columns for the name of a space

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from mtlsearch import __version__

        typer.echo(f"mtlsearch {__version__}")
        raise typer.Exit


Data = Annotated[
    str | None,
    typer.Argument(
        help=(
            "A .csv, .csv.gz, .parquet or .npz file, a dataset card (.yaml), or an embedded problem"
        )
    ),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", help="NAME[:KIND[:METRIC]], once per task", metavar="TASK"),
]
Categorical = Annotated[
    list[str] | None,
    typer.Option(help="A column of names, even if they are numbers; repeatable", metavar="COLUMN"),
]
Text = Annotated[
    list[str] | None,
    typer.Option(help="A column of free text; repeatable", metavar="COLUMN"),
]
Image = Annotated[
    list[str] | None,
    typer.Option(help="A column of paths of pictures; repeatable", metavar="COLUMN"),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(help="A column to leave out; repeatable", metavar="COLUMN"),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(help="A word that stands for a missing value; repeatable", metavar="WORD"),
]
Group = Annotated[
    str | None,
    typer.Option(help="A column whose equal values stay on one side of the split"),
]
Time = Annotated[
    str | None,
    typer.Option(help="A column of times: the last rows are the test rows"),
]
SplitColumn = Annotated[
    str | None,
    typer.Option(help="A column that says train, val or test"),
]
Importance = Annotated[
    list[str] | None,
    typer.Option(help="The weight of a task, in choices and in its loss", metavar="NAME=NUMBER"),
]
Auxiliary = Annotated[
    list[str] | None,
    typer.Option(help="A task that only helps others and is not scored", metavar="NAME"),
]
AtMostWorse = Annotated[
    list[str] | None,
    typer.Option(
        help="By how many percent a task may be worse than with separate models",
        metavar="NAME=PERCENT",
    ),
]
Space = Annotated[
    str | None,
    typer.Option("--space", help="A search space: a YAML file, or a name from `spaces`"),
]
Folder = Annotated[Path, typer.Argument(help="The study's folder")]
NewFolder = Annotated[
    Path | None,
    typer.Option(help="Folder of the new study (default: studies/NAME-TIME)"),
]
Trainings = Annotated[
    int | None,
    typer.Option(help="Budget of each arm, in trainings (default: 32)"),
]
Minutes = Annotated[
    float | None,
    typer.Option(help="The time to spend in all: the budget is what fits into it", metavar="M"),
]
EffortName = Annotated[
    str,
    typer.Option("--effort", help="quick (not for conclusions), default or thorough"),
]
MoreTrainings = Annotated[
    int | None,
    typer.Option(help="A larger budget of each arm, to extend the study"),
]
Replicates = Annotated[
    int,
    typer.Option(help="Trainings of each candidate, with other seeds and folds"),
]
Epochs = Annotated[int | None, typer.Option(help="Most epochs per training (default: the space's)")]
Seed = Annotated[int, typer.Option(help="Seed of the whole study")]
Seeds = Annotated[
    str | None,
    typer.Option(
        help="Fresh trainings of each arm's best, for the verdict; auto: 5, up to 20 as needed",
        metavar="auto|N",
    ),
]
MoreSeeds = Annotated[
    str | None,
    typer.Option(
        "--seeds",
        help="More fresh trainings of each arm's best; auto: up to 20 as needed",
        metavar="auto|N",
    ),
]
OuterFolds = Annotated[
    int | None,
    typer.Option(
        help="Sets of test rows, each with a search of its own: with 5, every row is tested",
        metavar="N",
    ),
]
MoreOuterFolds = Annotated[
    int | None,
    typer.Option(
        "--outer-folds",
        help="Search so many sets of test rows, of which the study's own are the first",
        metavar="N",
    ),
]
Workers = Annotated[int, typer.Option(help="Parallel trials (default: one per CPU core)")]
GpusPerWorker = Annotated[float, typer.Option(help="Share of a GPU for each worker")]
Sampler = Annotated[str, typer.Option(help="affinity, tpe, nsga2, nsga3 or random")]
Engine = Annotated[str, typer.Option(help="auto, forest or serial")]
Compare = Annotated[
    str,
    typer.Option(help="ensemble (of an arm's fresh trainings) or single: what the verdict is on"),
]
MARGIN_HELP = "Points of mean skill that make no difference that matters"
Margin = Annotated[float, typer.Option(help=MARGIN_HELP)]
NewMargin = Annotated[
    float | None,
    typer.Option("--margin", help=f"{MARGIN_HELP} (default: the study's)"),
]
GreedyEnsemble = Annotated[
    bool,
    typer.Option(
        "--greedy-ensemble",
        help="Also choose an ensemble among the confirmed models of all arms, by validation",
    ),
]
References = Annotated[bool, typer.Option(help="Fit ready-made models for comparison")]
ReferenceRows = Annotated[
    int | None,
    typer.Option(help="Most training rows of a ready-made model (default: as each kind takes)"),
]
MoreBaseline = Annotated[
    bool,
    typer.Option(
        "--more-baseline",
        help="Give the baseline, single_task, twice the budget of the other arms",
    ),
]
Arms = Annotated[
    str | None,
    typer.Option(help="Comma-separated arms (default: all but those that must be named)"),
]
Storage = Annotated[
    str | None,
    typer.Option(help="Database URL (default: SQLite in the study's folder)"),
]
RayAddress = Annotated[str | None, typer.Option(help="A Ray cluster (default: this machine)")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Runner = Annotated[str, typer.Option(hidden=True)]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON")]
OpenPage = Annotated[bool, typer.Option("--open", help="Open the page in a browser")]
ExportFolder = Annotated[
    Path,
    typer.Option(help="Folder of the exported model; it must not exist or be empty"),
]
Choice = Annotated[
    str,
    typer.Option(help="best, an arm's name, or ARM:NUMBER (a bare number is of the search)"),
]
Formats = Annotated[
    str,
    typer.Option("--format", help="Comma-separated: code, onnx, torch-export"),
]
BestPerTask = Annotated[
    bool,
    typer.Option(
        "--best-per-task",
        help="Let ready-made models predict the tasks where they are surely better",
    ),
]
Networks = Annotated[
    str,
    typer.Option(
        "--seeds",
        help="all: the ensemble of all confirmed seeds; a number: of the first ones, 1 for one",
        metavar="all|N",
    ),
]
Model = Annotated[Path, typer.Argument(help="An exported model, or a study's folder")]
StudyChoice = Annotated[
    str | None,
    typer.Option("--candidate", help="Of a study, as in export (default: best)"),
]
StudyNetworks = Annotated[
    str | None,
    typer.Option("--seeds", help="Of a study, as in export (default: all)", metavar="all|N"),
]
Inputs = Annotated[Path, typer.Argument(help="A table or .npz file with the model's inputs")]
Predictions = Annotated[
    Path | None,
    typer.Option(help="CSV to write (default: standard output)"),
]
SourceName = Annotated[
    str | None,
    typer.Option(help="Which source the table is, for a model of several"),
]
Version = Annotated[
    bool,
    typer.Option(
        "--version",
        help="Say which version this is",
        is_eager=True,
        callback=_print_version,
    ),
]
MoreArms = Annotated[
    str | None,
    typer.Option("--arms", help="Comma-separated further arms, with the budget of the others"),
]
OtherEpochs = Annotated[int | None, typer.Option("--epochs", hidden=True)]
SpaceName = Annotated[str | None, typer.Argument(help="Print this one, to copy and edit")]


@app.callback()
def program(version: Version = False) -> None:
    """Search what the tasks of a multi-task network should share, and whether at all."""


@app.command()
def search(  # noqa: PLR0913 - the list of options
    data: Data = None,
    task: Tasks = None,
    categorical: Categorical = None,
    text: Text = None,
    image: Image = None,
    ignore: Ignore = None,
    missing: Missing = None,
    group: Group = None,
    time: Time = None,
    split_column: SplitColumn = None,
    importance: Importance = None,
    auxiliary: Auxiliary = None,
    at_most_worse: AtMostWorse = None,
    space: Space = None,
    study: NewFolder = None,
    effort: EffortName = "default",
    minutes: Minutes = None,
    trainings: Trainings = None,
    replicates: Replicates = 2,
    epochs: Epochs = None,
    seed: Seed = 0,
    seeds: Seeds = None,
    outer_folds: OuterFolds = None,
    workers: Workers = 0,
    gpus_per_worker: GpusPerWorker = 0.0,
    sampler: Sampler = "affinity",
    engine: Engine = "auto",
    compare: Compare = "ensemble",
    margin: Margin = 1.0,
    greedy_ensemble: GreedyEnsemble = False,
    references: References = True,
    reference_rows: ReferenceRows = None,
    arms: Arms = None,
    more_baseline: MoreBaseline = False,
    storage: Storage = None,
    ray_address: RayAddress = None,
    device: Device = "auto",
    runner: Runner = "ray",
) -> None:
    """Search sharing structures over DATA (default: the embedded penguins) and give a verdict."""
    from mtlsearch.search.arms import USUAL
    from mtlsearch.search.request import Pacing, Request, check_names

    names = _split_words(arms) if arms else USUAL
    check_names(names, sampler, engine, compare, runner)
    spent = _effort(effort, minutes, trainings, seeds, outer_folds, space)
    _check_file(data)

    from mtlsearch.data import check_test_rows
    from mtlsearch.data.outer_folds import first_outer_fold
    from mtlsearch.search.first_timing import budget_of_minutes
    from mtlsearch.search.study import Study
    from mtlsearch.search.study_loading import check_folds, default_space, load_problem
    from mtlsearch.search.time_budget import describe_budget
    from mtlsearch.search.versions import installed_versions
    from mtlsearch.search.worker_context import resolve_device

    task_flags = tuple(task or ())
    columns = _column_flags(categorical, text, image, ignore, missing, group, time, split_column)
    options = _task_options(importance, auxiliary, at_most_worse)
    dataset, chosen_space = load_problem(data, task_flags, spent.space, epochs, columns, options)
    if not gpus_per_worker and not ray_address:
        resolve_device(device)
    now = datetime.now().astimezone()
    workers = workers or len(os.sched_getaffinity(0))
    pacing = Pacing.of(spent.trainings, replicates, workers, len(names))
    request = Request(
        data=_data_name(data, dataset),
        task_flags=task_flags,
        task_options=options,
        space=chosen_space.to_mapping(),
        space_name=spent.space or default_space(dataset),
        digest=dataset.digest,
        created=now.isoformat(timespec="seconds"),
        trainings=spent.trainings,
        replicates=replicates,
        seed=seed,
        seeds=spent.seeds,
        outer_folds=spent.outer_folds,
        workers=workers,
        gpus_per_worker=gpus_per_worker,
        sampler=sampler,
        engine=engine,
        arms=names,
        device=device,
        runner=runner,
        ray_address=ray_address,
        cohort=pacing.cohort,
        proposal_delay=pacing.proposal_delay,
        compare=compare,
        margin=margin,
        greedy_ensemble=greedy_ensemble,
        references=references,
        reference_rows=reference_rows,
        more_baseline=more_baseline,
        versions=installed_versions(),
        column_flags=columns.to_json(),
        minutes=minutes,
    )
    dataset = first_outer_fold(dataset, spent.outer_folds, seed)
    check_test_rows(dataset)
    check_folds(dataset, seed, spent.trainings, spent.seeds, spent.outer_folds)
    timing = None
    if minutes is not None:
        request, timing = budget_of_minutes(request, dataset, chosen_space)
        typer.echo(describe_budget(request), err=True)
    default_folder = Path(STUDIES_FOLDER) / f"{_file_name(dataset.name)}-{now:%Y%m%d-%H%M%S}"
    new_study = Study.create(study or default_folder, request, storage, numbered=study is None)
    if timing is not None:
        timing.keep(new_study)
    _work(new_study, dataset, chosen_space)


@app.command()
def resume(  # noqa: PLR0913 - the list of options
    folder: Folder,
    trainings: MoreTrainings = None,
    seeds: MoreSeeds = None,
    outer_folds: MoreOuterFolds = None,
    margin: NewMargin = None,
    more_baseline: MoreBaseline = False,
    arms: MoreArms = None,
    epochs: OtherEpochs = None,
) -> None:
    """Continue a study after any interruption, or extend it."""
    from mtlsearch.search.extension import Extension
    from mtlsearch.search.seed_plan import read_seeds
    from mtlsearch.search.study_loading import open_study

    asked_seeds = None if seeds is None else read_seeds(seeds)
    study, dataset, space = open_study(folder)
    if epochs is not None:
        study.refuse_epochs(epochs)
    added_arms = _split_words(arms) if arms else ()
    extension = Extension(trainings, asked_seeds, outer_folds, margin, more_baseline, added_arms)
    _work(study, dataset, space, extension)


@app.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Show what is done, running, failed and left."""
    from mtlsearch.search.status import StudyStatus
    from mtlsearch.search.study import Study

    value = StudyStatus.of(Study.open(folder))
    if as_json:
        typer.echo(json.dumps(value.to_json(), indent=1))
    else:
        _print(value.table())


@app.command()
def report(
    folder: Folder,
    open_page: OpenPage = False,
    greedy_ensemble: GreedyEnsemble = False,
    margin: NewMargin = None,
) -> None:
    """Write FOLDER/report/: report.html, report.json, front.csv and trees/*.svg."""
    from mtlsearch.report.build import build_report
    from mtlsearch.report.write import write_report
    from mtlsearch.search.arms import BASELINE
    from mtlsearch.search.greedy_ensemble import add_greedy_ensemble
    from mtlsearch.search.study_loading import open_study

    study, dataset, space = open_study(folder)
    if margin is not None:
        study.set_margin(margin)
        typer.echo(f"--margin {margin:g}: in this report; `resume` keeps it", err=True)
    if greedy_ensemble:
        with study.lock():
            add_greedy_ensemble(study, dataset, BASELINE)
    page = write_report(build_report(study, dataset, space), study.folder / REPORT_FOLDER)
    typer.echo(page)
    if open_page:
        webbrowser.open(page.resolve().as_uri())


@app.command()
def export(
    folder: Folder,
    to: ExportFolder,
    candidate: Choice = "best",
    seeds: Networks = "all",
    formats: Formats = "code",
    best_per_task: BestPerTask = False,
) -> None:
    """Write a model as plain PyTorch code with its weights, checked in a clean interpreter."""
    from mtlsearch.export.from_study import Order, export_from_study
    from mtlsearch.export.select_model import read_seeds
    from mtlsearch.search.study_loading import open_study

    order = Order(candidate, read_seeds(seeds), _split_words(formats), best_per_task)
    study, dataset, space = open_study(folder)
    exported = export_from_study(study, dataset, space, order, to)
    for note in exported.notes:
        typer.echo(note, err=True)
    typer.echo(f"{to}: {exported.summary}")


@app.command()
def predict(
    folder: Model,
    data: Inputs,
    to: Predictions = None,
    source: SourceName = None,
    candidate: StudyChoice = None,
    seeds: StudyNetworks = None,
) -> None:
    """Predict with an exported model, or with the one that `export` would write of a study."""
    from mtlsearch.export.from_study import Order, export_from_study
    from mtlsearch.export.predicting import is_exported, predict_folder
    from mtlsearch.export.select_model import ALL, BEST, read_seeds
    from mtlsearch.search.study import is_study
    from mtlsearch.search.study_loading import open_study

    if is_exported(folder) or not is_study(folder):
        for option, value in (("--candidate", candidate), ("--seeds", seeds)):
            if value is not None:
                raise UsageError(f"{option}: found {value}; {folder} is no study to choose from")
        predict_folder(folder, data, to, source)
        return
    order = Order(candidate or BEST, read_seeds(seeds or ALL))
    study, dataset, space = open_study(folder)
    with TemporaryDirectory() as temporary:
        model = Path(temporary) / "model"
        exported = export_from_study(study, dataset, space, order, model)
        typer.echo(f"{folder}: {exported.summary}; `export` keeps it", err=True)
        predict_folder(model, data, to, source)


@app.command()
def check(  # noqa: PLR0913 - the list of options
    data: Data = None,
    task: Tasks = None,
    categorical: Categorical = None,
    text: Text = None,
    image: Image = None,
    ignore: Ignore = None,
    missing: Missing = None,
    group: Group = None,
    time: Time = None,
    split_column: SplitColumn = None,
    importance: Importance = None,
    auxiliary: Auxiliary = None,
    at_most_worse: AtMostWorse = None,
    space: Space = None,
    epochs: Epochs = None,
    effort: EffortName = "default",
    trainings: Trainings = None,
    seeds: Seeds = None,
    outer_folds: OuterFolds = None,
    workers: Workers = 0,
    arms: Arms = None,
    references: References = True,
    device: Device = "auto",
) -> None:
    """Validate data and space, train one step, and estimate time and memory."""
    _check_file(data)
    spent = _effort(effort, None, trainings, seeds, outer_folds, space)

    from mtlsearch.search.arms import USUAL
    from mtlsearch.search.dry_run import dry_run
    from mtlsearch.search.request import Request
    from mtlsearch.search.study_loading import check_folds, load_problem
    from mtlsearch.search.worker_context import resolve_device

    columns = _column_flags(categorical, text, image, ignore, missing, group, time, split_column)
    options = _task_options(importance, auxiliary, at_most_worse)
    dataset, chosen_space = load_problem(data, task or (), spent.space, epochs, columns, options)
    check_folds(dataset)
    request = Request(
        data=dataset.name,
        task_flags=(),
        space=chosen_space.to_mapping(),
        space_name="",
        digest=dataset.digest,
        created="",
        trainings=spent.trainings,
        seeds=spent.seeds,
        outer_folds=spent.outer_folds,
        workers=workers or len(os.sched_getaffinity(0)),
        arms=_split_words(arms) if arms else USUAL,
        references=references,
        device=device,
    )
    for line in dry_run(dataset, chosen_space, resolve_device(device), request):
        typer.echo(line)


@app.command()
def spaces(name: SpaceName = None) -> None:
    """List the search spaces, or print one."""
    from mtlsearch.errors import SpaceError, unknown
    from mtlsearch.space import describe_space, known_spaces

    paths = known_spaces()
    if name is None:
        for space_name, path in paths.items():
            typer.echo(_wrapped(space_name, describe_space(path)))
        return
    if name not in paths:
        raise SpaceError(unknown("search space", name, paths))
    typer.echo(paths[name].read_text(encoding="utf-8"), nl=False)


def main() -> None:
    """Run the command line.

    A user's mistake is one line on stderr and an exit code, never a traceback.
    """
    from mtlsearch.system_errors import describe_system_error

    try:
        app(standalone_mode=True)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(InterruptedSearchError.exit_code)
    except MtlsearchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        words = describe_system_error(error)
        if words is None:
            raise
        typer.echo(f"error: {words}", err=True)
        sys.exit(1)


def _work(
    study: "Study",
    dataset: "Dataset",
    space: "SearchSpace",
    extension: "Extension | None" = None,
) -> None:
    """Lock the study, bring it to its end, write the report and print the verdict."""
    from mtlsearch.data import find_traps
    from mtlsearch.report.build import build_report
    from mtlsearch.report.console import summary
    from mtlsearch.report.write import write_report
    from mtlsearch.search.next_steps import next_steps
    from mtlsearch.search.progress import Progress
    from mtlsearch.search.session import work

    with study.lock():
        if extension is not None:
            dataset = extension.apply(study, dataset)
        for notice in dataset.notices:
            typer.echo(notice, err=True)
        for warning in find_traps(dataset):
            typer.echo(f"warning: {warning}", err=True)
        typer.echo(f"study: {study.folder}", err=True)
        with Progress(study, dataset) as progress:
            work(study, dataset, space, progress)
            progress.enter("writing the report")
            written = build_report(study, dataset, space)
            page = write_report(written, study.folder / REPORT_FOLDER)
    _print(summary(written))
    typer.echo(f"report: {page}")
    for line in next_steps(study):
        typer.echo(line, err=True)


def _column_flags(  # noqa: PLR0913 - the list of options
    categorical: list[str] | None,
    text: list[str] | None,
    image: list[str] | None,
    ignore: list[str] | None,
    missing: list[str] | None,
    group: str | None,
    time: str | None,
    split_column: str | None,
) -> "ColumnFlags":
    """What the options say of columns."""
    from mtlsearch.data import ColumnFlags

    return ColumnFlags(
        categorical=tuple(categorical or ()),
        text=tuple(text or ()),
        image=tuple(image or ()),
        ignore=tuple(ignore or ()),
        missing=tuple(missing or ()),
        group=group,
        time=time,
        split_column=split_column,
    )


def _check_file(data: str | None) -> None:
    """Raise DataError for a file that is not there, before anything heavy is imported."""
    from mtlsearch.wording import no_such_file

    path = Path(data or "").expanduser()
    if path.suffix and not path.exists():
        raise DataError(f"{no_such_file(path)}; `check` without DATA tries an embedded problem")


def _effort(
    name: str,
    minutes: float | None,
    trainings: int | None,
    seeds: str | None,
    outer_folds: int | None,
    space: str | None,
) -> "Effort":
    """How much is spent; what a preset means is said where one is named."""
    from mtlsearch.search.effort import DEFAULT_EFFORT, Wishes
    from mtlsearch.search.seed_plan import read_seeds

    if minutes is not None and trainings is not None:
        raise UsageError(
            f"--minutes: found {minutes:g} beside --trainings {trainings}; say one of them"
        )
    asked_seeds = None if seeds is None else read_seeds(seeds)
    wishes = Wishes(trainings, asked_seeds, outer_folds, space)
    effort = wishes.with_effort(name)
    if name != DEFAULT_EFFORT:
        typer.echo(wishes.describe(name), err=True)
    return effort


def _task_options(
    importance: list[str] | None,
    auxiliary: list[str] | None,
    at_most_worse: list[str] | None,
) -> tuple[str, ...]:
    """The options of tasks, each as it is typed."""
    flags: list[str] = []
    for option, values in (
        ("--importance", importance),
        ("--auxiliary", auxiliary),
        ("--at-most-worse", at_most_worse),
    ):
        flags.extend(f"{option} {value}" for value in values or ())
    return tuple(flags)


def _split_words(words: str) -> tuple[str, ...]:
    """The words of a comma-separated list."""
    return tuple(word.strip() for word in words.split(","))


def _data_name(data: str | None, dataset: "Dataset") -> str:
    """What finds the data again from any working directory: an absolute path, or a name."""
    if data is None:
        return dataset.name
    path = Path(data)
    return str(path.resolve()) if path.is_file() else data


def _file_name(name: str) -> str:
    """A name that every file system takes."""
    letters = [letter if letter.isalnum() or letter in "-_+." else "-" for letter in name]
    return "".join(letters)[:LONGEST_FILE_NAME]


def _wrapped(name: str, description: str) -> str:
    """A name and what it is for, in as many lines as it takes."""
    width = shutil.get_terminal_size((FALLBACK_WIDTH, 0)).columns
    return textwrap.fill(
        description,
        max(width, NAME_WIDTH + 20),
        initial_indent=f"{name:{NAME_WIDTH}}",
        subsequent_indent=" " * NAME_WIDTH,
    )


def _print(renderable: "RenderableType") -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else FALLBACK_WIDTH
    Console(width=width).print(renderable)
