"""What may vary for a number of tasks, and how a candidate is drawn from it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from optuna.trial import BaseTrial
from pydantic import Field

from mtlsearch.backbones.plugin_lists import load_plugins
from mtlsearch.backbones.plugins import Plugin
from mtlsearch.candidate import SETTING_GROUPS, Candidate, TrainingSettings
from mtlsearch.errors import SpaceError, unknown
from mtlsearch.space.node import Node, as_text
from mtlsearch.space.option import DEFAULTS, Option, parse_options
from mtlsearch.structure.tree import SharingTree

COSTS = ("none", "parameters", "macs")
FOR_CONCLUSIONS = "for_conclusions"
SECTIONS = ("tree", *SETTING_GROUPS, "training", "cost", "sampler", "plugins", FOR_CONCLUSIONS)


@dataclass(frozen=True)
class TreeLimits:
    """The size of the sharing trees.

    Attributes:
        levels: The number of levels.
        max_branches: The number of branches at most; None: as many as there are tasks.
    """

    levels: Annotated[int, Field(ge=1, le=64)] = 4
    max_branches: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True)
class SearchSpace:
    """What may vary for a number of tasks.

    Attributes:
        tasks: The number of tasks, T.
        tree: The size of the sharing trees.
        options: The methods that each setting group may take.
        training: How all candidates train.
        cost: The cost that is an objective beside the tasks; "none": none.
        fixed: What does not vary although it could: settings by their group, and the tree.
        plugins: The modules that backbones were loaded from.
        for_conclusions: Whether a study of the space may claim anything; False for a first look.
        sampler: The name of the sampler of studies that name none; None: it says nothing.
    """

    tasks: int
    tree: TreeLimits
    options: Mapping[str, tuple[Option, ...]]
    training: TrainingSettings
    cost: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    plugins: tuple[Plugin, ...] = ()
    for_conclusions: bool = True
    sampler: str | None = None

    @classmethod
    def from_mapping(
        cls,
        mapping: Any,
        tasks: int,
        where: str = "space",
        folders: Sequence[Path] = (),
    ) -> "SearchSpace":
        """Read a space from what YAML gives, and load its plugins.

        Args:
            mapping: What YAML gives.
            tasks: The number of tasks.
            where: What an error begins with, such as the name of the file.
            folders: Where plugins are looked for before the working directory.

        Raises:
            SpaceError: It is not in the grammar.
            StudyError: A plugin is no longer what it was.
            ValueError: There are no tasks.
        """
        if tasks < 1:
            raise ValueError(f"a search space needs at least one task, found {tasks}")
        root = Node(mapping, where, separator=": ")
        root.check_mapping(SECTIONS)
        cost = root.child("cost", "none")
        if cost.value not in COSTS:
            raise SpaceError(unknown(cost.where, cost.value, COSTS))
        plugins = load_plugins(
            root.child("plugins", []).value,
            root.child("backbone").value,
            [*folders, Path.cwd()],
            where,
        )
        options = {}
        for group, default in DEFAULTS.items():
            section = root.child(group, {"name": default})
            options[group] = parse_options(group, section, tasks)
        tree = root.child("tree", {})
        training = root.child("training", {})
        return cls(
            tasks=tasks,
            tree=tree.checked_fields(TreeLimits),
            options=options,
            training=_training_settings(training),
            cost=cost.value,
            plugins=plugins,
            for_conclusions=root.child(FOR_CONCLUSIONS, True).checked(bool),
            sampler=root.child("sampler").checked(str | None),
        )

    def to_mapping(self) -> dict[str, Any]:
        """The space as YAML spells it, with all defaults, as JSON can hold it.

        The inverse of `from_mapping`, but for what is fixed, which is left out.
        """
        sections: dict[str, Any] = {}
        for group, options in self.options.items():
            entries = [option.to_mapping() for option in options]
            sections[group] = entries[0]
            if len(entries) > 1:
                sections[group] = {"choice": entries}
        mapping = {
            "tree": asdict(self.tree),
            **sections,
            "training": asdict(self.training),
            "cost": self.cost,
        }
        if self.sampler is not None:
            mapping["sampler"] = self.sampler
        if self.plugins:
            mapping["plugins"] = [plugin.to_mapping() for plugin in self.plugins]
        if not self.for_conclusions:
            mapping[FOR_CONCLUSIONS] = False
        return mapping

    def with_fixed(
        self,
        tree: SharingTree | None = None,
        **settings: Any,
    ) -> "SearchSpace":
        """A copy in which the tree and the settings of these groups do not vary.

        Raises:
            ValueError: The tree is of another size, or settings are not of their group.
        """
        fixed = dict(self.fixed)
        if tree is not None:
            self._check_size(tree)
            fixed["tree"] = tree
        for group, value in settings.items():
            kinds = SETTING_GROUPS.get(group, {})
            if type(value) not in kinds.values():
                raise ValueError(f"{value!r} is no {group}")
            fixed[group] = value
        return replace(self, fixed=fixed)

    def _check_size(self, tree: SharingTree) -> None:
        levels = self.tree.levels
        if tree.tasks != self.tasks or tree.depth != levels:
            raise ValueError(f"the fixed tree must hold {self.tasks} tasks on {levels} levels")

    def sample(self, trial: BaseTrial) -> Candidate:
        """Draw a candidate.

        The trial is asked only for what varies and belongs to the methods that were drawn.
        """
        parts = dict(self.fixed)
        if "tree" not in parts:
            parts["tree"] = self._sample_tree(trial)
        for group, options in self.options.items():
            if group in parts:
                continue
            option = _sample_option(trial, group, options)
            parts[group] = option.sample(trial)
        return Candidate(**parts)

    def _sample_tree(self, trial: BaseTrial) -> SharingTree:
        levels = self.tree.levels
        later_tasks = range(1, self.tasks)
        hosts = [trial.suggest_int(f"host_{task}", 0, task - 1) for task in later_tasks]
        splits = [trial.suggest_int(f"split_{task}", 0, levels) for task in later_tasks]
        return SharingTree.decode(hosts, splits, levels, self.tree.max_branches)

    def contains(self, candidate: Candidate) -> bool:
        """Whether `sample` could give this candidate.

        What is fixed must be as it is fixed, and of the rest each setting what it may be.
        """
        if not self._contains_tree(candidate.tree):
            return False
        for group, options in self.options.items():
            settings = getattr(candidate, group)
            if group in self.fixed:
                fits = settings == self.fixed[group]
            else:
                fits = any(option.contains(settings) for option in options)
            if not fits:
                return False
        return True

    def _contains_tree(self, tree: SharingTree) -> bool:
        if "tree" in self.fixed:
            return bool(tree == self.fixed["tree"])
        if tree.tasks != self.tasks or tree.depth != self.tree.levels:
            return False
        limit = self.tree.max_branches
        return limit is None or len(tree.levels[-1]) <= limit

    def parameters(self) -> list[tuple[str, str]]:
        """Every setting with what it may be, for people, spelled as in the file."""
        rows = []
        for part, value in self.fixed.items():
            rows.append((part, f"fixed: {value}"))
        if "tree" not in self.fixed:
            rows += _rows("tree", asdict(self.tree))
        for group, options in self.options.items():
            if group in self.fixed:
                continue
            for option in options:
                rows += _rows(option.prefix, option.to_mapping())
        rows += _rows("training", asdict(self.training))
        rows.append(("cost", self.cost))
        if self.sampler is not None:
            rows.append(("sampler", self.sampler))
        for plugin in self.plugins:
            rows.append(("plugin", plugin.file or plugin.module))
        if not self.for_conclusions:
            rows.append((FOR_CONCLUSIONS, "false"))
        return rows


def _training_settings(section: Node) -> TrainingSettings:
    """The settings of a section of a space. Raises SpaceError."""
    section.check_mapping()
    batch_size = section.child("batch_size")
    if isinstance(batch_size.value, dict):
        raise batch_size.error("here it does not vary; it may as optimizer.batch_size")
    training: TrainingSettings = section.checked_fields(TrainingSettings)
    return training


def _sample_option(
    trial: BaseTrial,
    group: str,
    options: Sequence[Option],
) -> Option:
    """Ask the trial for one of several methods."""
    if len(options) == 1:
        return options[0]
    names = [option.name for option in options]
    name = trial.suggest_categorical(group, names)
    return options[names.index(name)]


def _rows(prefix: str, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The settings for people: `prefix.setting` and what it may be, without quotes."""
    rows = []
    for key, spec in settings.items():
        text = as_text(spec).replace('"', "")
        rows.append((f"{prefix}.{key}", text))
    return rows
