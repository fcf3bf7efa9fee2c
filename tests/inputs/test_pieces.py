"""Texts as pieces of a tokenizer: what is encoded, and what is refused."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tokenizers

from mtlsearch.columns import ColumnForm
from mtlsearch.columns.tokenizer_file import read_tokenizer
from mtlsearch.data import load
from mtlsearch.errors import DataError
from mtlsearch.inputs import INPUT_KINDS, FittedInput, SelectedColumns
from mtlsearch.runtime.encoding import encode_with_notices, from_record, to_record

WORDS = ["[UNK]", "[CLS]", "[SEP]", "good", "bad", "film", "s"]
SENTENCES = ["good film", "bad films", "", "good bad good bad good bad", "unheard"]


def tokenizer_json() -> str:
    """A tokenizer in which each of WORDS, and nothing else, is a piece."""
    vocabulary = {f"##{word}" if word == "s" else word: code for code, word in enumerate(WORDS)}
    model = tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    tokenizer.enable_padding(length=32)  # as some models' files have it
    text: str = tokenizer.to_str()
    return text


def texts(cells: Sequence[str | None]) -> pd.DataFrame:
    """A column of cells, as a source has it."""
    return pd.DataFrame({"review": pd.Series(cells, dtype=object)})


def fitted(max_length: int | None = None, test_rows: int = 1) -> FittedInput:
    """The pieces of SENTENCES but for the last rows."""
    cells = [cell or None for cell in SENTENCES]
    form = ColumnForm("text", tokenizer=tokenizer_json(), max_length=max_length)
    selected = SelectedColumns(texts(cells), forms={"review": form})
    non_test = np.arange(len(cells) - test_rows)
    return INPUT_KINDS["pieces"].fit(selected, non_test, non_test)


def test_a_text_is_the_codes_of_its_pieces_between_the_special_ones() -> None:
    inputs = fitted()
    encoded = inputs.encode(texts(SENTENCES[:2]))
    assert encoded.categories is not None and encoded.mask is not None
    assert encoded.categories.tolist()[:2] == [
        [2, 4, 6, 3, 0, 0, 0, 0],
        [2, 5, 6, 7, 3, 0, 0, 0],
    ]
    assert (encoded.mask == (encoded.categories > 0)).all()


def test_a_missing_text_has_no_piece() -> None:
    encoded = fitted().encode(texts([None, "good"]))
    assert encoded.mask is not None
    assert encoded.mask.sum(1).tolist() == [0, 3]


def test_a_long_text_keeps_the_last_special_piece_and_is_said() -> None:
    inputs = fitted(max_length=4)
    assert "2 longer texts are cut (max_length)" in inputs.descriptions["review"]
    columns = {"review": np.array(["good bad good bad", "unheard"], dtype=object)}
    encoded, notices = encode_with_notices(inputs.encodings, columns)
    assert encoded.categories is not None
    assert encoded.categories[0].tolist() == [2, 4, 5, 3]
    assert notices == [
        "column 'review': 1 of 2 cells hold nothing that the tokenizer knows "
        "(the first is 'unheard' in row 2); they say nothing",
        "column 'review': 1 cells have more than 4 pieces; the rest is not read",
    ]


def test_test_rows_do_not_say_how_long_texts_are() -> None:
    [encoding] = fitted(test_rows=2).encodings
    assert getattr(encoding, "length", None) == 5


def test_a_record_makes_the_same_encoding() -> None:
    [encoding] = fitted().encodings
    assert from_record(to_record(encoding)) == encoding


ROWS = 40


def write_card(folder: Path, source: str, files: Mapping[str, str] = {}) -> str:
    """A card of sentences with two labels."""
    table = pd.DataFrame(
        {
            "review": [f"good film number {row}" for row in range(ROWS)],
            "liked": np.arange(ROWS) % 2,
            "length": np.arange(ROWS) % 3,
        }
    )
    table.to_csv(folder / "reviews.csv", index=False)
    (folder / "model").mkdir()
    for name, text in files.items():
        (folder / "model" / name).write_text(text, "utf-8")
    card = folder / "card.yaml"
    card.write_text(
        f"sources: {{reviews: {{path: reviews.csv, {source}}}}}\n"
        "tasks: {liked: {}, length: {kind: multiclass}}\n",
        "utf-8",
    )
    return str(card)


@pytest.mark.parametrize(
    ("source", "files", "message"),
    [
        ("input: pieces, columns: {review: text}", {}, "input: pieces needs a tokenizer: say"),
        (
            "input: pieces, columns: {review: {tokenizer: model}}",
            {},
            "the folder has no tokenizer.json",
        ),
        (
            "input: pieces, columns: {review: {tokenizer: model}}",
            {"tokenizer.json": "{}"},
            'model": cannot be read (',
        ),
        (
            "columns: {review: {tokenizer: model}}",
            {"tokenizer.json": "OURS"},
            "a tokenizer is for input: pieces",
        ),
        (
            "input: texts, columns: {review: {tokenizer: model}}",
            {"tokenizer.json": "OURS"},
            "a tokenizer is for input: pieces",
        ),
        (
            "input: pieces, columns: {review: {type: category, tokenizer: model}}",
            {"tokenizer.json": "OURS"},
            "tokenizer is for type text, found type category",
        ),
    ],
)
def test_what_is_no_tokenizer_or_has_no_use_is_refused_in_one_line(
    tmp_path: Path, source: str, files: dict[str, str], message: str
) -> None:
    written = {name: tokenizer_json() if text == "OURS" else text for name, text in files.items()}
    card = write_card(tmp_path, source, written)
    with pytest.raises(DataError) as error:
        load(card)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_name_that_cannot_be_fetched_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    source = "input: pieces, columns: {review: {tokenizer: no-such-model}}"
    with pytest.raises(DataError, match='tokenizer "no-such-model": is no folder here and cannot'):
        load(write_card(tmp_path, source))


def test_another_tokenizer_is_another_dataset(tmp_path: Path) -> None:
    source = "input: pieces, columns: {review: {tokenizer: model}}"
    card = write_card(tmp_path, source, {"tokenizer.json": tokenizer_json()})
    before = load(card).digest
    changed = tokenizer_json().replace('"bad"', '"worse"')
    (tmp_path / "model" / "tokenizer.json").write_text(changed, "utf-8")
    read_tokenizer.cache_clear()
    assert load(card).digest != before
