"""The table of arms: the search itself and the controls that it is compared with, each with the same budget."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mtlsearch.initializations import Random
from mtlsearch.search.architectures import ARCHITECTURES
from mtlsearch.sharing import NoSharing
from mtlsearch.space import SearchSpace
from mtlsearch.structure.tree import SharingTree
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
    return space.pinned(
        tree=SharingTree.separate(space.tasks, space.tree.levels),
        sharing=NoSharing(),
        weighting=Fixed(),
    )


def _scratch(space: SearchSpace) -> SearchSpace:
    return _separate(space).pinned(
        initialization=Random()
    )  # what gains are measured against knows nothing of other tasks


def _shared(space: SearchSpace) -> SearchSpace:
    return space.pinned(
        tree=SharingTree.shared(space.tasks, space.tree.levels), sharing=NoSharing()
    )


def _balanced(space: SearchSpace) -> SearchSpace:
    weighted = {"name": "fixed", "weights": {"log": [0.1, 10]}}
    return _shared(
        SearchSpace.from_mapping({**space.to_mapping(), "weighting": weighted}, space.tasks)
    )


def _started(space: SearchSpace, start: dict[str, Any]) -> SearchSpace:
    return _separate(
        SearchSpace.from_mapping({**space.to_mapping(), "initialization": start}, space.tasks)
    )


def _pretrained(space: SearchSpace) -> SearchSpace:
    return _started(
        space, {"name": "pretrained", "tasks": "others", "pretraining": 0.5, "frozen": FROZEN}
    )


def _meta_learned(space: SearchSpace) -> SearchSpace:
    settings = {
        "inner_steps": {"log": [1, 32]},
        "step_size": {"range": [0.1, 1.0]},
        "frozen": FROZEN,
    }
    return _started(space, {"name": "reptile", "pretraining": {"choice": [0.25, 0.5]}, **settings})


ARMS: dict[str, Arm] = {
    "searched": Arm(_whole, must_share=True),
    "single_task": Arm(_scratch, per_task=True),
    "share_all": Arm(_shared),
    "static_weights": Arm(_balanced),
    "random": Arm(_whole, sampler="random", must_share=True),
    "pretrain_finetune": Arm(_pretrained, per_task=True),
    "meta_learning": Arm(_meta_learned, per_task=True),
    **{name: Arm(each.pin) for name, each in ARCHITECTURES.items()},
}
ON_REQUEST = ("meta_learning", *ARCHITECTURES)
USUAL = tuple(
    name for name in ARMS if name not in ON_REQUEST
)  # the arms of a study that names none
