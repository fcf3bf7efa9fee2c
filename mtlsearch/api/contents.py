"""A study in memory: its problem, and what was computed of it, once."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd

from mtlsearch.api.announcing import Announcer
from mtlsearch.api.frames import affinity_frame, front_frame, leaderboard
from mtlsearch.api.problem import Opened
from mtlsearch.api.working import bring_to_its_end, process_as_it_was
from mtlsearch.callbacks import Callback
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.export.from_study import Exported, Order, export_from_study, load_model
from mtlsearch.report.build import build_report, build_verdict
from mtlsearch.report.model import Report, ReportedVerdict
from mtlsearch.runtime.predictor import Predictor
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.extension import Extension
from mtlsearch.search.study import Study as StoredStudy


class Contents:
    """What an opened study holds, until it is worked on again.

    Attributes:
        opened: The study and its problem.
        announcer: Tells the user what goes on.
        callbacks: Hear what happens when the study is worked on.
    """

    def __init__(
        self,
        opened: Opened,
        announcer: Announcer,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.opened = opened
        self.announcer = announcer
        self.callbacks = callbacks
        self._models: dict[Order, Predictor] = {}

    @property
    def stored(self) -> StoredStudy:
        """The study as it is stored."""
        return self.opened.stored

    def work(
        self,
        extension: Extension | None = None,
    ) -> None:
        """Bring the study to its end; see `bring_to_its_end`."""
        self.forget()
        self.opened, self.report = bring_to_its_end(
            self.opened,
            self.announcer,
            extension,
            self.callbacks,
        )

    def forget(self) -> None:
        """Forget what was computed of the study, which is about to change."""
        for name in ("report", "verdict", "scales", "front", "leaderboard", "affinity"):
            self.__dict__.pop(name, None)
        self._models.clear()

    @cached_property
    def report(self) -> Report:
        """The report."""
        return build_report(self.stored, self.opened.dataset, self.opened.space)

    @cached_property
    def verdict(self) -> ReportedVerdict | None:
        """The verdict, for which nothing else of the report is computed."""
        if "report" in self.__dict__:
            return self.report.verdict
        return build_verdict(self.stored, self.opened.dataset)

    @cached_property
    def scales(self) -> SkillScales:
        """What test scores are worth."""
        return Analysis(self.stored, self.opened.dataset).pooled_test_scales

    @cached_property
    def front(self) -> pd.DataFrame:
        """The candidates of the front."""
        return front_frame(self.report)

    @cached_property
    def leaderboard(self) -> pd.DataFrame:
        """The confirmed models and the references."""
        return leaderboard(self.report, self.scales)

    @cached_property
    def affinity(self) -> pd.DataFrame:
        """Who helps whom."""
        return affinity_frame(self.report)

    def model(self, order: Order) -> Predictor:
        """A model of the study, as `export` would write it: one for each order."""
        if order not in self._models:
            opened = self.opened
            with process_as_it_was():
                model = load_model(opened.stored, opened.dataset, opened.space, order)
            self._models[order] = model
        return self._models[order]

    def export(self, order: Order, to: Path) -> Exported:
        """Write a model as a folder; see `export_from_study`."""
        with process_as_it_was():
            opened = self.opened
            exported = export_from_study(opened.stored, opened.dataset, opened.space, order, to)
        for note in exported.notes:
            self.announcer.tell(note)
        return exported
