"""The settings of a component as numbers, and the scales on which a regression sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.candidate import SETTING_GROUPS, Component, former_name, setting_name

MOST_SPELLED = 32_768  # settings of a group that are kept as they were spelled
WIDE_RANGE = 5.0  # a setting whose largest value is so many times its least is on a log scale


class Setting(NamedTuple):
    """A number among the settings of a component, or one of the choices made there.

    Attributes:
        group: The setting group, such as "optimizer".
        field: The field of the group's settings; "" for the choice of the method itself.
        choice: What was chosen; "" for a number.
    """

    group: str
    field: str = ""
    choice: str = ""

    @property
    def name(self) -> str:
        """The spelling: `group.field`, `group.field=choice` or `group=choice`."""
        field = f".{self.field}" if self.field else ""
        choice = f"={self.choice}" if self.choice else ""
        return f"{self.group}{field}{choice}"


Settings = Mapping[Setting, float]  # the numbers; 1 for each choice made


@dataclass(frozen=True)
class SettingScale:
    """How a setting is standardised.

    Attributes:
        setting: The setting.
        low: The least value, of a setting on a log scale; 0 on a linear scale.
        mean: The mean, on that scale.
        deviation: The standard deviation, on that scale.
    """

    setting: Setting
    low: float
    mean: float
    deviation: float

    @classmethod
    def fit(cls, setting: Setting, observed: Sequence[Settings]) -> "SettingScale":
        """Fit the scale of a setting to what was observed of it.

        A choice that was not made counts as 0; components that lack a number do not count.
        """
        present = [settings[setting] for settings in observed if setting in settings]
        values = np.array(present)
        least = float(values.min())
        low = 0.0
        if least > 0 and values.max() / least >= WIDE_RANGE:
            low = least
            values = np.log(values)
        if setting.choice:
            lacking = len(observed) - len(values)
            values = np.concatenate([values, np.zeros(lacking)])
        return cls(
            setting=setting,
            low=low,
            mean=float(values.mean()),
            deviation=float(values.std()),
        )

    def standardize(self, settings: Settings) -> float:
        """The setting's value in standard deviations from the mean.

        A number that the component lacks is average; a choice not made is 0. On a log scale a
        value below the least one counts as that.
        """
        value = settings.get(self.setting)
        if value is None:
            if not self.setting.choice:
                return 0.0
            value = 0.0
        if self.low:
            possible = max(value, self.low)
            value = float(np.log(possible))
        return (value - self.mean) / self.deviation


def fit_scales(observed: Sequence[Settings]) -> tuple[SettingScale, ...]:
    """The scales of all settings that vary, ordered by their first names.

    The order decides which draws of the posterior a seed gives. A method that has been renamed
    keeps its place, so a study that was begun before goes on as it would have gone on.
    """
    settings = set().union(*observed)
    scales = []
    for setting in sorted(settings, key=_first_name):
        scale = SettingScale.fit(setting, observed)
        if scale.deviation > 0:
            scales.append(scale)
    return tuple(scales)


def _first_name(setting: Setting) -> str:
    """The name of a setting, with the name that a method had at first."""
    first_choice = former_name(setting.group, setting.choice)
    return setting._replace(choice=first_choice).name


def standardize(settings: Settings, scales: Sequence[SettingScale]) -> Array:
    """The settings on their scales, [len(scales)]."""
    values = [scale.standardize(settings) for scale in scales]
    return np.array(values)


def settings_of(component: Component, position: int) -> dict[Setting, float]:
    """The settings of a component, seen from the task at a position of it.

    Of a setting that is per task, it is the task's own, relative to the mean over the component.
    """
    settings: dict[Setting, float] = {}
    for group in SETTING_GROUPS:
        spelled = _spelled(group, getattr(component.candidate, group))
        settings |= spelled.alike
        for setting, values in spelled.per_task.items():
            relative = values[position] / np.mean(values)
            settings[setting] = float(relative)
    return settings


class _Spelled(NamedTuple):
    """The settings of a group: those that all tasks have alike, and the values of each task."""

    alike: Settings
    per_task: Mapping[Setting, Sequence[float]]


@lru_cache(MOST_SPELLED)
def _spelled(group: str, settings: Any) -> _Spelled:
    """The settings of a group, which all components of a candidate have in common."""
    alike = {Setting(group, choice=setting_name(group, settings)): 1.0}
    per_task = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        number = Setting(group, field.name)
        if isinstance(value, str):
            choice = Setting(group, field.name, value)
            alike[choice] = 1.0
        elif isinstance(value, list | tuple):
            if value:
                per_task[number] = value
            else:
                alike[number] = 1.0
        elif value is not None:
            alike[number] = float(value)
    return _Spelled(alike, per_task)
