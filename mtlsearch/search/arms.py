"""The table of arms: the search itself and the controls that it is compared with, each with the same budget."""

from collections.abc import Callable
from dataclasses import dataclass

from mtlsearch.search.architectures import ARCHITECTURES
from mtlsearch.sharing import NoSharing
from mtlsearch.space import SearchSpace
from mtlsearch.tree import SharingTree
from mtlsearch.weightings import Fixed

FROZEN = {"choice": [0.0, 0.25, 0.5]}  # shares of the fine-tuning during which only the heads move


@dataclass(frozen=True)
class Arm:
    """One search over one, possibly pinned, space.

    `sampler` overrides the study's. With `per_task` every task may take its best settings from a different candidate,
    which is possible because the tasks of such an arm share nothing. `must_share` picks among sharing candidates only.
    """

    pin: Callable[[SearchSpace], SearchSpace]
    sampler: str | None = None
    per_task: bool = False
    must_share: bool = False

    @property
    def shares(self) -> bool:
        """Whether its models may stand for sharing in the verdict."""
        return not self.per_task


def _whole(space: SearchSpace) -> SearchSpace:
    return space


def _separate(space: SearchSpace) -> SearchSpace:
    return space.pinned(tree=SharingTree.separate(space.tasks, space.tree.levels), sharing=NoSharing(), weighting=Fixed())


def _shared(space: SearchSpace) -> SearchSpace:
    return space.pinned(tree=SharingTree.shared(space.tasks, space.tree.levels), sharing=NoSharing())


def _balanced(space: SearchSpace) -> SearchSpace:
    weighted = {"name": "fixed", "weights": {"log": [0.1, 10]}}
    return _shared(SearchSpace.from_mapping({**space.to_mapping(), "weighting": weighted}, space.tasks))


def _pretrained(space: SearchSpace) -> SearchSpace:
    start = {"pretraining": 0.5, "frozen": FROZEN}
    return _separate(SearchSpace.from_mapping({**space.to_mapping(), "initialization": start}, space.tasks))


ARMS: dict[str, Arm] = {
    "searched": Arm(_whole, must_share=True),
    "single_task": Arm(_separate, per_task=True),
    "share_all": Arm(_shared),
    "static_weights": Arm(_balanced),
    "random": Arm(_whole, sampler="random", must_share=True),
    "pretrain_finetune": Arm(_pretrained, per_task=True),
    **{name: Arm(each.pin) for name, each in ARCHITECTURES.items()},
}
USUAL = tuple(name for name in ARMS if name not in ARCHITECTURES)  # the arms of a study that names none
