"""The values of a search space file, each with its place there, and what is checked of them.

All checks raise SpaceError, which says where, what was found, and what is allowed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from json import JSONEncoder
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from mtlsearch.errors import SpaceError, unknown

STRICT = ConfigDict(strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Node:
    """A value of a search space file.

    Attributes:
        value: The value, as YAML gives it.
        where: Its place, such as `my.yaml: tree.levels`, with which messages begin.
        separator: What stands between the place and the name of an entry.
    """

    value: Any
    where: str
    separator: str = "."

    def child(self, key: str, default: Any = None) -> "Node":
        """The entry of a mapping; `default` where it has none of this name."""
        value = self.value.get(key, default)
        return Node(value, f"{self.where}{self.separator}{key}")

    def entries(self) -> "list[Node]":
        """The entries of a list; they have the place of the list."""
        if not isinstance(self.value, list) or not self.value:
            raise self.error("it should be a list with at least one entry")
        return [Node(entry, self.where) for entry in self.value]

    def check_mapping(self, known: Iterable[str] | None = None) -> None:
        """Refuse what is no mapping, or has a key that is not among those known."""
        if not isinstance(self.value, dict):
            raise self.error("it should be a mapping")
        if known is None:
            return
        for key in self.value:
            if key not in known:
                raise SpaceError(unknown(self.where, key, known))

    def checked(self, kind: Any) -> Any:
        """The value, when it is of a type as annotated; a list becomes a tuple."""
        value = self.value
        if isinstance(value, list):
            value = tuple(value)
        adapter = TypeAdapter(kind, config=STRICT)
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            raise self.error(_problem(error)) from error

    def checked_fields(self, kind: type[Any]) -> Any:
        """A dataclass, when the value is a mapping that holds some of its fields."""
        types = get_type_hints(kind, include_extras=True)
        self.check_mapping(types)
        settings = {}
        for key in self.value:
            node = self.child(key)
            settings[key] = node.checked(types[key])
        return kind(**settings)

    def error(self, problem: str) -> SpaceError:
        """The error that says where, what was found, and the problem."""
        return SpaceError(f"{self.where}: found {as_text(self.value)}; {problem}")


def _problem(error: ValidationError) -> str:
    """What a value should be; of a type of several parts, what each of them asks for."""
    first, *others = [entry["msg"].lower() for entry in error.errors()]
    alternatives = [problem.removeprefix("input should be ") for problem in others]
    return " or ".join([first, *alternatives])


def as_text(value: Any) -> str:
    """A value as people read it on one line: as JSON."""
    return JSONEncoder(default=str).encode(value)


def repeated(values: Sequence[Any]) -> list[Any]:
    """The values that a sequence holds more than once."""
    return [value for value in values if values.count(value) > 1]
