"""The methods that a setting group may take, each with what its settings may be."""

from collections.abc import Iterator
from dataclasses import Field, dataclass, fields
from typing import Any, get_type_hints

from optuna.trial import BaseTrial

from mtlsearch.backbones import BACKBONES
from mtlsearch.backbones.numbers import NUMBERS
from mtlsearch.candidate import SETTING_GROUPS, current_name
from mtlsearch.errors import SpaceError, unknown
from mtlsearch.initializations import INITIALIZATIONS
from mtlsearch.sharing import SHARINGS
from mtlsearch.space.grammar import PerTask, Spec, parse_per_task, parse_spec
from mtlsearch.space.node import Node, repeated
from mtlsearch.weightings import WEIGHTINGS

# What a group takes where a space does not say: the first method of its table.
DEFAULTS = {
    "backbone": next(iter(BACKBONES)),
    "sharing": next(iter(SHARINGS)),
    "weighting": next(iter(WEIGHTINGS)),
    "optimizer": next(iter(SETTING_GROUPS["optimizer"])),
    "initialization": next(iter(INITIALIZATIONS)),
    "numbers": next(iter(NUMBERS)),
}

NamedSpec = tuple[str, Spec | PerTask]  # the name of a setting and what it may be


@dataclass(frozen=True)
class Option:
    """A method that a setting group may take.

    Attributes:
        name: The method's name in the group's table.
        kind: The class of its settings.
        prefix: What the names of its parameters in a study begin with.
        specs: What each setting may be.
    """

    name: str
    kind: type[Any]
    prefix: str
    specs: tuple[NamedSpec, ...]

    def sample(self, trial: BaseTrial) -> Any:
        """Settings of the method; the trial is asked for what varies, as `prefix.setting`."""
        settings = {}
        for key, spec in self.specs:
            name = f"{self.prefix}.{key}"
            settings[key] = spec.suggest(trial, name)
        return self.kind(**settings)

    def contains(self, settings: Any) -> bool:
        """Whether `sample` could give these settings."""
        if type(settings) is not self.kind:
            return False
        return all(spec.contains(getattr(settings, key)) for key, spec in self.specs)

    def examples(self) -> Iterator[dict[str, Any]]:
        """Settings in which every choice, and every end of a range, comes up once.

        Settings that are per task are left out.
        """
        first = {}
        others = []
        for key, spec in self.specs:
            if isinstance(spec, PerTask):
                continue
            first[key], *rest = spec.values
            others += [(key, value) for value in rest]
        yield first
        for key, value in others:
            yield {**first, key: value}

    def to_mapping(self) -> dict[str, Any]:
        """`{"name": ..., setting: spec}`."""
        settings = {key: spec.to_mapping() for key, spec in self.specs}
        return {"name": self.name, **settings}


def parse_options(
    group: str,
    section: Node,
    tasks: int,
) -> tuple[Option, ...]:
    """Read a section of a space: one method, or `{choice: [...]}` of several.

    Args:
        group: The name of the setting group.
        section: What the file says of it.
        tasks: The number of tasks.

    Raises:
        SpaceError: A method or a setting is unknown, or not as it should be.
    """
    has_choice = isinstance(section.value, dict) and "choice" in section.value
    if not has_choice:
        option = _parse_option(group, section, group, tasks)
        return (option,)
    section.check_mapping(["choice"])
    listed = section.child("choice")
    entries = [Node(entry.value, section.where) for entry in listed.entries()]
    options = []
    for entry in entries:
        prefix = group
        if len(entries) > 1:
            prefix = f"{group}.{_method_name(group, entry)}"
        option = _parse_option(group, entry, prefix, tasks)
        options.append(option)
    twice = repeated([option.name for option in options])
    if twice:
        raise SpaceError(f'{listed.where}: "{twice[0]}" is given twice')
    return tuple(options)


def _parse_option(
    group: str,
    entry: Node,
    prefix: str,
    tasks: int,
) -> Option:
    name = _method_name(group, entry)
    kind = SETTING_GROUPS[group][name]
    settings = fields(kind)
    names = [setting.name for setting in settings]
    entry.check_mapping(["name", *names])
    types = get_type_hints(kind, include_extras=True)
    defaults = kind()
    specs: list[NamedSpec] = []
    for setting in settings:
        key = setting.name
        default = getattr(defaults, key)
        node = entry.child(key, default)
        spec: Spec | PerTask
        if _is_per_task(setting):
            spec = parse_per_task(node, types[key], tasks)
        else:
            spec = parse_spec(node, types[key])
        specs.append((key, spec))
    return Option(name, kind, prefix, tuple(specs))


def _method_name(group: str, entry: Node) -> str:
    """The canonical name of the method that an entry names."""
    entry.check_mapping()
    table = SETTING_GROUPS[group]
    default = DEFAULTS[group] if len(table) == 1 else "(missing)"
    node = entry.child("name", default)
    if isinstance(node.value, str):
        name = current_name(group, node.value)
        if name in table:
            return name
    raise SpaceError(unknown(node.where, node.value, table))


def _is_per_task(setting: Field[Any]) -> bool:
    return setting.metadata.get("per") == "task"
