"""The plugins that a search space needs: those it lists, and those of backbones that it names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from mtlsearch.backbones.plugin_checks import check_backbone
from mtlsearch.backbones.plugins import PLUGGED, Plugin, taken_name
from mtlsearch.errors import SpaceError, StudyError, unknown

STORED_KEYS = {"module", "file", "digest"}
"""The keys of `Plugin.to_mapping`."""


class ClassName(NamedTuple):
    """A backbone that a space names `module:Class`."""

    module: str
    name: str


def load_plugins(
    listed: Any,
    backbone: Any,
    folders: Sequence[Path],
    where: str,
) -> tuple[Plugin, ...]:
    """Load the plugins of a space.

    Args:
        listed: What the space has under `plugins`: a list, of which an entry is the name of a
            module, or what `Plugin.to_mapping` gave.
        backbone: What it has under `backbone`, where names may be `module:Class`.
        folders: Where modules are looked for, besides those that are installed.
        where: What messages of errors begin with.

    Raises:
        SpaceError: Something cannot be used.
        StudyError: A module is no longer what it was.
    """
    entries = _entries(listed, where)
    named = _named_classes(backbone)
    modules: dict[str, Any] = {}
    for backbone_class in named:
        modules[backbone_class.module] = backbone_class.module
    modules |= entries

    plugins = []
    owners: dict[str, str] = {}
    for name, entry in modules.items():
        place = f"{where}: plugins" if name in entries else f"{where}: backbone.name"
        plugin = find_plugin(name, entry, folders, place)
        module = plugin.load(place)
        classes = [backbone_class.name for backbone_class in named if backbone_class.module == name]
        if not classes and not hasattr(module, "BACKBONES"):
            raise SpaceError(f'{place}: {name} has no table BACKBONES = {{"name": Class}}')
        _claim_names(module, owners, place)
        for class_name in classes:
            _check_class(module, class_name, f"{where}: backbone.name")
        plugins.append(plugin)
    return tuple(plugins)


def _entries(listed: Any, where: str) -> dict[str, Any]:
    """Return the entries of the list by the names of their modules."""
    if not isinstance(listed, list):
        raise SpaceError(f"{where}: plugins: found {listed!r}; it should be a list of modules")
    entries = {}
    for entry in listed:
        if _is_stored(entry):
            entries[entry["module"]] = entry
        elif _is_module_name(entry):
            entries[entry] = entry
    if len(entries) < len(listed):
        raise SpaceError(
            f"{where}: plugins: found {listed!r};"
            " each entry should be the name of a module, given once"
        )
    return entries


def _is_stored(entry: Any) -> bool:
    return isinstance(entry, Mapping) and set(entry) == STORED_KEYS


def _is_module_name(entry: Any) -> bool:
    return isinstance(entry, str) and all(part.isidentifier() for part in entry.split("."))


def _named_classes(backbone: Any) -> list[ClassName]:
    """Return each backbone that is named `module:Class` in a section that may hold anything."""
    section = backbone if isinstance(backbone, dict) else {}
    choice = section.get("choice")
    options = choice if isinstance(choice, list) else [section]
    classes = []
    for option in options:
        name = option.get("name") if isinstance(option, dict) else None
        if not isinstance(name, str):
            continue
        module, colon, class_name = name.partition(":")
        if colon and _is_module_name(module):
            classes.append(ClassName(module, class_name))
    return classes


def find_plugin(
    name: str,
    entry: Any,
    folders: Sequence[Path],
    where: str,
) -> Plugin:
    """Return the plugin of an entry: the name of a module, or what `Plugin.to_mapping` gave.

    Raises SpaceError, and StudyError if a stored one cannot be had again.
    """
    if not _is_stored(entry):
        return Plugin.find(name, folders, where)
    searched = [Path(entry["file"]).parent, *folders] if entry["file"] else []
    try:
        plugin = Plugin.find(name, searched, where)
    except SpaceError as error:
        raise StudyError(str(error)) from error
    if plugin.digest != entry["digest"]:
        raise StudyError(
            f"{where}: {plugin.file or name} has changed since the study was made;"
            " restore it, or begin another study"
        )
    return plugin


def _claim_names(
    module: ModuleType,
    owners: dict[str, str],
    where: str,
) -> None:
    """Note whose the names of a module's table are. Raises SpaceError for one that is taken."""
    for name in getattr(module, "BACKBONES", {}):
        owner = owners.setdefault(name, module.__name__)
        if owner != module.__name__:
            raise taken_name(where, module.__name__, name, owner)


def _check_class(
    module: ModuleType,
    name: str,
    where: str,
) -> None:
    """Raise SpaceError for a class that is no backbone or does not exist."""
    prefix = f"{module.__name__}:"
    if not hasattr(module, name):
        known = [key.removeprefix(prefix) for key in PLUGGED if key.startswith(prefix)]
        raise SpaceError(unknown(f"{where}: class of {module.__name__}", name, known))
    check_backbone(getattr(module, name), f"{where}: {prefix}{name}")
