"""What a batch size that goes by the training rows comes to, in words."""

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
    first_split = fold(dataset, 0, seed)
    rows = max(len(train) for train in first_split.train.values())
    size = rows_per_step(AUTO, rows)
    return [
        f"batch size auto: {size} rows a step for {rows} training rows; "
        "another one is set as training.batch_size"
    ]
