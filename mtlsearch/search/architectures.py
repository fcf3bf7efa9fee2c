"""The table of known architectures: the tree and the ties of each as its paper has them, and what its arm searches of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mtlsearch.candidate import name_of
from mtlsearch.sharing import Attention, CrossStitch, Gate, Sharing, Sluice
from mtlsearch.space import SearchSpace
from mtlsearch.structure.tree import SharingTree


@dataclass(frozen=True)
class Architecture:
    """Every task has a branch of its own from the inputs on. `sharing` gives the ties for a depth; `searched` are settings
    of these that an arm varies, as a space spells them.
    """

    sharing: Callable[[int], Sharing]
    searched: Mapping[str, Any]

    def pin(self, space: SearchSpace) -> SearchSpace:
        """The space with this architecture; backbone, weighting, optimizer and start vary as before."""
        depth = space.tree.levels
        ties = self.sharing(depth)
        sharing = {"name": name_of("sharing", ties), **vars(ties), **self.searched}
        varied = SearchSpace.from_mapping({**space.to_mapping(), "sharing": sharing}, space.tasks)
        return varied.pinned(tree=SharingTree.separate(space.tasks, depth))


def _below_towers(depth: int) -> int:
    """The last level that is mixed where each task has a tower above."""
    return max(1, depth - 1)


def _mmoe(depth: int) -> Sharing:
    return Gate(
        strength=1.0, first_level=_below_towers(depth), last_level=_below_towers(depth), experts=2
    )


def _ple(depth: int) -> Sharing:
    return Gate(strength=1.0, last_level=_below_towers(depth), experts=1, private=True)


def _mtan(depth: int) -> Sharing:
    return Attention(experts=1, private=True)


EXPERTS = {"choice": [1, 2, 4]}

ARCHITECTURES: dict[str, Architecture] = {
    # cross-stitch networks (Misra et al. 2016): all levels, each task keeping 0.9 of two at the start
    "cross_stitch": Architecture(
        lambda depth: CrossStitch(strength=0.2), {"strength": {"range": [0.05, 0.5]}}
    ),
    # sluice networks (Ruder et al. 2019): the same between halves of the features
    "sluice": Architecture(
        lambda depth: Sluice(strength=0.2), {"strength": {"range": [0.05, 0.5]}}
    ),
    # attention network (Liu et al. 2019): each task attends to a trunk that no task owns
    "mtan": Architecture(_mtan, {"strength": {"range": [0.1, 1.0]}}),
    # multi-gate mixture of experts (Ma et al. 2018): mixed once, below the towers; each task's branch is one of the experts
    "mmoe": Architecture(_mmoe, {"experts": EXPERTS}),
    # progressive layered extraction (Tang et al. 2020, RecSys, 10.1145/3383313.3412236): mixed on each level below the towers
    "ple": Architecture(_ple, {"experts": EXPERTS}),
}
