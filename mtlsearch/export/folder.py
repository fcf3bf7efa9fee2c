"""A trained model as a folder that predicts without mtlsearch, verified before it appears."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from safetensors.torch import save

import mtlsearch.runtime
from mtlsearch.data import Preparation
from mtlsearch.errors import UsageError
from mtlsearch.export.code import write_code
from mtlsearch.export.formats import check_formats, write_formats
from mtlsearch.export.readme import ModelCard, write_readme
from mtlsearch.export.reference_models import packages_of, write_references
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.export.verification import Runner, run_alone, verify
from mtlsearch.runtime.encoding import ENCODINGS

RUNTIME = Path(mtlsearch.runtime.__file__).parent
OF_REFERENCES = ("flat_inputs", "reference_models")  # modules that ready-made models alone need


def export_model(
    model: TrainedModel,
    folder: Path,
    card: ModelCard,
    formats: Sequence[str] = ("code",),
    run: Runner = run_alone,
) -> float:
    """Write a model as a folder; return the largest deviation of its predictions from the model's.

    The folder appears whole or not at all.

    Args:
        model: The model.
        folder: The folder, which does not exist or is empty.
        card: What the README says beyond the model.
        formats: Names in `FORMATS`; the code is always written.
        run: Runs the folder's predict.py for the comparison.

    Raises:
        UsageError: The folder is not empty, or a format is unknown or needs more packages.
        ExportError: The model cannot be written as code, or the folder predicts something else.
    """
    folder = folder.expanduser().resolve()
    _check_empty(folder)
    check_formats(formats)
    model = model.on_cpu()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        scratch = Path(temporary)
        draft = scratch / "draft"
        draft.mkdir()
        _write_predictor(draft, model)
        deviation = verify(draft, scratch, model, run)
        write_formats(draft, model, formats)
        write_readme(draft, model, card, deviation)
        draft.replace(folder)
    return deviation


def _check_empty(folder: Path) -> None:
    is_used = folder.is_dir() and any(folder.iterdir())
    if folder.is_file() or is_used:
        raise UsageError(f"{folder}: exists and is not an empty folder; name a new one")


def _write_predictor(draft: Path, model: TrainedModel) -> None:
    """Write everything that predicts."""
    schemas = model.data.signature(model.replicate).schemas
    code = write_code(model.network, model.data.dataset.tasks, schemas)
    weights = {name: tensor.detach().contiguous() for name, tensor in code.weights.items()}
    (draft / "model.py").write_text(code.text, "utf-8")
    (draft / "weights.safetensors").write_bytes(save(weights))
    (draft / "preprocess.json").write_text(_preparation(model), "utf-8")
    write_references(draft, model.references)
    packages = packages_of(model.references)
    (draft / "requirements.txt").write_text(_requirements(draft, packages), "utf-8")
    for module in RUNTIME.glob("*.py"):
        if module.name == "__init__.py":
            continue
        if model.references or module.stem not in OF_REFERENCES:
            shutil.copyfile(module, draft / module.name)


def _preparation(model: TrainedModel) -> str:
    """Return the fitted preparation of the tasks and their sources as JSON."""
    dataset = model.data.dataset
    fold = model.data.fold(model.replicate).prepared.fold
    fitted = Preparation.fit(dataset, fold).to_json()
    used_sources = {task.source for task in dataset.tasks}
    sources = {
        source: columns for source, columns in fitted["sources"].items() if source in used_sources
    }
    kept = {
        "sources": sources,
        "tasks": fitted["targets"],
        "spellings": fitted["spellings"],
    }
    return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"


def _requirements(draft: Path, pinned: Sequence[str]) -> str:
    """Return the packages that the folder needs, at least in the versions that wrote it.

    Those in `pinned` must be of just these versions.
    """
    packages = ["torch", "numpy", "safetensors", *_packages_of_encodings(draft)]
    lines = []
    for package in packages:
        public_version = version(package).split("+")[0]
        lines.append(f"{package}>={public_version}\n")
    for package in pinned:
        lines.append(f"{package}=={version(package)}\n")
    return "".join(lines)


def _packages_of_encodings(draft: Path) -> list[str]:
    """Return the packages that the folder's encodings need beside numpy."""
    fitted = json.loads((draft / "preprocess.json").read_text("utf-8"))
    packages: set[str] = set()
    for records in fitted["sources"].values():
        for record in records:
            kind = ENCODINGS[record["type"]]
            packages.update(getattr(kind, "packages", ()))
    return sorted(packages)
