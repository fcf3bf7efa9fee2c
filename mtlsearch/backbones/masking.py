"""What is there of a sequence or a text: the marks of its places, and the mean over them. Exported models hold a copy."""

from torch import Tensor


def marked(tokens: Tensor, vectors: Tensor) -> Tensor:
    """[..., S] -> [..., S, 1] in the type of `vectors`: 1 where there is a token, else 0."""
    return (tokens > 0).to(vectors.dtype)[..., None]


def mean_over(vectors: Tensor, there: Tensor) -> Tensor:
    """[..., S, F] and marks [..., S, 1] -> [..., F]: the mean of the vectors that are there; zeros where none is."""
    return (vectors * there).sum(-2) / there.sum(-2).clamp(min=1)
