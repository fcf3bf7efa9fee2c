"""The table of known architectures: the tree and the soft sharing that each has in its paper.

To add one: one entry here; it becomes an arm.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtlsearch.sharing import Sharing
    from mtlsearch.space import SearchSpace


@dataclass(frozen=True)
class Architecture:
    """A network in which every task has a branch of its own from the inputs on.

    Attributes:
        sharing: Gives the soft sharing between the branches for a number of levels.
        searched: The settings of the soft sharing that the arm varies, as a space spells them.
    """

    sharing: "Callable[[int], Sharing]"
    searched: Mapping[str, Any]

    def restrict(self, space: "SearchSpace") -> "SearchSpace":
        """The space with this architecture.

        Backbone, weighting, optimizer and initialization vary as before.
        """
        from mtlsearch.candidate import setting_name
        from mtlsearch.space import SearchSpace
        from mtlsearch.structure.tree import SharingTree

        depth = space.tree.levels
        fixed = self.sharing(depth)
        mapping = space.to_mapping()
        mapping["sharing"] = {
            "name": setting_name("sharing", fixed),
            **vars(fixed),
            **self.searched,
        }
        varied = SearchSpace.from_mapping(mapping, space.tasks)
        tree = SharingTree.separate(space.tasks, depth)
        return varied.with_fixed(tree=tree)


def _below_towers(depth: int) -> int:
    """The last level that is mixed where each task has a tower above."""
    return max(1, depth - 1)


def _cross_stitch(depth: int) -> "Sharing":
    from mtlsearch.sharing import CrossStitch

    return CrossStitch(strength=0.2)


def _sluice(depth: int) -> "Sharing":
    from mtlsearch.sharing import Sluice

    return Sluice(strength=0.2)


def _mtan(depth: int) -> "Sharing":
    from mtlsearch.sharing import Attention

    return Attention(experts=1, private=True)


def _mmoe(depth: int) -> "Sharing":
    from mtlsearch.sharing import Gate

    level = _below_towers(depth)
    return Gate(
        strength=1.0,
        first_level=level,
        last_level=level,
        experts=2,
    )


def _ple(depth: int) -> "Sharing":
    from mtlsearch.sharing import Gate

    return Gate(
        strength=1.0,
        last_level=_below_towers(depth),
        experts=1,
        private=True,
    )


STITCHES = {"range": [0.05, 0.5]}
EXPERTS = {"choice": [1, 2, 4]}

ARCHITECTURES: dict[str, Architecture] = {
    # Cross-stitch networks (Misra et al. 2016, CVPR, arXiv:1604.03539): all levels are mixed; each
    # of two tasks begins with 0.9 of its own features.
    "cross_stitch": Architecture(_cross_stitch, {"strength": STITCHES}),
    # Sluice networks (Ruder et al. 2019, AAAI, arXiv:1705.08142): the same between halves of the
    # features.
    "sluice": Architecture(_sluice, {"strength": STITCHES}),
    # Multi-task attention network (Liu et al. 2019, CVPR, arXiv:1803.10704): each task attends to a
    # trunk that no task owns.
    "mtan": Architecture(_mtan, {"strength": {"range": [0.1, 1.0]}}),
    # Multi-gate mixture of experts (Ma et al. 2018, KDD, 10.1145/3219819.3220007): mixed once,
    # below the towers; each task's branch is one of the experts.
    "mmoe": Architecture(_mmoe, {"experts": EXPERTS}),
    # Progressive layered extraction (Tang et al. 2020, RecSys, 10.1145/3383313.3412236): mixed on
    # each level below the towers.
    "ple": Architecture(_ple, {"experts": EXPERTS}),
}
