"""YAML that is read with care, and that of search spaces, in which 1e-5 is a number."""

import re
from collections.abc import Iterator
from json import JSONEncoder
from pathlib import Path
from typing import Any

import yaml

from mtlsearch.errors import SpaceError

MOST_VALUES = 100_000  # of a file, once aliases are written out


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        SpaceError: The file cannot be read, is not YAML, or holds what no error could show, such as
            a date as a key.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
        JSONEncoder(default=str).encode(content)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" line {mark.line + 1}:" if mark else ""
        raise SpaceError(f"{path.name}:{line} not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, OSError, ValueError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise SpaceError(f"{path.name}: cannot be read: {reason}") from error
    return content


class CarefulLoader(yaml.SafeLoader):
    """Refuses what YAML's own loader would take, to the harm of whoever wrote it.

    A key that is given twice, of which the last would silently be kept; a value inside itself; and
    a few lines that stand for more values than a machine can hold, since each repeats the others.
    """

    def get_single_node(self) -> yaml.Node | None:
        """The document. Raises MarkedYAMLError for one that cannot be written out."""
        document = super().get_single_node()
        if document is not None:
            _count_values(document, {})
        return document

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """A value. Raises MarkedYAMLError for one that its tag does not fit, such as `!!bool x`."""
        try:
            return super().construct_object(node, deep)
        except (AttributeError, IndexError, KeyError) as error:  # of YAML's own constructors
            problem = f"the value does not fit its tag {node.tag}"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping. Raises MarkedYAMLError for a key given twice."""
        keys = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in keys:
                problem = f'"{key.value}" is given twice'
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            keys.add(key.value)
        return super().construct_mapping(node, deep)


def _count_values(node: yaml.Node, counts: dict[yaml.Node, int]) -> int:
    """The number of values that a node stands for, once its aliases are written out.

    `counts` holds that of the nodes that have been counted, and 0 of those that hold this one.
    """
    if node in counts:
        if not counts[node]:
            raise yaml.MarkedYAMLError(
                problem="a value inside itself", problem_mark=node.start_mark
            )
        return counts[node]
    counts[node] = 0
    total = 1 + sum(_count_values(part, counts) for part in _parts(node))
    if total > MOST_VALUES:
        problem = f"stands for more than {MOST_VALUES:,} values, once its aliases are written out"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
    counts[node] = total
    return total


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    """The nodes that a node is made of."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    if isinstance(node, yaml.SequenceNode):
        yield from node.value


class _Loader(CarefulLoader):
    """YAML as search spaces have it."""


# YAML 1.1 takes 1e-5 for a word: it wants a point before the exponent.
_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+.0123456789"))
