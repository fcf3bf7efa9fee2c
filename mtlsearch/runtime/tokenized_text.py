"""Texts as the pieces of a tokenizer of Hugging Face.

Needs numpy, and the tokenizers library as soon as a text is read: an exported folder holds a copy
of this file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from .column_encodings import ColumnEncoding, cut_notice, unknown_notice
from .encoded_input import Columns, EncodedInput

NEEDED = "a tokenizer needs one package more: pip install tokenizers"


@dataclass(frozen=True)
class TokenizedText(ColumnEncoding):
    """Text as the codes of its pieces, up to `length`, 0 beyond its end.

    The code of a piece is its id in the tokenizer plus 1. The tokenizer adds its special pieces
    (BERT's [CLS] and [SEP]) and keeps them where it cuts. All pieces of the tokenizer have a code,
    also those that training did not see: a pretrained network knows them. `cut` counts the texts
    that are longer, test rows not counted.

    `tokenizer` is the tokenizer as JSON, which the file `tokenizer.json` of a model holds.
    """

    type: ClassVar[str] = "tokenizer"
    packages: ClassVar[Sequence[str]] = ("tokenizers",)
    name: str
    tokenizer: str
    length: int
    vocabulary: int
    cut: int = 0

    @property
    def description(self) -> str:
        """How the column is encoded, in words."""
        text = f"its first {self.length} pieces, of {self.vocabulary:,} of the tokenizer"
        if self.cut:
            text += f"; {self.cut:,} longer texts are cut (max_length)"
        return text

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `categories`, int64 [N, length], and `mask`."""
        cells = columns[self.name]
        rows = [row for row, cell in enumerate(cells) if cell is not None]
        codes = np.zeros((len(cells), self.length), np.int64)
        pieces_of_rows = pieces(self.tokenizer, [cells[row] for row in rows], self.length)
        for row, ids in zip(rows, pieces_of_rows, strict=True):
            codes[row, : len(ids)] = np.array(ids, np.int64) + 1
        return EncodedInput(categories=codes, mask=codes > 0)

    def notices(self, columns: Columns, encoded: EncodedInput) -> list[str]:
        """Say which cells have no piece that says something, and how many are cut."""
        assert encoded.categories is not None
        codes = encoded.categories
        mute = np.isin(codes, [number + 1 for number in _mute_pieces(self.tokenizer)])
        says_something = (codes > 0) & ~mute
        what = "nothing that the tokenizer knows"
        is_known = np.asarray(says_something.any(axis=1))
        notices = unknown_notice(self.name, columns, is_known, what, "say nothing")
        cells = columns[self.name]
        full_rows = np.flatnonzero(codes[:, -1])
        whole = pieces(self.tokenizer, [cells[row] for row in full_rows])
        long = sum(len(ids) > self.length for ids in whole)
        return notices + cut_notice(self.name, long, f"{self.length} pieces")


def pieces(tokenizer: str, texts: Sequence[str], length: int | None = None) -> list[list[int]]:
    """Return the ids of the pieces of each text, at most `length`; special pieces count."""
    tool = _read(tokenizer)
    if length is None:
        tool.no_truncation()
    else:
        tool.enable_truncation(length)
    return [encoding.ids for encoding in tool.encode_batch(list(texts))]


def vocabulary_size(tokenizer: str) -> int:
    """Return the number of ids of a tokenizer: the largest one plus 1."""
    ids = _read(tokenizer).get_vocab(with_added_tokens=True).values()
    return int(max(ids)) + 1


@lru_cache(maxsize=8)
def _mute_pieces(tokenizer: str) -> list[int]:
    """Return the ids of the special pieces and of that for anything unknown."""
    tool = _read(tokenizer)
    mute = [number for number, piece in tool.get_added_tokens_decoder().items() if piece.special]
    unknown = getattr(tool.model, "unk_token", None)
    if unknown is not None:
        mute.append(tool.token_to_id(unknown))
    return mute


@lru_cache(maxsize=8)
def _read(tokenizer: str) -> Any:
    """Return the tokenizer of a JSON text. Raises ImportError without the library."""
    try:
        import tokenizers
    except ImportError as error:
        raise ImportError(NEEDED) from error
    tool = tokenizers.Tokenizer.from_str(tokenizer)
    tool.no_padding()
    return tool
