"""What a column is worth: only its own cells are dealt anew, whatever they are encoded as."""

import numpy as np
import pandas as pd
import torch

from mtlsearch.data import ColumnFlags, fold, load, prepare
from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.search.column_importance import column_slots, with_other_cells

CPU = torch.device("cpu")


def table_of_all_forms(path):
    """A table with a number that has gaps, a category, a date, a text, and many categories."""
    draw = np.random.default_rng(0)
    rows = 240
    words = ["red", "green", "fast", "slow", "broken", "late"]
    table = pd.DataFrame(
        {
            "age": draw.normal(50, 10, rows),
            "ward": draw.choice(["a", "b", "c"], rows),
            "day": pd.date_range("2024-01-01", periods=rows).astype(str),
            "note": [" ".join(draw.choice(words, 5)) for _ in range(rows)],
            "doctor": [f"d{number % 60}" for number in range(rows)],
            "stay": draw.normal(size=rows),
            "ill": draw.choice(["no", "yes"], rows),
        }
    )
    table.loc[::7, "age"] = np.nan
    table.to_csv(path, index=False)
    return path


def test_only_the_cells_of_one_column_are_dealt_anew(tmp_path):
    flags = ColumnFlags(text=("note",), categorical=("doctor",))
    dataset = load(str(table_of_all_forms(tmp_path / "clinic.csv")), ("stay", "ill"), flags)
    prepared = prepare(dataset, fold(dataset, 0, 0))
    [source] = dataset.sources.values()
    encoder = prepared.encoders[source.name]
    slots = column_slots(encoder, source)
    assert set(slots) == {"age", "ward", "day", "note", "doctor"}
    whole = NetworkInput.of(prepared.inputs[source.name], CPU)
    order = np.random.default_rng(1).permutation(len(source.inputs))
    for column in slots:
        dealt = with_other_cells(whole, slots[column], torch.from_numpy(order))
        cells = source.inputs.copy()
        cells[column] = cells[column].to_numpy()[order]
        expected = NetworkInput.of(encoder.encode(cells), CPU)
        for ours, theirs in zip(dealt.tensors, expected.tensors, strict=True):
            assert torch.equal(ours, theirs), column
        changed = [
            not torch.equal(*pair) for pair in zip(dealt.tensors, whole.tensors, strict=True)
        ]
        assert any(changed), column
