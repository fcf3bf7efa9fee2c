"""The YAML of search spaces: 1e-5 is a number, and no key is given twice."""

import re
from json import JSONEncoder
from pathlib import Path
from typing import Any

import yaml

from mtlsearch.errors import SpaceError


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        SpaceError: The file cannot be read, is not YAML, or holds what no error could show: a value
            inside itself, or a date as a key.
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


class _Loader(yaml.SafeLoader):
    """Refuses repeated keys, of which YAML's own loader would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in keys:
                raise yaml.MarkedYAMLError(
                    problem=f'"{key.value}" is given twice',
                    problem_mark=node.start_mark,
                )
            keys.add(key.value)
        return super().construct_mapping(node, deep)


# YAML 1.1 takes 1e-5 for a word: it wants a point before the exponent.
_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+.0123456789"))
