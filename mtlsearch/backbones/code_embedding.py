"""The columns of codes of a table as vectors beside its numbers, before any backbone's stem."""

import torch
from torch import Tensor, nn

from mtlsearch.backbones.masking import mean_over_positions
from mtlsearch.inputs import TableSchema

UNKNOWN = 1
"""The code of what training did not see."""

FORGOTTEN = 0.05
"""The share of codes that a training step takes for unknown, so that their vector is trained."""

INITIAL_SCALE = 0.01
"""The standard deviation of the numbers of a vector before training."""


class NumbersAndCodes(nn.Module):
    """What a stem makes of a row's numbers beside the mean vector of each column of codes.

    `positions` says how many codes each column has. A training step takes a few codes for unknown
    ones, as `forget` drops them.
    """

    elementwise = True

    def __init__(
        self,
        embeddings: nn.ModuleList,
        forget: nn.Module,
        stem: nn.Module,
        positions: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.embeddings = embeddings
        self.forget = forget
        self.stem = stem
        self.positions = positions

    def forward(self, values: Tensor, categories: Tensor) -> Tensor:
        """Map [B, F] and [B, S] to [B, outputs]."""
        remembered = self.forget(torch.ones_like(categories, dtype=values.dtype)) > 0
        known = categories.where(remembered, categories.clamp(max=UNKNOWN))
        columns = torch.split(known, list(self.positions), -1)
        features = [values]
        for embedding, codes in zip(self.embeddings, columns, strict=True):
            vectors = embedding(codes)
            features.append(mean_over_positions(vectors, codes > 0))
        output: Tensor = self.stem(torch.cat(features, -1))
        return output


def widened(schema: TableSchema, embedding_factor: float) -> TableSchema:
    """Return the schema of a table that has the vectors as numbers beside its own."""
    features = schema.features + sum(_sizes(schema, embedding_factor))
    return TableSchema(features)


def embed_codes(schema: TableSchema, embedding_factor: float, stem: nn.Module) -> nn.Module:
    """Return a module that maps the values and the categories of a table as the stem does.

    `stem` takes tables of the schema `widened`. The sizes of the vectors are those of the schema
    times a factor.
    """
    embeddings = nn.ModuleList()
    sizes = _sizes(schema, embedding_factor)
    for column, size in zip(schema.coded, sizes, strict=True):
        embedding = nn.Embedding(column.vocabulary + 1, size)
        nn.init.normal_(embedding.weight, std=INITIAL_SCALE)
        embeddings.append(embedding)
    return NumbersAndCodes(embeddings, nn.Dropout(FORGOTTEN), stem, schema.positions)


def _sizes(schema: TableSchema, embedding_factor: float) -> list[int]:
    return [max(1, round(embedding_factor * column.size)) for column in schema.coded]
