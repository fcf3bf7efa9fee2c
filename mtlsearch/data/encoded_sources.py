"""What networks read of the sources of a dataset, encoded when it is asked for."""

from collections.abc import Iterator, Mapping

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import Source
from mtlsearch.inputs import FittedInput
from mtlsearch.runtime.encoded_input import EncodedInput

LARGEST_ENCODED = 16 * 2**20
"""Bytes of a source's encoded rows, beyond which they are encoded batch by batch."""


class EncodedSources(Mapping[str, EncodedInput]):
    """The encoded rows of each source, made and kept when a source is first asked for.

    Of a source that `is_large` it is better to ask for some rows at a time.
    """

    def __init__(
        self,
        encoders: Mapping[str, FittedInput],
        sources: Mapping[str, Source],
        largest: int = LARGEST_ENCODED,
    ) -> None:
        """`largest` is how many bytes a source has at most that is not large."""
        self._encoders = encoders
        self._sources = sources
        self._largest = largest
        self._encoded: dict[str, EncodedInput] = {}

    def __getitem__(self, source: str) -> EncodedInput:
        if source not in self._encoded:
            inputs = self._sources[source].inputs
            self._encoded[source] = self._encoders[source].encode(inputs)
        return self._encoded[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def take(self, source: str, rows: Array) -> EncodedInput:
        """Return some rows of a source; nothing is kept of them."""
        inputs = self._sources[source].inputs
        return self._encoders[source].encode(inputs.iloc[rows])

    def rows_of(self, source: str) -> int:
        """Return how many rows a source has."""
        return len(self._sources[source].inputs)

    def is_large(self, source: str) -> bool:
        """Return whether all rows of a source take many bytes."""
        return self.bytes_of(source) > self._largest

    def bytes_of(self, source: str) -> int:
        """Return how many bytes all rows of a source take, without encoding them."""
        row = self._encoders[source].schema.example(1)
        per_row = sum(array.nbytes for array in row.arrays)
        return per_row * self.rows_of(source)
