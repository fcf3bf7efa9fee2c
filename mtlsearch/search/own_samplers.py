"""Samplers that are named `module:Class`: of the user's own, of Optuna, or of any other library."""

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from mtlsearch.backbones.plugin_lists import find_plugin
from mtlsearch.backbones.plugins import Plugin
from mtlsearch.errors import SpaceError, unknown
from mtlsearch.search.objectives import Direction
from mtlsearch.search.proposal import propose
from mtlsearch.search.request import Request
from mtlsearch.search.samplers import DEFAULT_SAMPLER, SAMPLERS, Sampler, is_own
from mtlsearch.space import SearchSpace

REHEARSALS = 3  # proposals that a sampler makes before a study begins, each knowing those before

StoredModule = Mapping[str, Any]
"""What `Plugin.to_mapping` gives."""


@dataclass(frozen=True)
class OwnSampler:
    """A class of samplers in a module, which is executed when it is first needed.

    Attributes:
        name: `module:Class`.
        entry: The name of the module, or what a study has stored of it.
        folders: Where the module is looked for, besides what is installed.
        where: What errors begin with.
    """

    name: str
    entry: str | StoredModule
    folders: tuple[Path, ...] = ()
    where: str = "sampler"

    @cached_property
    def plugin(self) -> Plugin:
        """The module. Raises SpaceError, and StudyError if it is no longer what it was."""
        module, _, class_name = self.name.partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), class_name)):
            raise SpaceError(f'{self.where}: found "{self.name}"; it should be module:Class')
        return find_plugin(module, self.entry, self.folders, self.where)

    @cached_property
    def kind(self) -> type[BaseSampler]:
        """The class. Raises SpaceError and StudyError."""
        module = self.plugin.load(self.where)
        class_name = self.name.partition(":")[2]
        kind = getattr(module, class_name, None)
        if kind is None:
            known = [name for name, value in vars(module).items() if _is_sampler(value)]
            raise SpaceError(
                unknown(f"{self.where}: class of {module.__name__}", class_name, known)
            )
        if not _is_sampler(kind):
            raise SpaceError(
                f"{self.where}: {self.name} is no sampler: it needs to derive from "
                "optuna.samplers.BaseSampler"
            )
        sampler_class: type[BaseSampler] = kind
        return sampler_class

    @property
    def takes_seed(self) -> bool:
        """Whether it can be told to propose the same again."""
        return "seed" in inspect.signature(self.kind).parameters

    @property
    def sampler(self) -> Sampler:
        """What proposals are made with."""
        return Sampler(self._make, blamed=f"{self.where}: {self.name}")

    def describe(self) -> str:
        """Say what is executed, and what cannot be promised of it."""
        place = self.plugin.file or f"the installed {self.plugin.module}"
        words = f"sampler {self.name}: {place} is executed"
        if self.takes_seed:
            return words
        return (
            f"{words}; it takes no seed, so the same study made again would try other candidates "
            "(a resumed one keeps those that it has)"
        )

    def rehearse(self, space: SearchSpace, directions: Sequence[Direction]) -> None:
        """Let it propose some candidates. Raises SpaceError where it cannot."""
        known: list[FrozenTrial] = []
        for seed in range(REHEARSALS):
            sampler = self.sampler.after(known[-1]) if known else self.sampler
            _, proposed = propose(space, sampler, seed, known, directions)
            finished = create_trial(
                state=TrialState.COMPLETE,
                params=proposed.params,
                distributions=proposed.distributions,
                system_attrs=proposed.system_attrs,
                values=[float(seed)] * len(directions),
            )
            known.append(finished)

    def _make(self, seed: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            make: Callable[..., BaseSampler] = self.kind
            return make(seed=seed) if self.takes_seed else make()


def sampler_name(option: str | None, space: SearchSpace) -> str:
    """The name of a study's sampler: what was asked for, or else what the space says."""
    return option or space.sampler or DEFAULT_SAMPLER


def find_sampler(name: str, folders: Sequence[Path], where: str) -> OwnSampler | None:
    """The sampler of a new study if it is `module:Class`; None for one of the table.

    Args:
        name: The name.
        folders: Where the module is looked for before the working directory.
        where: What errors begin with.

    Raises:
        SpaceError: It is neither.
    """
    if not is_own(name):
        if name not in SAMPLERS:
            hint = unknown(where, name, SAMPLERS)
            raise SpaceError(f"{hint}; or module:Class")
        return None
    module = name.partition(":")[0]
    sampler = OwnSampler(name, module, (*folders, Path.cwd()), where)
    sampler.kind  # noqa: B018 - what cannot be used is refused now
    return sampler


def own_sampler_of(request: Request) -> OwnSampler | None:
    """The sampler of a study if it is `module:Class`; nothing is executed yet."""
    if request.sampler_module is None:
        return None
    return OwnSampler(request.sampler, request.sampler_module, (Path.cwd(),))


def _is_sampler(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseSampler)
