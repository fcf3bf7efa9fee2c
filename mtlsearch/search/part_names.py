"""What the parts of a study are called, and their arms."""

ALL_ROWS = "all-rows"


def base_arm(key: str) -> str:
    """The arm of a part that is called so."""
    return key.rpartition(" ")[2]


def fold_names(outer_folds: int) -> list[str]:
    """The names of the outer folds after the first."""
    return [f"fold-{number}" for number in range(2, outer_folds + 1)]


def part_names(outer_folds: int) -> list[str]:
    """The names of all parts of a study with so many outer folds, the first's being empty."""
    if outer_folds == 1:
        return [""]
    return ["", *fold_names(outer_folds), ALL_ROWS]
