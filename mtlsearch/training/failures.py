"""Which errors make a training fail, and which are faults of the program and end the study.

A training fails where its losses are not finite (`TrainingFailedError`, which trainers handle
themselves), where a routine of linear algebra finds no answer, where the memory does not suffice,
and where the user's own backbone, or a module that it made, raises an error. Everything else is a
fault of ours.
"""

import traceback
from collections.abc import Sequence

import torch
from torch import nn

from mtlsearch.backbones.plugins import plugin_of
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Network

LONGEST_REASON = 200  # characters of an error's message

# How torch says on a CPU, in a plain RuntimeError, that the memory does not suffice.
CPU_OUT_OF_MEMORY = "allocate memory"

NUMERICAL_ERRORS = (
    torch.linalg.LinAlgError,  # type: ignore[attr-defined]
    FloatingPointError,
)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory does not suffice."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return type(error) is RuntimeError and CPU_OUT_OF_MEMORY in str(error)


def failure_reason(
    error: BaseException,
    members: Sequence[Member],
) -> str | None:
    """The reason, in one line, why the training of members fails that raised this error.

    None for a fault of the program.
    """
    if out_of_memory(error):
        return _reason("out of memory", error)
    if isinstance(error, NUMERICAL_ERRORS):
        return _reason("numerical error", error)
    for member in members:
        plugin = plugin_of(member.component.candidate.backbone)
        if plugin is not None and _is_raised_by(plugin, error):
            return _reason(f"{plugin}: {type(error).__name__}", error)
    return None


def _is_raised_by(plugin: str, error: BaseException) -> bool:
    """Whether the code of a plugin raised an error, or a module that its backbone made.

    The stacked form of such a module stands in for it.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        caller = frame.f_locals.get("self")
        is_module = isinstance(caller, nn.Module) and not isinstance(caller, Network)
        if is_module or frame.f_globals.get("__name__") == plugin:
            return True
    return False


def _reason(what: str, error: BaseException) -> str:
    """What happened, with the first line of the error's message if it has one."""
    lines = str(error).splitlines()
    if not lines:
        return what
    return f"{what}: {lines[0][:LONGEST_REASON]}"
