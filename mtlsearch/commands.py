"""The command line. Heavy modules are imported inside the commands: `--help` answers at once."""

import json
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtlsearch.errors import InterruptedSearchError, MtlsearchError
from mtlsearch.version import __version__

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mtlsearch.api.findings import Findings

FALLBACK_WIDTH = 120  # columns where standard output is no terminal

app = typer.Typer(
    help=(
        "Search what the tasks of a multi-task network should share, "
        "and whether they should share at all."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

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
Trainings = Annotated[int, typer.Option(help="Budget of each arm, in trainings")]
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
    str,
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
    int,
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
SpaceName = Annotated[str | None, typer.Argument(help="Print this one, to copy and edit")]


def _print_version(asked: bool) -> None:
    """Print the version and leave, where it is asked for."""
    if asked:
        typer.echo(f"mtlsearch {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version",
        help="Print the version",
        callback=_print_version,
        is_eager=True,
    ),
]


@app.callback()
def options(version: Version = False) -> None:
    """Take the options of the program itself; its help is that of `app`."""


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
    trainings: Trainings = 32,
    replicates: Replicates = 2,
    epochs: Epochs = None,
    seed: Seed = 0,
    seeds: Seeds = "auto",
    outer_folds: OuterFolds = 1,
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
    from mtlsearch.api.estimator import Search
    from mtlsearch.data import DEFAULT_PROBLEM

    estimator = Search(
        space,
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
def resume(
    folder: Folder,
    trainings: MoreTrainings = None,
    seeds: MoreSeeds = None,
    outer_folds: MoreOuterFolds = None,
    margin: NewMargin = None,
    more_baseline: MoreBaseline = False,
) -> None:
    """Continue a study after any interruption, or extend it."""
    from mtlsearch.api.study import open_study

    study = open_study(folder)
    study.resume(
        trainings=trainings,
        seeds=seeds,
        outer_folds=outer_folds,
        margin=margin,
        more_baseline=more_baseline,
    )
    _print_answer(study)


@app.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Show what is done, running, failed and left."""
    from mtlsearch.api.inspecting import status as status_of

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
) -> None:
    """Write FOLDER/report/: report.html, report.json, front.csv and trees/*.svg."""
    from mtlsearch.api.study import open_study

    study = open_study(folder)
    page = study.write_report(greedy_ensemble=greedy_ensemble, margin=margin)
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
    from mtlsearch.api.study import open_study

    study = open_study(folder)
    exported = study.export(
        to,
        candidate=candidate,
        seeds=seeds,
        formats=formats,
        best_per_task=best_per_task,
    )
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
    from mtlsearch.api.prediction import predict_file

    predict_file(folder, data, to, source=source, candidate=candidate, seeds=seeds)


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
    device: Device = "auto",
) -> None:
    """Validate data and space, train one step, and estimate time and memory."""
    from mtlsearch.api.estimator import Search
    from mtlsearch.data import DEFAULT_PROBLEM

    estimator = Search(
        space,
        epochs=epochs,
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
    from mtlsearch.api.inspecting import describe_spaces, space_text

    if name is not None:
        typer.echo(space_text(name), nl=False)
        return
    for space_name, description in describe_spaces().items():
        typer.echo(f"{space_name:16} {description}")


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


def _print_answer(study: "Findings") -> None:
    """Print the confirmed arms, the verdict, and where the report is."""
    from mtlsearch.report.console import summary

    _print(summary(study.report_))
    typer.echo(f"report: {study.report_page_}")


def _print(renderable: "RenderableType") -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else FALLBACK_WIDTH
    Console(width=width).print(renderable)
