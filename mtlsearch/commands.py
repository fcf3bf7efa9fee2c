"""The command line. Heavy modules are imported inside the commands: `--help` answers at once."""

import json
import shutil
import signal
import sys
import textwrap
import webbrowser
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from mtlsearch.errors import DataError, InterruptedSearchError, MtlsearchError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mtlsearch.api.findings import Findings

FALLBACK_WIDTH = 120  # columns where standard output is no terminal
NAME_WIDTH = 17  # columns for the name of a space

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
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
GpusPerWorker = Annotated[float, typer.Option(help="Share of a GPU for each worker (0: by memory)")]
Sampler = Annotated[
    str | None,
    typer.Option(
        help="affinity, tpe, nsga2, nsga3, random or module:Class (default: the space's)",
    ),
]
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
OtherRayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        help="The Ray cluster that trains from now on; local: this machine",
    ),
]
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
Refit = Annotated[
    bool,
    typer.Option(
        "--refit",
        help="Train it anew on all rows, as long as it was confirmed; no score is measured then",
    ),
]
TaskNames = Annotated[
    str | None,
    typer.Option("--tasks", help="Comma-separated: only these tasks, with what they need"),
]
MovedData = Annotated[
    str | None,
    typer.Option(help="Where the study's data are now, if they were moved", metavar="PATH"),
]
StudyData = Annotated[
    str | None,
    typer.Option(help="Of a study, where its data are now, if they were moved", metavar="PATH"),
]
ReportFolder = Annotated[
    Path | None,
    typer.Option(help="Folder to write instead of FOLDER/report"),
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
    sampler: Sampler = None,
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
    _refuse_names(arms, sampler, engine, compare, runner)
    _refuse_file(data)
    _refuse_space(space)
    _refuse_effort(effort, seeds)

    with _workers_coming_up(runner, workers, ray_address):
        from mtlsearch.api.estimator import Search
        from mtlsearch.data import DEFAULT_PROBLEM

        estimator = Search(
            space,
            effort=effort,
            minutes=minutes,
            trainings=trainings,
            replicates=replicates,
            epochs=epochs,
            seed=seed,
            seeds=seeds,
            outer_folds=outer_folds,
            workers=workers,
            gpus_per_worker=gpus_per_worker,
            sampler=sampler,
            engine=engine,
            compare=compare,
            margin=margin,
            greedy_ensemble=greedy_ensemble,
            references=references,
            reference_rows=reference_rows,
            arms=arms,
            more_baseline=more_baseline,
            storage=storage,
            ray_address=ray_address,
            device=device,
            runner=runner,
            study=study,
            categorical=categorical,
            text=text,
            image=image,
            ignore=ignore,
            missing=missing,
            group=group,
            time=time,
            split_column=split_column,
            importance=importance,
            auxiliary=auxiliary,
            at_most_worse=at_most_worse,
        )
        estimator.fit(data or DEFAULT_PROBLEM, tasks=task)
    _print_answer(estimator)


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
    ray_address: OtherRayAddress = None,
    data: MovedData = None,
) -> None:
    """Continue a study after any interruption, or extend it."""
    from mtlsearch.api.study import open_study

    study = open_study(folder, data=data)
    study.resume(
        trainings=trainings,
        seeds=seeds,
        outer_folds=outer_folds,
        margin=margin,
        more_baseline=more_baseline,
        arms=arms,
        epochs=epochs,
        ray_address=ray_address,
    )
    _print_answer(study)


@app.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Show what is done, running, failed and left."""
    from mtlsearch.api.state import status as status_of

    value = status_of(folder)
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
    data: MovedData = None,
    to: ReportFolder = None,
) -> None:
    """Write FOLDER/report/: report.html, report.json, front.csv and trees/*.svg."""
    from mtlsearch.api.study import open_study

    study = open_study(folder, data=data)
    page = study.write_report(greedy_ensemble=greedy_ensemble, margin=margin, to=to)
    typer.echo(page)
    if open_page:
        webbrowser.open(page.resolve().as_uri())


@app.command()
def export(  # noqa: PLR0913 - the list of options
    folder: Folder,
    to: ExportFolder,
    candidate: Choice = "best",
    seeds: Networks = "all",
    formats: Formats = "code",
    best_per_task: BestPerTask = False,
    tasks: TaskNames = None,
    refit: Refit = False,
    data: MovedData = None,
) -> None:
    """Write a model as plain PyTorch code with its weights, checked in a clean interpreter."""
    from mtlsearch.api.study import open_study

    study = open_study(folder, data=data)
    exported = study.export(
        to,
        candidate=candidate,
        seeds=seeds,
        formats=formats,
        best_per_task=best_per_task,
        tasks=tasks,
        refit=refit,
    )
    typer.echo(f"{to}: {exported.summary}")


@app.command()
def predict(  # noqa: PLR0913 - the list of options
    folder: Model,
    data: Inputs,
    to: Predictions = None,
    source: SourceName = None,
    candidate: StudyChoice = None,
    seeds: StudyNetworks = None,
    study_data: StudyData = None,
) -> None:
    """Predict with an exported model, or with the one that `export` would write of a study."""
    from mtlsearch.api.prediction import predict_file

    predict_file(
        folder,
        data,
        to,
        source=source,
        candidate=candidate,
        seeds=seeds,
        study_data=study_data,
    )


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
    _refuse_names(arms)
    _refuse_file(data)
    _refuse_space(space)
    _refuse_effort(effort, seeds)

    from mtlsearch.api.estimator import Search
    from mtlsearch.data import DEFAULT_PROBLEM

    estimator = Search(
        space,
        effort=effort,
        trainings=trainings,
        epochs=epochs,
        seeds=seeds,
        outer_folds=outer_folds,
        workers=workers,
        arms=arms,
        references=references,
        device=device,
        categorical=categorical,
        text=text,
        image=image,
        ignore=ignore,
        missing=missing,
        group=group,
        time=time,
        split_column=split_column,
        importance=importance,
        auxiliary=auxiliary,
        at_most_worse=at_most_worse,
    )
    for line in estimator.check(data or DEFAULT_PROBLEM, tasks=task):
        typer.echo(line)


@app.command()
def spaces(name: SpaceName = None) -> None:
    """List the search spaces, or print one."""
    from mtlsearch.api.spaces import describe_spaces, space_text

    if name is not None:
        typer.echo(space_text(name), nl=False)
        return
    for space_name, description in describe_spaces().items():
        typer.echo(_wrapped(space_name, description))


def main() -> None:
    """Run the command line.

    A user's mistake is one line on stderr and an exit code, never a traceback.
    """
    from mtlsearch.program import enter_command_line
    from mtlsearch.system_errors import describe_system_error

    enter_command_line()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app(standalone_mode=True)
    except (SystemExit, KeyboardInterrupt) as error:
        if not _is_by_interrupt(error):
            raise
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


def _is_by_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C led to an end of which Typer says nothing."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _interrupt(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends the program as Ctrl-C does, so that it leaves nothing half done."""
    raise KeyboardInterrupt


def _print_answer(study: "Findings") -> None:
    """Print the confirmed arms, the verdict, where the report is, and what to do next."""
    from mtlsearch.report.console import summary

    _print(summary(study.report_))
    typer.echo(f"report: {study.report_page_}")
    for line in study.next_steps():
        typer.echo(line, err=True)


def _workers_coming_up(
    runner: str,
    workers: int,
    ray_address: str | None,
) -> AbstractContextManager[object]:
    """Start Ray on this machine before anything heavy is imported, and stop it whatever happens."""
    if runner != "ray" or ray_address is not None:
        return nullcontext()
    from mtlsearch.search.runners.ray_cluster import Cluster, coming_up

    return coming_up(Cluster.of_this_machine(workers))


def _refuse_names(
    arms: str | None,
    sampler: str | None = None,
    engine: str = "auto",
    compare: str = "ensemble",
    runner: str = "ray",
) -> None:
    """Raise UsageError for a misspelling, before anything heavy is imported."""
    from mtlsearch.search.arms import USUAL
    from mtlsearch.search.request import check_names
    from mtlsearch.search.samplers import is_own

    names = tuple(name.strip() for name in arms.split(",")) if arms else USUAL
    of_table = None if sampler and is_own(sampler) else sampler
    check_names(names, of_table, engine, compare, runner)


def _refuse_file(data: str | None) -> None:
    """Raise DataError for a file that is not there."""
    from mtlsearch.wording import no_such_file

    path = Path(data or "").expanduser()
    if path.suffix and not path.exists():
        raise DataError(f"{no_such_file(path)}; `check` without DATA tries an embedded problem")


def _refuse_space(name: str | None) -> None:
    """Raise SpaceError for a space that is not there."""
    from mtlsearch.space_names import space_file

    if name is not None:
        space_file(name)


def _refuse_effort(name: str, seeds: str | None) -> None:
    """Raise UsageError for an effort that is unknown, or seeds that are no number."""
    from mtlsearch.search.effort import Wishes
    from mtlsearch.search.seed_plan import read_seeds

    Wishes().with_effort(name)
    read_seeds(seeds or "auto")


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
