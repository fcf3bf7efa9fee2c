"""A trained model as a folder that predicts without mtlsearch, verified before it appears.

Several models are written as their ensemble.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.torch import save

import mtlsearch.runtime
from mtlsearch.candidate import TrainingSettings
from mtlsearch.data import Preparation
from mtlsearch.errors import UsageError
from mtlsearch.export.code import write_code
from mtlsearch.export.formats import check_formats, write_formats
from mtlsearch.export.objective import write_objective
from mtlsearch.export.readme import ModelCard, write_readme
from mtlsearch.export.reference_models import packages_of, write_references
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.export.verification import Runner, run_alone, verify
from mtlsearch.runtime.encoding import ENCODINGS
from mtlsearch.runtime.predictor import NETWORKS

RUNTIME = Path(mtlsearch.runtime.__file__).parent
ANY_SCHEDULE = TrainingSettings()
NEEDED = ("torch", "numpy", "safetensors")
LOWEST = {
    "torch": "2.6",
    "numpy": "1.26",
    "pillow": "10",
    "safetensors": "0.5",
    "tokenizers": "0.22",
}
"""The lowest versions of packages that mtlsearch itself takes, and of numpy one that was tried."""

OF_REFERENCES = ("flat_inputs", "reference_models")  # modules that ready-made models alone need


def export_model(
    models: Sequence[TrainedModel],
    folder: Path,
    card: ModelCard,
    formats: Sequence[str] = ("code",),
    run: Runner = run_alone,
    schedule: TrainingSettings = ANY_SCHEDULE,
) -> float:
    """Write models as a folder; return the largest deviation of its predictions from theirs.

    The folder appears whole or not at all.

    Args:
        models: The model; several of one composition and one dataset are written as an ensemble,
            which predicts the mean of their predictions.
        folder: The folder, which does not exist or is empty.
        card: What the README says beyond the model.
        formats: Names in `FORMATS`; the code is always written.
        run: Runs the folder's predict.py for the comparison.
        schedule: How the models were trained, for the folder's train.py.

    Raises:
        UsageError: The folder is not empty, or a format is unknown or needs more packages.
        ExportError: The model cannot be written as code, or the folder predicts something else.
    """
    folder = folder.expanduser().resolve()
    _check_empty(folder)
    check_formats(formats)
    models = [model.on_cpu() for model in models]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        scratch = Path(temporary)
        draft = scratch / "draft"
        draft.mkdir()
        write_predictor(draft, models, schedule)
        deviation = verify(draft, scratch, models, run)
        write_formats(draft, models, formats)
        write_readme(draft, models, card, deviation)
        draft.replace(folder)
    return deviation


def _check_empty(folder: Path) -> None:
    is_used = folder.is_dir() and any(folder.iterdir())
    if folder.is_file() or is_used:
        raise UsageError(f"{folder}: exists and is not an empty folder; name a new one")


def write_predictor(
    draft: Path,
    models: Sequence[TrainedModel],
    schedule: TrainingSettings = ANY_SCHEDULE,
) -> None:
    """Write everything that predicts into a folder, and how it was trained: by this schedule."""
    first = models[0]
    schemas = first.data.signature(first.replicate).schemas
    networks = [model.network for model in models]
    wanted = [task.name for task in first.tasks]
    code = write_code(networks, first.data.dataset.tasks, schemas, wanted)
    weights = {name: tensor.detach().contiguous() for name, tensor in code.weights.items()}
    (draft / "model.py").write_text(code.text, "utf-8")
    (draft / "weights.safetensors").write_bytes(save(weights))
    (draft / "preprocess.json").write_text(_preparations(models), "utf-8")
    references = [model.references for model in models]
    write_references(draft, references)
    write_objective(draft, models, code, schedule)
    packages = packages_of(references)
    (draft / "requirements.txt").write_text(_requirements(draft, packages), "utf-8")
    for module in RUNTIME.glob("*.py"):
        if module.name == "__init__.py":
            continue
        if first.references or module.stem not in OF_REFERENCES:
            shutil.copyfile(module, draft / module.name)


def _preparations(models: Sequence[TrainedModel]) -> str:
    """Return the fitted preparation of the tasks and their sources as JSON.

    That of an ensemble lists one for each network.
    """
    fitted = [_preparation(model) for model in models]
    kept = fitted[0] if len(fitted) == 1 else {NETWORKS: fitted}
    return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"


def _preparation(model: TrainedModel) -> dict[str, Any]:
    dataset = model.data.dataset
    fold = model.data.fold(model.replicate).prepared.fold
    fitted = Preparation.fit(dataset, fold).to_json()
    used_sources = {task.source for task in model.tasks}
    names = {task.name for task in model.tasks}
    sources = {
        source: columns for source, columns in fitted["sources"].items() if source in used_sources
    }
    return {
        "sources": sources,
        "tasks": {name: task for name, task in fitted["targets"].items() if name in names},
        "spellings": fitted["spellings"],
    }


def _requirements(draft: Path, pinned: Sequence[str]) -> str:
    """Return the packages that the folder needs, with the lowest versions that will do.

    Those in `pinned` must be of just the versions that wrote it.
    """
    packages = [*NEEDED, *_packages_of_encodings(draft)]
    written_with = [f"{package} {version(package).split('+')[0]}" for package in packages]
    lines = [
        f"# Written and checked with {', '.join(written_with)}. Older versions may differ in the",
        "# last digits. Where there is no GPU, install the CPU wheel of torch first, a tenth of",
        '# the size: the page "Get started" of PyTorch has the command for it.',
    ]
    for package in packages:
        lines.append(f"{package}>={LOWEST[package]}")
    for package in pinned:
        lines.append(f"{package}=={version(package)}")
    return "\n".join(lines) + "\n"


def _packages_of_encodings(draft: Path) -> list[str]:
    """Return the packages that the folder's encodings need beside numpy."""
    fitted = json.loads((draft / "preprocess.json").read_text("utf-8"))
    first = fitted.get(NETWORKS, [fitted])[0]
    packages: set[str] = set()
    for records in first["sources"].values():
        for record in records:
            kind = ENCODINGS[record["type"]]
            packages.update(getattr(kind, "packages", ()))
    return sorted(packages)
