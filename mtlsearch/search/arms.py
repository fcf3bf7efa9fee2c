"""The table of arms: the search and the controls it is compared with, each with the same budget.

To add an arm: one entry here. No other room spells an arm's name. What makes networks is imported
where an arm needs it, so that a name can be checked at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtlsearch.search.architectures import ARCHITECTURES

if TYPE_CHECKING:
    from mtlsearch.space import SearchSpace

# shares of the fine-tuning during which only the heads move
FROZEN_SHARES = {"choice": [0.0, 0.25, 0.5]}
BEST_STRUCTURE = "the best sharing structure found"
ONE_TRUNK = "all on one trunk"


@dataclass(frozen=True)
class Arm:
    """One search over one space, of which some settings may be fixed.

    Attributes:
        restrict: Gives the space that the arm searches, from the study's.
        phrase: What the arm's model is called in a sentence.
        sampler: The name of the sampler, where it is not the study's.
        per_task: Whether every task may take its component from another candidate, which is
            possible where the tasks share nothing.
        must_share: Whether only candidates that share are picked.
        tries_trees: Whether the arm tries many trees, so that it tells which tasks help each other.
        is_baseline: Whether the other arms are compared with this one.
        is_pretraining_control: Whether the arm tells what pretraining does without sharing.
        on_request: Whether only a study that names the arm has it.
    """

    restrict: "Callable[[SearchSpace], SearchSpace]"
    phrase: str
    sampler: str | None = None
    per_task: bool = False
    must_share: bool = False
    tries_trees: bool = False
    is_baseline: bool = False
    is_pretraining_control: bool = False
    on_request: bool = False

    @property
    def shares(self) -> bool:
        """Whether the arm's model may stand for sharing in the verdict."""
        return not self.per_task

    @property
    def stands_alone(self) -> bool:
        """Whether the arm picks by its own trainings alone, as it is a control of the sampler."""
        return self.sampler is not None


def _whole(space: "SearchSpace") -> "SearchSpace":
    return space


def _separate(space: "SearchSpace") -> "SearchSpace":
    from mtlsearch.sharing import NoSharing
    from mtlsearch.structure.tree import SharingTree
    from mtlsearch.weightings import Fixed

    tree = SharingTree.separate(space.tasks, space.tree.levels)
    return space.with_fixed(
        tree=tree,
        sharing=NoSharing(),
        weighting=Fixed(),
    )


def _from_scratch(space: "SearchSpace") -> "SearchSpace":
    """What gains are measured against knows nothing of other tasks."""
    from mtlsearch.initializations import Random

    return _separate(space).with_fixed(initialization=Random())


def _shared(space: "SearchSpace") -> "SearchSpace":
    from mtlsearch.sharing import NoSharing
    from mtlsearch.structure.tree import SharingTree

    tree = SharingTree.shared(space.tasks, space.tree.levels)
    return space.with_fixed(tree=tree, sharing=NoSharing())


def _balanced(space: "SearchSpace") -> "SearchSpace":
    weighting = {
        "name": "fixed",
        "weights": {"log": [0.1, 10]},
    }
    weighted = _with(space, "weighting", weighting)
    return _shared(weighted)


def _pretrained(space: "SearchSpace") -> "SearchSpace":
    initialization = {
        "name": "pretrained",
        "tasks": "others",
        "pretraining": 0.5,
        "frozen": FROZEN_SHARES,
    }
    pretrained = _with(space, "initialization", initialization)
    return _separate(pretrained)


def _meta_learned(space: "SearchSpace") -> "SearchSpace":
    initialization = {
        "name": "reptile",
        "pretraining": {"choice": [0.25, 0.5]},
        "inner_steps": {"log": [1, 32]},
        "step_size": {"range": [0.1, 1.0]},
        "frozen": FROZEN_SHARES,
    }
    meta_learned = _with(space, "initialization", initialization)
    return _separate(meta_learned)


def _with(space: "SearchSpace", group: str, settings: Mapping[str, Any]) -> "SearchSpace":
    """The space with other settings of one group, spelled as in its file."""
    from mtlsearch.space import SearchSpace

    mapping = space.to_mapping()
    mapping[group] = settings
    return SearchSpace.from_mapping(mapping, space.tasks)


def _best_of(arm: str) -> str:
    return f"the best {arm} model"


ARMS: dict[str, Arm] = {
    "searched": Arm(
        _whole,
        BEST_STRUCTURE,
        must_share=True,
        tries_trees=True,
    ),
    "single_task": Arm(
        _from_scratch,
        _best_of("single_task"),
        per_task=True,
        is_baseline=True,
    ),
    "share_all": Arm(_shared, ONE_TRUNK),
    "static_weights": Arm(_balanced, ONE_TRUNK),
    "random": Arm(
        _whole,
        BEST_STRUCTURE,
        sampler="random",
        must_share=True,
        tries_trees=True,
    ),
    "pretrain_finetune": Arm(
        _pretrained,
        _best_of("pretrain_finetune"),
        per_task=True,
        is_pretraining_control=True,
    ),
    "meta_learning": Arm(
        _meta_learned,
        _best_of("meta_learning"),
        per_task=True,
        on_request=True,
    ),
}
for _name, _architecture in ARCHITECTURES.items():
    ARMS[_name] = Arm(_architecture.restrict, _best_of(_name), on_request=True)

USUAL = tuple(name for name, arm in ARMS.items() if not arm.on_request)
BASELINE = next(name for name, arm in ARMS.items() if arm.is_baseline)
PRETRAINING_CONTROL = next(name for name, arm in ARMS.items() if arm.is_pretraining_control)
SEARCH = next(iter(ARMS))  # the search itself, which the others are the controls of
DRY_RUN = ("share_all", BASELINE)  # trained by a dry run: the largest and the smallest models
