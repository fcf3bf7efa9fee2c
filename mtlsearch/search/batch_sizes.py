"""What goes by the number of training rows comes to, in words: a batch, and what a search reads."""

from mtlsearch.data import Dataset, fold
from mtlsearch.space import SearchSpace
from mtlsearch.space.grammar import Spec
from mtlsearch.training.batches import rows_per_step

AUTO = "auto"


def batch_size_notices(dataset: Dataset, space: SearchSpace, seed: int) -> list[str]:
    """One line where the space has a batch size of auto; none where it has not."""
    sizes = [space.training.batch_size]
    for option in space.options["optimizer"]:
        spec = dict(option.specs)["batch_size"]
        if isinstance(spec, Spec):
            sizes.extend(spec.values)
    if AUTO not in sizes:
        return []
    rows = training_rows(dataset, seed)
    text = f"{rows_per_step(AUTO, rows)} rows a step for {rows} training rows"
    search_rows = space.training.search_rows
    if search_rows is not None and search_rows < rows:
        size = rows_per_step(AUTO, search_rows)
        text += f", in the search {size} for {search_rows}"
    return [f"batch size auto: {text}; another one is set as training.batch_size"]


def search_row_notices(dataset: Dataset, space: SearchSpace, seed: int = 0) -> list[str]:
    """One line where the search reads a part of the rows; none where it reads all."""
    search_rows = space.training.search_rows
    rows = training_rows(dataset, seed)
    if search_rows is None or search_rows >= rows:
        return []
    return [
        f"the search reads {search_rows} of {rows} training rows and as large a share of the "
        "validation rows, others in each fold; what is confirmed, compared and exported is trained "
        "on all; another number, or all, is set as training.rows"
    ]


def training_rows(dataset: Dataset, seed: int) -> int:
    """The number of training rows of the longest source."""
    first_split = fold(dataset, 0, seed)
    return max(len(train) for train in first_split.train.values())
