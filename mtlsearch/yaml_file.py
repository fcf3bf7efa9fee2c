"""Reads the YAML file of a search space: 1e-5 is a number, and no key is given twice."""

import re
from json import JSONEncoder
from pathlib import Path
from typing import Any

import yaml

from mtlsearch.errors import SpaceError


def read_yaml(path: Path) -> Any:
    """What the file holds. Raises SpaceError."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
        JSONEncoder(default=str).encode(
            content
        )  # refuses what no error could show: a value inside itself, a date as a key
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}:" if error.problem_mark else ""
        raise SpaceError(f"{path.name}:{line} not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, OSError, ValueError, TypeError, RecursionError) as error:
        raise SpaceError(f"{path.name}: cannot be read: {' '.join(str(error).split())}") from error
    return content


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise yaml.MarkedYAMLError(
                problem=f'"{twice[0]}" is given twice', problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep)


_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+.0123456789"))
