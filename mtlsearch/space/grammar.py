"""The grammar of a search space: what a setting may be.

A setting is a constant, or a mapping of one word: `{choice: [a, b]}`, `{range: [low, high]}` or
`{log: [low, high]}`. A setting that is per task is one of these for all tasks, or a list with one
of these for each task.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from optuna.trial import BaseTrial

from mtlsearch.errors import SpaceError
from mtlsearch.space.node import Node, repeated

WORDS = ("choice", "range", "log")


@dataclass(frozen=True)
class Constant:
    """A setting that does not vary."""

    value: Any

    @property
    def values(self) -> tuple[Any, ...]:
        """The value."""
        return (self.value,)

    def contains(self, value: Any) -> bool:
        """Whether it may be this value."""
        return bool(value == self.value)

    def suggest(self, trial: BaseTrial, name: str) -> Any:
        """The value; the trial is asked for nothing."""
        return self.value

    def to_mapping(self) -> Any:
        """The value as YAML spells it."""
        if isinstance(self.value, tuple):
            return list(self.value)
        return self.value


@dataclass(frozen=True)
class Choice:
    """A setting that takes one of several values."""

    values: tuple[Any, ...]

    def contains(self, value: Any) -> bool:
        """Whether it may be this value."""
        return value in self.values

    def suggest(self, trial: BaseTrial, name: str) -> Any:
        """Ask the trial for a value."""
        return trial.suggest_categorical(name, self.values)

    def to_mapping(self) -> Any:
        """The choice as YAML spells it."""
        return {"choice": list(self.values)}


@dataclass(frozen=True)
class Range:
    """A setting that takes a value from `low` to `high`: a whole number when both are.

    With `log` its logarithm is uniform.
    """

    low: float
    high: float
    log: bool

    @property
    def values(self) -> tuple[float, float]:
        """Both ends."""
        return (self.low, self.high)

    def contains(self, value: Any) -> bool:
        """Whether it may be this value; between whole numbers it is a whole number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        is_whole = isinstance(self.low, int) and isinstance(self.high, int)
        if is_whole and not isinstance(value, int):
            return False
        return self.low <= value <= self.high

    def suggest(self, trial: BaseTrial, name: str) -> float:
        """Ask the trial for a value."""
        low = self.low
        high = self.high
        if isinstance(low, int) and isinstance(high, int):
            return trial.suggest_int(name, low, high, log=self.log)
        return trial.suggest_float(name, low, high, log=self.log)

    def to_mapping(self) -> Any:
        """The range as YAML spells it."""
        word = "log" if self.log else "range"
        return {word: [self.low, self.high]}


Spec = Constant | Choice | Range


@dataclass(frozen=True)
class PerTask:
    """A setting with a value for each task."""

    specs: tuple[Spec, ...]

    def contains(self, values: Any) -> bool:
        """Whether these may be the values of the tasks."""
        if not isinstance(values, tuple) or len(values) != len(self.specs):
            return False
        pairs = zip(self.specs, values, strict=True)
        return all(spec.contains(value) for spec, value in pairs)

    def suggest(self, trial: BaseTrial, name: str) -> Any:
        """Ask the trial for `name.0`, `name.1`, ..., unless they are constants."""
        values = []
        for task, spec in enumerate(self.specs):
            value = spec.suggest(trial, f"{name}.{task}")
            values.append(value)
        return tuple(values)

    def to_mapping(self) -> Any:
        """What YAML says for all tasks where they have the same; else the list."""
        plain = [spec.to_mapping() for spec in self.specs]
        are_equal = len(set(self.specs)) == 1
        return plain[0] if are_equal else plain


def parse_spec(node: Node, kind: Any) -> Spec:
    """Read what a setting may be.

    Args:
        node: What the file says.
        kind: The type that the setting's values should have.

    Raises:
        SpaceError: It is not of this type, or not in the grammar.
    """
    if not isinstance(node.value, dict):
        return Constant(node.checked(kind))
    node.check_mapping(WORDS)
    if len(node.value) != 1:
        raise node.error(f"it should hold one of {', '.join(WORDS)}")
    [word] = node.value
    listed = node.child(word)
    values = [entry.checked(kind) for entry in listed.entries()]
    if word == "choice":
        return _choice(listed, values)
    return _range(listed, values, log=word == "log")


def parse_per_task(
    node: Node,
    kind: Any,
    tasks: int,
) -> Constant | PerTask:
    """Read what a setting that is per task may be; an empty list stands for the method's default.

    Args:
        node: What the file says.
        kind: The type that the setting should have: a tuple.
        tasks: The number of tasks.

    Raises:
        SpaceError: As in `parse_spec`, or there are not as many values as tasks.
    """
    values = node.value
    if values in ([], ()):
        return Constant(())
    if not isinstance(values, list | tuple):
        values = [values] * tasks
    if len(values) != tasks:
        raise SpaceError(f"{node.where}: found {len(values)} values for {tasks} tasks")
    value_kind, *_ = get_args(kind)
    specs = []
    for value in values:
        entry = Node(value, node.where)
        spec = parse_spec(entry, value_kind)
        specs.append(spec)
    return PerTask(tuple(specs))


def _choice(node: Node, values: Sequence[Any]) -> Choice:
    has_lists = any(isinstance(value, tuple) for value in values)
    if has_lists or repeated(values):
        raise node.error("entries should be plain values, each given once")
    return Choice(tuple(values))


def _range(
    node: Node,
    values: Sequence[Any],
    *,
    log: bool,
) -> Range:
    if not _is_range(values, log):
        order = "0 < low < high" if log else "low < high"
        raise node.error(f"it should be [low, high], two numbers with {order}")
    low, high = values
    return Range(low, high, log)


def _is_range(values: Sequence[Any], log: bool) -> bool:
    if len(values) != 2:
        return False
    low, high = values
    kinds = {type(low), type(high)}
    if not kinds <= {int, float}:
        return False
    if log and low <= 0:
        return False
    return bool(low < high)
