"""A candidate, the components it falls apart into, and their JSON spelling.

Values only: nothing is trained here.
"""

import dataclasses
import hashlib
import json
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from mtlsearch.backbones import BACKBONES, Backbone
from mtlsearch.backbones.numbers import NUMBERS, Numbers, Plain
from mtlsearch.backbones.plugins import PLUGGED
from mtlsearch.initializations import INITIALIZATIONS, Initialization, Random
from mtlsearch.sharing import ALIASES as SHARING_ALIASES
from mtlsearch.sharing import SHARINGS, NoSharing, Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.structure.wiring import Wiring
from mtlsearch.weightings import WEIGHTINGS, Fixed, Weighting

ClassWeight = Literal["none", "balanced"]
RowSampling = Literal["none", "balanced"]
Precision = Literal["float32", "tf32", "bfloat16"]
RateSchedule = Literal["constant", "cosine"]
StopOn = Literal["loss", "metric"]
BatchSize = Annotated[int, Field(ge=1)] | Literal["auto"]  # "auto" goes by the training rows
SearchRows = Annotated[int, Field(ge=1)] | Literal["auto", "all"]


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW (Loshchilov & Hutter 2019), how rows count in what it minimises, and which it reads.

    Gradients are scaled to a norm of at most `clip_norm`; with 0 they are not. With `class_weight`
    balanced all classes of a task count alike, with a `focal` above 0 rows count less the better
    they are known (Lin et al. 2017). Tasks of numbers are left as they are.

    With `sampling` balanced an epoch reads rows of rare classes more often, and the others less.
    With a `sampling_temperature` above 1 it reads those of tasks with few labels more often.

    With a `label_smoothing` above 0 that share of a label's weight in the loss goes to all classes
    alike (Szegedy et al. 2016, arXiv:1512.00567). What early stopping looks at is not smoothed.

    The learning rate rises linearly in the share `warm_up` of all steps, and with the `schedule`
    cosine falls to 0 over the others (Loshchilov & Hutter 2017, arXiv:1608.03983). A `batch_size`
    of None is that of the study's training.
    """

    learning_rate: Annotated[float, Field(gt=0.0, le=10.0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-5
    clip_norm: Annotated[float, Field(ge=0.0)] = 0.0
    class_weight: ClassWeight = "none"
    focal: Annotated[float, Field(ge=0.0)] = 0.0
    sampling: RowSampling = "none"
    sampling_temperature: Annotated[float, Field(ge=1.0)] = 1.0
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    schedule: RateSchedule = "constant"
    warm_up: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    batch_size: BatchSize | None = None

    @property
    def emphasises(self) -> bool:
        """Whether some rows of a classification task count more than others."""
        return self.class_weight != "none" or self.focal > 0

    @property
    def samples(self) -> bool:
        """Whether an epoch reads some rows more often than others."""
        return self.sampling != "none" or self.sampling_temperature > 1


@dataclass(frozen=True)
class TrainingSettings:
    """The schedule that every candidate of a study trains by.

    It has the epochs at most, the rows per step, the epochs without improvement, and the precision.
    The search may train in a lower one; what the verdict and the export rest on is trained in
    `verdict_precision`.

    The best epoch is that of the least validation loss, or of the best metrics (`stop_on`). A
    trained model has the mean of its weights after so many epochs, the best ones, or all where it
    has fewer (Izmailov et al. 2018 average the last ones). With 1 it is that of the best epoch.

    The search reads `rows` training rows of each source at most. A study is made with a number or
    with all of them in the place of auto; where that still stands, all are read.
    """

    epochs: Annotated[int, Field(ge=1)] = 60
    batch_size: BatchSize = 64
    patience: Annotated[int, Field(ge=1)] = 10
    precision: Precision = "float32"
    verdict_precision: Precision = "float32"
    averaged_epochs: Annotated[int, Field(ge=1)] = 1
    stop_on: StopOn = "loss"
    rows: SearchRows = "auto"

    @property
    def search_rows(self) -> int | None:
        """The training rows of a source that the search reads at most; None: all of them."""
        return self.rows if isinstance(self.rows, int) else None

    def for_verdict(self) -> "TrainingSettings":
        """The schedule of the confirmation and of the exported model."""
        return dataclasses.replace(self, precision=self.verdict_precision)

    def for_optimizer(self, optimizer: OptimizerSettings) -> "TrainingSettings":
        """The schedule of networks with an optimizer, which may have a batch size of its own."""
        if optimizer.batch_size is None:
            return self
        return dataclasses.replace(self, batch_size=optimizer.batch_size)


# The groups of settings of a candidate, which are its fields, and the methods of each by name.
SETTING_GROUPS: dict[str, Mapping[str, type[Any]]] = {
    "backbone": ChainMap(BACKBONES, PLUGGED),
    "sharing": SHARINGS,
    "weighting": WEIGHTINGS,
    "optimizer": {"adamw": OptimizerSettings},
    "initialization": INITIALIZATIONS,
    "numbers": NUMBERS,
}
# Groups that stored candidates of earlier versions lack.
LATER_GROUPS = ("numbers",)
# Former names in the tables, which spaces and stored candidates may use.
ALIASES: dict[str, Mapping[str, str]] = {"sharing": SHARING_ALIASES}


@dataclass(frozen=True)
class Candidate:
    """A tree over tasks 0..T-1 and the settings it is trained with.

    Hashable; equal when it trains the same.
    """

    tree: SharingTree
    backbone: Backbone
    sharing: Sharing = field(default_factory=NoSharing)
    weighting: Weighting = field(default_factory=Fixed)
    optimizer: OptimizerSettings = OptimizerSettings()
    initialization: Initialization = field(default_factory=Random)
    numbers: Numbers = field(default_factory=Plain)

    @property
    def key(self) -> str:
        """A short digest, equal for equal candidates and stable across processes."""
        spelling = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(spelling.encode()).hexdigest()[:16]

    @property
    def shares(self) -> bool:
        """True when at least two tasks share a stage or are tied by soft sharing.

        An initialization that was learned from other tasks is no sharing.
        """
        if self.tree.tasks == 1:
            return False
        return bool(self.soft_shared_levels) or not self.tree.is_separate

    @property
    def soft_shared_levels(self) -> tuple[int, ...]:
        """The levels, numbered from 0, on which soft sharing ties several branches."""
        levels = self.sharing.levels(self.tree.depth)
        nodes = self.tree.levels
        return tuple(level for level in levels if len(nodes[level]) > 1)

    @property
    def experts(self) -> tuple[int, ...]:
        """The number of branches that no task owns, level by level.

        Experts run from the level on which the tasks part to the last level with soft sharing.
        """
        last = max(self.soft_shared_levels, default=-1)
        experts = []
        for level, nodes in enumerate(self.tree.levels):
            has_experts = len(nodes) > 1 and level <= last
            experts.append(self.sharing.experts if has_experts else 0)
        return tuple(experts)

    def setting_name(self, group: str) -> str:
        """The name of its settings of a group, such as `mlp` for the group `backbone`."""
        return setting_name(group, getattr(self, group))

    @property
    def simplified(self) -> "Candidate":
        """The candidate without what changes nothing; it trains the same.

        That is a soft sharing that ties no branches, and the weight of a task that is alone.
        """
        sharing = self.sharing if self.soft_shared_levels else NoSharing()
        weighting = self.weighting
        if self.tree.tasks == 1 and isinstance(weighting, Fixed):
            weighting = Fixed()
        return dataclasses.replace(self, sharing=sharing, weighting=weighting)

    def composition(self) -> "Composition":
        """The groups of tasks that influence each other, each with its part of the tree."""
        return self._composition

    @cached_property
    def _composition(self) -> "Composition":
        groups: Sequence[tuple[int, ...]] = self.tree.components
        if self.soft_shared_levels:
            groups = [tuple(range(self.tree.tasks))]
        components = [Component(tasks, self._restrict(tasks)) for tasks in groups]
        return Composition(tuple(components))

    def _restrict(self, tasks: Sequence[int]) -> "Candidate":
        """The candidate of these tasks alone."""
        tree = self.tree.restrict(tasks)
        weighting = _restrict(self.weighting, tasks)
        return dataclasses.replace(self, tree=tree, weighting=weighting)

    def to_json(self) -> dict[str, Any]:
        """`{"tree": [...], "backbone": {"name": ..., fields}, ...}`."""
        value: dict[str, Any] = {"tree": self.tree.to_json()}
        for group in SETTING_GROUPS:
            fields = dataclasses.asdict(getattr(self, group))
            value[group] = {"name": self.setting_name(group), **fields}
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Candidate":
        """Inverse of `to_json`. What was stored before there were `numbers` has the default.

        Raises KeyError for an unknown name, pydantic's ValidationError for a bad field.
        """
        tree = SharingTree.from_json(value["tree"])
        groups = {}
        for group in SETTING_GROUPS:
            if group in value or group not in LATER_GROUPS:
                groups[group] = _settings_from_json(group, value[group])
        return cls(tree=tree, **groups)


@dataclass(frozen=True)
class Component:
    """Tasks, by the dataset's numbers, that share something; the candidate restricted to them.

    `candidate.tree` numbers the tasks 0..len(tasks)-1. Components influence each other in nothing,
    so a model may be composed of components of different candidates.
    """

    tasks: tuple[int, ...]
    candidate: Candidate

    def __hash__(self) -> int:
        """That of the fields, worked out once: a component of many tasks has a large tree."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.tasks, self.candidate))

    def __getstate__(self) -> dict[str, Any]:
        """Its fields: another process has other hashes."""
        return {"tasks": self.tasks, "candidate": self.candidate}

    def wiring(self, sources: Sequence[str]) -> Wiring:
        """The wiring of the component's network; `sources` are those of the dataset's tasks."""
        sharing = self.candidate.sharing
        levels = self.candidate.soft_shared_levels
        return Wiring(
            structure=self.candidate.tree,
            sources=tuple(sources[task] for task in self.tasks),
            experts=self.candidate.experts,
            mixed_levels=levels if sharing.mixes_activations else (),
            penalized_levels=levels if sharing.ties_weights else (),
            private=sharing.private,
        )

    def to_json(self) -> dict[str, Any]:
        """`{"tasks": [...], "candidate": {...}}`."""
        return {
            "tasks": list(self.tasks),
            "candidate": self.candidate.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Component":
        """Inverse of `to_json`."""
        candidate = Candidate.from_json(value["candidate"])
        return cls(tuple(value["tasks"]), candidate)


@dataclass(frozen=True)
class Composition:
    """Components that together hold every task of a dataset once: a model to train.

    They are in the order of their tasks. A candidate falls apart into one; single-task learning may
    put one together from several candidates.
    """

    components: tuple[Component, ...]

    def __post_init__(self) -> None:
        """Bring the components into the order of their tasks."""
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
        for component in self.components:
            if task in component.tasks:
                return component
        raise LookupError(f"no component holds task {task}")

    def groups(self, names: Sequence[str]) -> list[list[str]]:
        """The names of each component's tasks."""
        groups = []
        for component in self.components:
            groups.append([names[task] for task in component.tasks])
        return groups

    def spell(self, names: Sequence[str]) -> str:
        """The components' trees as one line, separated by ` ; `."""
        groups = zip(self.components, self.groups(names), strict=True)
        trees = [component.candidate.tree.spell(group) for component, group in groups]
        return " ; ".join(trees)

    def to_json(self) -> list[dict[str, Any]]:
        """The components as JSON."""
        return [component.to_json() for component in self.components]

    @classmethod
    def from_json(cls, value: Sequence[Mapping[str, Any]]) -> "Composition":
        """Inverse of `to_json`."""
        return cls(tuple(Component.from_json(component) for component in value))


def current_name(group: str, name: str) -> str:
    """Return the name that the group's table has for `name`, which may be a former one."""
    return ALIASES.get(group, {}).get(name, name)


def former_name(group: str, name: str) -> str:
    """Return the former name of what the group's table calls `name`, or `name` itself."""
    for former, current in ALIASES.get(group, {}).items():
        if current == name:
            return former
    return name


def setting_name(group: str, settings: Any) -> str:
    """The name of settings in the table of their group."""
    for name, kind in SETTING_GROUPS[group].items():
        if type(settings) is kind:
            return name
    raise LookupError(f"{type(settings).__name__} is not in the table of {group}")


def _restrict(
    settings: Any,
    tasks: Sequence[int],
) -> Any:
    """The settings, with the values of these tasks alone where they hold one per task."""
    changes = {}
    for setting in dataclasses.fields(settings):
        values = getattr(settings, setting.name)
        if setting.metadata.get("per") == "task" and values:
            changes[setting.name] = tuple(values[task] for task in tasks)
    return dataclasses.replace(settings, **changes)


def _settings_from_json(
    group: str,
    value: Mapping[str, Any],
) -> Any:
    kind = SETTING_GROUPS[group][current_name(group, value["name"])]
    fields = dict(value)
    del fields["name"]
    return _adapter(kind).validate_python(fields)  # type: ignore[arg-type]


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
