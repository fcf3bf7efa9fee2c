# Each target sets up what it needs on a fresh machine. PYTHON picks the interpreter (3.11 or later).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: search test test-slow test-oldest check docs notebook dist bench clean

search: $(READY)
	$(BIN)/python cli.py search $(ARGS)

# Each worker needs a core and about 1 GB.
WORKERS ?= 2

test: $(READY)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

# Minutes each, or in need of more packages: the browser, every embedded problem, ONNX, MLflow,
# TensorBoard, Weights & Biases, Optuna's dashboard.
EXTRAS := dev,onnx,notebook,docs,mlflow,tensorboard,wandb,dashboard

test-slow: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	$(BIN)/python -m pytest -m slow

# The quick tests with the oldest versions that pyproject.toml allows; torch of that age brings CUDA.
OLDEST := .venv-oldest
test-oldest:
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --constraint constraints-oldest.txt --editable '.[dev]'
	$(OLDEST)/bin/python -m pytest --numprocesses $(WORKERS) --dist worksteal

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The site, in site/: broken links fail.
docs: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python -m mkdocs build

# The notebook with new outputs, and the pictures of the documentation (Debian's package `chromium`).
notebook: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,notebook]'
	$(BIN)/python -m scripts.run_notebook
	$(BIN)/python -m scripts.screenshots

# Wheel and sdist, in dist/. A tag at this commit must be that of mtlsearch/version.py.
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' mtlsearch/version.py)
dist: $(READY)
	@for tag in $$(git tag --points-at HEAD 'v*'); do \
	    test "$$tag" = "v$(VERSION)" || { echo "tag $$tag, but the version is $(VERSION)"; exit 1; }; \
	done
	$(BIN)/python -m build

# About three hours; the figures and what they mean are in benchmarks/README.md.
bench: $(READY)
	$(BIN)/python -m benchmarks.throughput
	$(BIN)/python -m benchmarks.scaling
	$(BIN)/python -m benchmarks.scaling.tables
	$(BIN)/python -m benchmarks.long_studies
	$(BIN)/python -m benchmarks.truth
	$(BIN)/python -m benchmarks.side_by_side
	$(BIN)/python -m benchmarks.sampling
	$(BIN)/python -m benchmarks.averaging
	$(BIN)/python -m benchmarks.inputs
	$(BIN)/python -m benchmarks.ensemble_intervals
	$(BIN)/python -m benchmarks.looks
	$(BIN)/python -m benchmarks.exported_ensembles
	$(BIN)/python -m benchmarks.training_settings

clean:
	rm -rf $(VENV)

# torch comes first and pinned: a plain `torch` may draw gigabytes of CUDA packages.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or later is needed: make PYTHON=python3.11 ..."'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)
