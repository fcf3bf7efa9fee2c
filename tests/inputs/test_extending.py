"""Adding a kind of input is one file and one line in the table."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.support.extended_package import ExtendedPackage

SPECTRUM = '''"""Spectra: columns of numbers side by side, of which every second one is read."""

from typing import ClassVar

import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.inputs.contract import (
    FittedInput,
    InputKind,
    InputSchema,
    SelectedColumns,
    SourceColumns,
    column_of_numbers,
    left_out,
)
from mtlsearch.inputs.table import TableSchema
from mtlsearch.runtime.column_encodings import NumericColumn


class Spectrum(InputKind):
    """Every second channel, scaled by what all channels have in common."""

    name = "spectrum"
    schema: ClassVar[type[InputSchema]] = TableSchema

    def claims(self, cell: Array | None) -> bool:
        """Take nothing that the card does not call so."""
        return False

    def select(self, source: SourceColumns) -> SelectedColumns:
        """Return every second column."""
        names = source.names[::2]
        columns = {name: column_of_numbers(source, name) for name in names}
        reasons = left_out(source, names, "every second channel is enough")
        return SelectedColumns(pd.DataFrame(columns), None, reasons)

    def fit(self, selected: SelectedColumns, non_test: Array, train: Array) -> FittedInput:
        """Use one mean and one deviation for all channels."""
        values = selected.inputs.to_numpy()[train]
        encodings = []
        for name in selected.inputs:
            column = NumericColumn(
                name=name,
                median=float(values.mean()),
                mean=float(values.mean()),
                scale=float(values.std()),
                constant=False,
                indicator=False,
                indicator_seen=False,
            )
            encodings.append(column)
        return FittedInput(TableSchema(len(encodings)), tuple(encodings))
'''
SEARCH = ("--space", "quick", "--epochs", "2", "--trainings", "4", "--seeds", "2")
ARMS = ("--arms", "searched,single_task", "--runner", "local")


@pytest.fixture
def extended(tmp_path):
    """The package with spectra, and a table of some beside it, with its card."""
    package = ExtendedPackage.copy(tmp_path, "inputs")
    package.add("inputs", "spectrum", SPECTRUM, "Spectrum", '"spectrum": Spectrum()')
    draw = np.random.default_rng(0)
    channels = 3.0 + draw.normal(size=(100, 6))
    table = pd.DataFrame(channels, columns=[f"nm{number}" for number in range(6)])
    table["fat"] = channels[:, 0] + 0.1 * draw.normal(size=100)
    table["water"] = channels[:, 2] - channels[:, 4] + 0.1 * draw.normal(size=100)
    table.to_csv(tmp_path / "meat.csv", index=False)
    card = {
        "sources": {"meat": {"path": "meat.csv", "input": "spectrum"}},
        "tasks": {"fat": {}, "water": {}},
    }
    (tmp_path / "meat.yaml").write_text(yaml.safe_dump(card), "utf-8")
    return package


def test_the_contracts_test_it_unedited(extended):
    ran = extended.run_tests("tests/inputs/test_input_kinds.py", "-k", "spectrum")
    assert ran.code == 0, ran.out + ran.err
    name = "tests/inputs/test_input_kinds.py::test_a_kind_is_called_as_in_the_table[spectrum]"
    assert f"{name} PASSED" in ran.out


def test_it_goes_from_check_to_predict(extended):
    checked = extended.run("check", "meat.yaml")
    assert checked.code == 0, checked.err
    assert "source meat: 100 rows, 3 numbers" in checked.out
    assert "meat: column nm1 is left out: every second channel is enough" in checked.out

    searched = extended.run("search", "meat.yaml", *SEARCH, *ARMS, "--study", "study")
    assert searched.code == 0, searched.err
    report = json.loads((extended.folder / "study/report/report.json").read_text("utf-8"))
    [source] = report["data"]["sources"]
    assert (source["kind"], source["inputs"]) == ("spectrum", 3)
    assert len(report["references"]["models"]) >= 4

    exported = extended.run("export", "study", "--to", "model")
    assert exported.code == 0, exported.err
    predicted = extended.run("predict", "model", "meat.csv", "--to", "predicted.csv")
    assert predicted.code == 0, predicted.err
    table = pd.read_csv(extended.folder / "predicted.csv")
    assert list(table) == ["fat", "water"]
    assert np.isfinite(table.to_numpy()).all()
