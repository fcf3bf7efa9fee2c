"""The check of a class that a plugin offers as a backbone."""

from typing import Any, get_type_hints

from mtlsearch.backbones.contract import Backbone
from mtlsearch.errors import SpaceError
from mtlsearch.inputs import INPUT_SCHEMAS


def check_backbone(kind: Any, where: str) -> None:
    """Raise SpaceError, which begins with `where`, if `kind` is no class of backbones."""
    if not is_frozen_dataclass(kind):
        raise SpaceError(f"{where} is no frozen dataclass: it needs @dataclass(frozen=True)")
    if not issubclass(kind, Backbone):
        raise SpaceError(
            f"{where} is no backbone: it needs to derive from mtlsearch.backbones.Backbone"
        )
    _check_members(kind, where)
    _check_schemas(kind, where)
    try:
        get_type_hints(kind, include_extras=True)
        hash(kind())
    except Exception as error:  # a plugin may raise anything
        raise SpaceError(
            f"{where} cannot be made with defaults alone: {type(error).__name__}: {error}"
        ) from error


def is_frozen_dataclass(kind: object) -> bool:
    """Whether `kind` is a frozen dataclass."""
    parameters = getattr(kind, "__dataclass_params__", None)
    return isinstance(kind, type) and parameters is not None and parameters.frozen


def _check_members(kind: type[Backbone], where: str) -> None:
    needed = ["takes", *sorted(Backbone.__abstractmethods__)]
    lacking = sorted(kind.__abstractmethods__)
    if not hasattr(kind, "takes"):
        lacking.append("takes")
    if lacking:
        raise SpaceError(f"{where} lacks {', '.join(lacking)}; a backbone has {', '.join(needed)}")


def _check_schemas(kind: type[Backbone], where: str) -> None:
    schemas = kind.takes
    known = set(INPUT_SCHEMAS.values())
    if not isinstance(schemas, tuple) or not schemas or not set(schemas) <= known:
        raise SpaceError(
            f"{where}.takes: found {schemas!r}; it should be a tuple of some of "
            f"{', '.join(INPUT_SCHEMAS)} of mtlsearch.inputs"
        )
