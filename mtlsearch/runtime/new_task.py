"""A further task for a trained model: a head, and where it joins, written into `model.py`.

An exported folder holds a copy of this file.
"""

import ast
import copy
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .predictor import NETWORKS
from .tables import listed


class NewTaskError(ValueError):
    """A task cannot be added; the message is one line."""


@dataclass(frozen=True)
class Extended:
    """A model with a further task.

    Attributes:
        code: The text of its `model.py`.
        fitted: What its `preprocess.json` holds.
        plan: What its `training.json` holds.
        copies: By the name of a new part the one that it begins as a copy of.
        joins: Where the task joins, in words.
    """

    code: str
    fitted: dict[str, Any]
    plan: dict[str, Any]
    copies: dict[str, str]
    joins: str


@dataclass(frozen=True)
class NewTask:
    """A task that is to be added.

    Attributes:
        name: Its name.
        record: Its record in `preprocess.json`.
        outputs: The number of its outputs.
        host: The task at whose last stage its head joins; None: it follows the trunk that most
            tasks share as far as they share it, and goes on with copies of what follows.
    """

    name: str
    record: Mapping[str, Any]
    outputs: int
    host: str | None = None

    def add(
        self,
        code: str,
        fitted: Mapping[str, Any],
        plan: Mapping[str, Any],
    ) -> Extended:
        """Return the model with the task. Raises NewTaskError."""
        host, shared = self._place(fitted, plan)
        path = plan["paths"][host]
        copied = path[shared:-1]
        copies = {
            _unused(
                part,
                self.name,
                code,
            ): part
            for part in copied
        }
        head = _unused(
            "head",
            self.name,
            code,
        )
        template = plan["heads"].get(host)
        if template is None:
            raise NewTaskError(f"the head of {host} has a form that cannot be made anew")
        edited = _Model(code).with_branch(
            _Branch(
                self.name,
                host,
                path[:shared],
                copies,
                head,
            ),
            template.format(outputs=self.outputs),
        )
        joins = f"the last stage of {host}"
        if copied:
            joins = f"{path[shared - 1]}, and goes on with copies of {', '.join(copied)}"
        return Extended(
            edited,
            self._fitted(fitted),
            self._plan(
                plan,
                host,
                [*path[:shared], *copies, head],
            ),
            copies,
            joins,
        )

    def _place(
        self,
        fitted: Mapping[str, Any],
        plan: Mapping[str, Any],
    ) -> tuple[str, int]:
        """Return the task that this one goes along with, and how many of its parts they share."""
        paths = plan["paths"]
        if self.host is not None:
            if self.host not in paths:
                known = ", ".join(paths)
                raise NewTaskError(f"--joins: {self.host!r} is unknown; known: {known}")
            return self.host, len(paths[self.host]) - 1
        tasks = fitted.get(NETWORKS, [fitted])[0]["tasks"]
        names = [name for name in paths if tasks[name]["source"] == self.record["source"]]
        users: dict[str, int] = {}
        for name in names:
            for part in paths[name]:
                users[part] = users.get(part, 0) + 1
        most = max(users.values())
        if most < 2:
            raise NewTaskError(f"no tasks share anything; say --joins with one of {listed(names)}")
        for name in names:
            shared = sum(users[part] == most for part in paths[name])
            if shared and users[paths[name][0]] == most:
                return name, shared
        raise NewTaskError(
            f"no trunk begins at the inputs; say --joins with one of {listed(names)}"
        )

    def _fitted(self, fitted: Mapping[str, Any]) -> dict[str, Any]:
        extended = copy.deepcopy(dict(fitted))
        for network in extended.get(NETWORKS, [extended]):
            network["tasks"][self.name] = dict(self.record)
        return extended

    def _plan(
        self,
        plan: Mapping[str, Any],
        host: str,
        path: Sequence[str],
    ) -> dict[str, Any]:
        extended = copy.deepcopy(dict(plan))
        extended["paths"][self.name] = list(path)
        extended["heads"][self.name] = plan["heads"][host]
        for part in path:
            extended["serves"].setdefault(part, []).append(self.name)
        for component in extended["components"]:
            if host not in component["tasks"]:
                continue
            component["tasks"][self.name] = self.record["kind"]
            component["parts"] += [part for part in path if part not in component["parts"]]
            component["importances"].append(1.0)
            component["stopping_weights"].append(1.0)
            for state in (component["state"], component["trained_state"]):
                for networks in state.values():
                    for values in networks:
                        values.append(sum(values) / len(values))
        return extended


@dataclass(frozen=True)
class _Branch:
    """A branch of the network: the parts it shares with a host, its copies, and its head."""

    task: str
    host: str
    shared: Sequence[str]
    copies: Mapping[str, str]
    head: str


class _Model:
    """The text of `model.py`, into which lines are inserted."""

    def __init__(self, code: str) -> None:
        self.lines = code.splitlines()
        [model] = [
            node
            for node in ast.parse(code).body
            if isinstance(node, ast.ClassDef) and node.name == "Model"
        ]
        self.methods = [node for node in model.body if isinstance(node, ast.FunctionDef)]

    def with_branch(
        self,
        branch: _Branch,
        head: str,
    ) -> str:
        """Return the text with a branch, whose head is made by the call `head`."""
        method, returned, place = self._output_of(branch.host)
        variable, rest, steps = self._steps(method, branch)
        value = f"self.{branch.head}({', '.join([variable, *rest])})"
        output = f"            {branch.task!r}: {value},"
        made = [f"        # {' '.join(branch.task.split())}: added by train.py"]
        for new, old in branch.copies.items():
            made += self._constructor(old, new)
        made.append(f"        self.{branch.head} = {head}")
        first = self.methods[0]
        assert first.end_lineno is not None
        lines = [
            *self.lines[: first.end_lineno],
            *made,
            *self.lines[first.end_lineno : returned.lineno - 1],
            *[f"        {step}" for step in steps],
            *self.lines[returned.lineno - 1 : place],
            output,
            *self.lines[place:],
        ]
        return "\n".join(lines) + "\n"

    def _output_of(self, task: str) -> tuple[ast.FunctionDef, ast.Return, int]:
        """Return the method that predicts a task, its return, and the last line of the output."""
        for method in self.methods:
            last = method.body[-1]
            if not isinstance(last, ast.Return) or not isinstance(last.value, ast.Dict):
                continue
            for key, value in zip(
                last.value.keys,
                last.value.values,
                strict=True,
            ):
                if isinstance(key, ast.Constant) and key.value == task:
                    assert value.end_lineno is not None
                    return method, last, value.end_lineno
        raise NewTaskError(f"model.py has no output {task!r}")

    def _steps(
        self,
        method: ast.FunctionDef,
        branch: _Branch,
    ) -> tuple[str, list[str], list[str]]:
        """Return the variable that the head reads, its further arguments, and the steps to it."""
        calls: dict[str, tuple[str, list[str]]] = {}
        for statement in method.body:
            if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
                continue
            [target] = statement.targets
            function = statement.value.func
            if isinstance(target, ast.Name) and isinstance(function, ast.Attribute):
                arguments = [ast.unparse(argument) for argument in statement.value.args]
                calls[function.attr] = (target.id, arguments)
        variable, arguments = calls[branch.shared[-1]]
        is_stem = len(branch.shared) == 1
        rest = [] if is_stem else arguments[1:]
        steps = []
        for new, old in branch.copies.items():
            _, arguments = calls[old]
            rest = arguments[1:]
            result = f"h_{new}"
            steps.append(f"{result} = self.{new}({', '.join([variable, *rest])})")
            variable = result
        return variable, rest, steps

    def _constructor(
        self,
        old: str,
        new: str,
    ) -> list[str]:
        """Return the lines that make a part, under a new name."""
        for statement in self.methods[0].body:
            if not isinstance(statement, ast.Assign):
                continue
            [target] = statement.targets
            if isinstance(target, ast.Attribute) and target.attr == old:
                lines = self.lines[statement.lineno - 1 : statement.end_lineno]
                return [
                    lines[0].replace(
                        f"self.{old} =",
                        f"self.{new} =",
                        1,
                    ),
                    *lines[1:],
                ]
        raise NewTaskError(f"model.py has no part {old}")


def _unused(
    part: str,
    task: str,
    code: str,
) -> str:
    """Return the name of a part of a new task that the code does not have yet."""
    decomposed = unicodedata.normalize("NFKD", task).encode("ascii", "ignore").decode()
    words = (
        re.sub(
            r"\W+",
            "_",
            decomposed,
        ).strip("_")
        or "task"
    )
    level = part.partition("_")[0]
    name = f"{level}_{words}"
    while re.search(rf"\b{name}\b", code):
        name += "_new"
    return name
