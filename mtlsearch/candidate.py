"""A candidate, the components it falls apart into, and their JSON spelling. Values only: nothing is trained here."""

import dataclasses
import hashlib
import json
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from mtlsearch.backbones import BACKBONES, Backbone
from mtlsearch.backbones.plugins import PLUGGED
from mtlsearch.initializations import INITIALIZATIONS, Initialization, Random
from mtlsearch.sharing import SHARINGS, NoSharing, Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import WEIGHTINGS, Fixed, Weighting

Precision = Literal["float32", "tf32", "bfloat16"]


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW (Loshchilov & Hutter 2019); gradients are scaled to a norm of at most `clip_norm` (0: never)."""

    learning_rate: Annotated[float, Field(gt=0.0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-5
    clip_norm: Annotated[float, Field(ge=0.0)] = 0.0


@dataclass(frozen=True)
class TrainingSettings:
    """How every candidate of a study trains: epochs at most, rows per step, epochs without improvement, and the precision.

    The search may train in a lower one; what the verdict and the export rest on is trained in `verdict_precision`.
    """

    epochs: Annotated[int, Field(ge=1)] = 60
    batch_size: Annotated[int, Field(ge=1)] = 64
    patience: Annotated[int, Field(ge=1)] = 10
    precision: Precision = "float32"
    verdict_precision: Precision = "float32"

    def for_verdict(self) -> "TrainingSettings":
        """The schedule of the confirmation and of the exported model."""
        return dataclasses.replace(self, precision=self.verdict_precision)


SETTING_GROUPS: dict[str, Mapping[str, type[Any]]] = {
    "backbone": ChainMap(BACKBONES, PLUGGED),
    "sharing": SHARINGS,
    "weighting": WEIGHTINGS,
    "optimizer": {"adamw": OptimizerSettings},
    "initialization": INITIALIZATIONS,
}


@dataclass(frozen=True)
class Candidate:
    """A tree over tasks 0..T-1 and the settings it is trained with. Hashable; equal when it trains the same."""

    tree: SharingTree
    backbone: Backbone
    sharing: Sharing = field(default_factory=NoSharing)
    weighting: Weighting = field(default_factory=Fixed)
    optimizer: OptimizerSettings = OptimizerSettings()
    initialization: Initialization = field(default_factory=Random)

    @property
    def key(self) -> str:
        """A short digest of the canonical spelling: equal for equal candidates, stable across processes."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def shares(self) -> bool:
        """True when at least two tasks share a stage or are softly tied; a start that was learned from others is no sharing."""
        return self.tree.tasks > 1 and (bool(self.tied) or not self.tree.is_separate)

    @property
    def tied(self) -> tuple[int, ...]:
        """The levels, numbered from 0, on which there are several branches and these are softly tied to each other."""
        return tuple(
            level
            for level in self.sharing.levels(self.tree.depth)
            if len(self.tree.levels[level]) > 1
        )

    def named(self, part: str) -> str:
        """What it has of a part, by the name in the part's table."""
        return name_of(part, getattr(self, part))

    @property
    def experts(self) -> tuple[int, ...]:
        """How many branches that no task owns each level has: from where the tasks part to the last level that is tied."""
        parted = (
            len(nodes) > 1 and level <= max(self.tied, default=-1)
            for level, nodes in enumerate(self.tree.levels)
        )
        return tuple(self.sharing.experts if has else 0 for has in parted)

    def composition(self) -> "Composition":
        """The groups of tasks that influence each other, each with its own part of the tree and settings."""
        if self.tied:
            groups: Sequence[tuple[int, ...]] = (tuple(range(self.tree.tasks)),)
        else:
            groups = self.tree.components
        return Composition(tuple(Component(group, self._restrict(group)) for group in groups))

    def _restrict(self, tasks: Sequence[int]) -> "Candidate":
        return dataclasses.replace(
            self, tree=self.tree.restrict(tasks), weighting=_restrict(self.weighting, tasks)
        )

    def to_json(self) -> dict[str, Any]:
        """`{"tree": [...], "backbone": {"name": ..., fields}, ...}`."""
        parts = {
            part: {"name": self.named(part), **dataclasses.asdict(getattr(self, part))}
            for part in SETTING_GROUPS
        }
        return {"tree": self.tree.to_json(), **parts}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Candidate":
        """Inverse of `to_json`. Raises KeyError for an unknown name, pydantic's ValidationError for a bad field."""
        parts = {part: _part_from_json(part, value[part]) for part in SETTING_GROUPS}
        return cls(tree=SharingTree.from_json(value["tree"]), **parts)


@dataclass(frozen=True)
class Component:
    """Tasks (numbers within the dataset) that share something, and the candidate restricted to them.

    `candidate.tree` numbers the tasks 0..len(tasks)-1. Components influence each other in nothing, so a model may be
    composed of components of different candidates.
    """

    tasks: tuple[int, ...]
    candidate: Candidate

    def to_json(self) -> dict[str, Any]:
        """`{"tasks": [...], "candidate": {...}}`."""
        return {"tasks": list(self.tasks), "candidate": self.candidate.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Component":
        """Inverse of `to_json`."""
        return cls(tuple(value["tasks"]), Candidate.from_json(value["candidate"]))


@dataclass(frozen=True)
class Composition:
    """Components that together hold every task of a dataset once, in the order of their tasks: a model to train.

    A candidate falls apart into one; single-task learning may put one together from several candidates.
    """

    components: tuple[Component, ...]

    def __post_init__(self) -> None:
        """Bring the components into the order in which compositions are always spelled."""
        ordered = sorted(self.components, key=lambda component: component.tasks)
        object.__setattr__(self, "components", tuple(ordered))

    def __iter__(self) -> Iterator[Component]:
        """The components."""
        return iter(self.components)

    def __len__(self) -> int:
        """The number of components."""
        return len(self.components)

    @property
    def shares(self) -> bool:
        """True when at least two tasks influence each other."""
        return any(len(component.tasks) > 1 for component in self.components)

    def component_of(self, task: int) -> Component:
        """The component that holds a task."""
        return next(component for component in self.components if task in component.tasks)

    def groups(self, names: Sequence[str]) -> list[list[str]]:
        """The names of each component's tasks."""
        return [[names[task] for task in component.tasks] for component in self.components]

    def spell(self, names: Sequence[str]) -> str:
        """The components' trees as one line, separated by ` ; `."""
        trees = []
        for component in self.components:
            own_names = [names[task] for task in component.tasks]
            trees.append(component.candidate.tree.spell(own_names))
        return " ; ".join(trees)

    def to_json(self) -> list[dict[str, Any]]:
        """The components as JSON."""
        return [component.to_json() for component in self.components]

    @classmethod
    def from_json(cls, value: Sequence[Mapping[str, Any]]) -> "Composition":
        """Inverse of `to_json`."""
        return cls(tuple(Component.from_json(component) for component in value))


def name_of(part: str, settings: Any) -> str:
    """The name of such settings in the part's table."""
    return next(name for name, kind in SETTING_GROUPS[part].items() if type(settings) is kind)


def _restrict(settings: Any, tasks: Sequence[int]) -> Any:
    per_task = [
        f.name
        for f in dataclasses.fields(settings)
        if f.metadata.get("per") == "task" and getattr(settings, f.name)
    ]
    return dataclasses.replace(
        settings,
        **{name: tuple(getattr(settings, name)[task] for task in tasks) for name in per_task},
    )


def _part_from_json(part: str, value: Mapping[str, Any]) -> Any:
    fields = {key: entry for key, entry in value.items() if key != "name"}
    return _adapter(SETTING_GROUPS[part][value["name"]]).validate_python(fields)  # type: ignore[arg-type]


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
