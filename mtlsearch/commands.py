"""The command line. Heavy modules are imported inside the commands, so that --help answers at once."""

import os
import sys
import webbrowser
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtlsearch.errors import InterruptedSearchError, MtlsearchError

if TYPE_CHECKING:
    from mtlsearch.data import Dataset
    from mtlsearch.search.study import Study
    from mtlsearch.space import SearchSpace

app = typer.Typer(
    help="Search what the tasks of a multi-task network should share, and whether they should share at all.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Data = Annotated[
    str | None,
    typer.Argument(
        help="A .csv, .csv.gz, .parquet or .npz file, a dataset card (.yaml), or an embedded problem"
    ),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", help="NAME[:KIND[:METRIC]], once per task", metavar="TASK"),
]
Space = Annotated[
    str | None, typer.Option("--space", help="A search space: a YAML file, or a name from `spaces`")
]
Folder = Annotated[Path, typer.Argument(help="The study's folder")]
Epochs = Annotated[int | None, typer.Option(help="Most epochs per training (default: the space's)")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]


@app.command()
def search(
    data: Data = None,
    task: Tasks = None,
    space: Space = None,
    study: Annotated[
        Path | None, typer.Option(help="Folder of the new study (default: studies/NAME-TIME)")
    ] = None,
    trainings: Annotated[int, typer.Option(help="Budget of each arm, in trainings")] = 32,
    replicates: Annotated[
        int, typer.Option(help="Trainings of each candidate, with other seeds and folds")
    ] = 2,
    epochs: Epochs = None,
    seed: Annotated[int, typer.Option(help="Seed of the whole study")] = 0,
    seeds: Annotated[
        int, typer.Option(help="Fresh trainings of each arm's best, for the verdict")
    ] = 5,
    workers: Annotated[int, typer.Option(help="Parallel trials (default: one per CPU core)")] = 0,
    gpus_per_worker: Annotated[float, typer.Option(help="Share of a GPU for each worker")] = 0.0,
    sampler: Annotated[
        str, typer.Option(help="affinity, tpe, nsga2, nsga3 or random")
    ] = "affinity",
    engine: Annotated[str, typer.Option(help="auto, forest or serial")] = "auto",
    references: Annotated[
        bool, typer.Option(help="Train scikit-learn's models for comparison")
    ] = True,
    arms: Annotated[
        str | None,
        typer.Option(help="Comma-separated arms (default: no meta_learning, no architectures)"),
    ] = None,
    storage: Annotated[
        str | None, typer.Option(help="Database URL (default: SQLite in the study's folder)")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="A Ray cluster (default: this machine)")
    ] = None,
    device: Device = "auto",
    runner: Annotated[str, typer.Option(hidden=True)] = "ray",
) -> None:
    """Search sharing structures over DATA (default: the embedded penguins) and give a verdict."""
    from mtlsearch.search.arms import USUAL
    from mtlsearch.search.request import Request, cohorts
    from mtlsearch.search.study import Study
    from mtlsearch.search.study_loading import default_space, load_problem
    from mtlsearch.search.worker_context import resolve_device

    dataset, chosen = load_problem(data, task or [], space, epochs)
    if not gpus_per_worker and not ray_address:
        resolve_device(device)
    created = datetime.now().astimezone().isoformat(timespec="seconds")
    names = tuple(name.strip() for name in arms.split(",")) if arms else USUAL
    workers = workers or len(os.sched_getaffinity(0))
    cohort, lag = cohorts(trainings, replicates, workers, len(names))
    asked: dict[str, Any] = {
        "trainings": trainings,
        "replicates": replicates,
        "seed": seed,
        "seeds": seeds,
        "arms": names,
    }
    asked |= {
        "sampler": sampler,
        "engine": engine,
        "references": references,
        "cohort": cohort,
        "lag": lag,
    }
    asked |= {"workers": workers, "gpus_per_worker": gpus_per_worker, "ray_address": ray_address}
    request = Request(
        data=_absolute(data, dataset),
        task_flags=tuple(task or ()),
        space=chosen.to_mapping(),
        space_name=space or default_space(dataset),
        digest=dataset.digest,
        created=created,
        device=device,
        runner=runner,
        **asked,
    )
    folder = study or Path("studies") / f"{_file_name(dataset.name)}-{datetime.now():%Y%m%d-%H%M%S}"
    _work(Study.create(folder, request, storage), dataset, chosen)


@app.command()
def resume(
    folder: Folder,
    trainings: Annotated[
        int | None, typer.Option(help="A larger budget of each arm, to extend the study")
    ] = None,
) -> None:
    """Continue a study after any interruption, or extend it."""
    from mtlsearch.search.study_loading import open_study

    study, dataset, space = open_study(folder)
    _work(study, dataset, space, trainings)


@app.command()
def status(
    folder: Folder, as_json: Annotated[bool, typer.Option("--json", help="As JSON")] = False
) -> None:
    """Show what is done, running, failed and left."""
    from mtlsearch.search.status import overview, overview_table
    from mtlsearch.search.study import Study

    rows = overview(Study.open(folder))
    _print_json(rows) if as_json else _print(overview_table(rows))


@app.command()
def report(
    folder: Folder,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser")] = False,
) -> None:
    """Write FOLDER/report/: report.html, report.json, front.csv and trees/*.svg."""
    from mtlsearch.search.study_loading import open_study

    page = _report(*open_study(folder))
    typer.echo(page)
    if open_page:
        webbrowser.open(page.resolve().as_uri())


@app.command()
def export(
    folder: Folder,
    to: Annotated[
        Path, typer.Option(help="Folder of the exported model; it must not exist or be empty")
    ],
    candidate: Annotated[
        str,
        typer.Option(help="best, an arm's name, or ARM:NUMBER (a bare number is of `searched`)"),
    ] = "best",
    formats: Annotated[
        str, typer.Option("--format", help="Comma-separated: code, onnx, torch-export")
    ] = "code",
) -> None:
    """Write a model as plain PyTorch code with its weights, checked in a clean interpreter."""
    from mtlsearch.export.select_model import export_chosen
    from mtlsearch.search.study_loading import open_study

    study, dataset, space = open_study(folder)
    deviation = export_chosen(
        study, dataset, space, candidate, to, tuple(part.strip() for part in formats.split(","))
    )
    typer.echo(
        f"{to}: exported and checked in a clean interpreter, largest deviation on test rows {deviation:.1e}"
    )


@app.command()
def predict(
    folder: Annotated[Path, typer.Argument(help="An exported model")],
    data: Annotated[Path, typer.Argument(help="A table or .npz file with the model's inputs")],
    to: Annotated[Path | None, typer.Option(help="CSV to write (default: standard output)")] = None,
    source: Annotated[
        str | None, typer.Option(help="Which source the table is, for a model of several")
    ] = None,
) -> None:
    """Predict with an exported model."""
    from mtlsearch.export.folder import predict_folder

    predict_folder(folder, data, to, source)


@app.command()
def check(
    data: Data = None,
    task: Tasks = None,
    space: Space = None,
    epochs: Epochs = None,
    device: Device = "auto",
) -> None:
    """Validate data and space, train one step, and estimate time and memory."""
    from mtlsearch.search.dry_run import rehearse
    from mtlsearch.search.study_loading import load_problem
    from mtlsearch.search.worker_context import resolve_device

    dataset, chosen = load_problem(data, task or [], space, epochs)
    for line in rehearse(dataset, chosen, resolve_device(device)):
        typer.echo(line)


@app.command()
def spaces(
    name: Annotated[str | None, typer.Argument(help="Print this one, to copy and edit")] = None,
) -> None:
    """List the search spaces, or print one."""
    from mtlsearch.errors import SpaceError, unknown
    from mtlsearch.space import known_spaces

    known = known_spaces()
    if name is None:
        for each, path in known.items():
            typer.echo(f"{each:16} {path.read_text(encoding='utf-8').splitlines()[0].lstrip('# ')}")
    elif name in known:
        typer.echo(known[name].read_text(encoding="utf-8"), nl=False)
    else:
        raise SpaceError(unknown("search space", name, known))


def _work(
    study: "Study", dataset: "Dataset", space: "SearchSpace", trainings: int | None = None
) -> None:
    """Lock the study, bring it to its end, write the report and print the verdict."""
    from mtlsearch.report.console import summary
    from mtlsearch.search.progress import Progress
    from mtlsearch.search.session import work

    with study.lock():
        if trainings is not None:
            study.extend(trainings)
        for notice in dataset.notices:
            typer.echo(notice, err=True)
        typer.echo(f"study: {study.folder}", err=True)
        with Progress(study, dataset) as progress:
            work(study, dataset, space, progress)
        page = _report(study, dataset, space)
    _print(summary(page.parent / "report.json"))
    typer.echo(f"report: {page}")


def _report(study: "Study", dataset: "Dataset", space: "SearchSpace") -> Path:
    from mtlsearch.report.build import build_report, write_report

    return write_report(build_report(study, dataset, space), study.folder / "report")


def _absolute(data: str | None, dataset: "Dataset") -> str:
    return str(Path(data).resolve()) if data and Path(data).is_file() else data or dataset.name


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_+." else "-" for letter in name)[:60]


def _print(renderable: Any) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 120).print(renderable)


def _print_json(value: Any) -> None:
    import json

    typer.echo(json.dumps(value, indent=1))


def main() -> None:
    """Run the command line. A user's mistake is one line on stderr and an exit code, never a traceback."""
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
        if (words := describe_system_error(error)) is None:
            raise
        typer.echo(f"error: {words}", err=True)
        sys.exit(1)
