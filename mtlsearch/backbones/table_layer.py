"""The first layer of a network for tables: numbers beside the vectors of categories and words."""

from collections.abc import Sequence

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
    """What `body` makes of a row's numbers beside the mean vector of each column of codes.

    `positions` says how many codes each column has. A training step takes a few codes for unknown
    ones, as `forget` drops them.
    """

    elementwise = True

    def __init__(
        self,
        embeddings: nn.ModuleList,
        forget: nn.Module,
        body: nn.Module,
        positions: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.embeddings = embeddings
        self.forget = forget
        self.body = body
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
        output: Tensor = self.body(torch.cat(features, -1))
        return output


def table_layer(
    schema: TableSchema,
    width: int,
    embedding_factor: float,
    *layers: nn.Module,
) -> nn.Module:
    """Return a module that maps the rows of a table to [B, width]: linear, then these layers.

    It is called with the values and, where the schema has columns of codes, with the categories.
    The sizes of their vectors are those of the schema times a factor.
    """
    if not schema.coded:
        return _chain(nn.Linear(schema.features, width), layers)
    embeddings = nn.ModuleList()
    features = schema.features
    for column in schema.coded:
        size = max(1, round(embedding_factor * column.size))
        embedding = nn.Embedding(column.vocabulary + 1, size)
        nn.init.normal_(embedding.weight, std=INITIAL_SCALE)
        embeddings.append(embedding)
        features += size
    body = _chain(nn.Linear(features, width), layers)
    return NumbersAndCodes(embeddings, nn.Dropout(FORGOTTEN), body, schema.positions)


def _chain(linear: nn.Module, layers: Sequence[nn.Module]) -> nn.Module:
    if not layers:
        return linear
    return nn.Sequential(linear, *layers)
