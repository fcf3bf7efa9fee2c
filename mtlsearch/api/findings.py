"""What a study found and can do: the surface that a fitted estimator and an opened study share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pandas as pd

from mtlsearch.api.contents import Contents
from mtlsearch.api.errors_spelled import errors_spelled
from mtlsearch.api.predicting import predict_rows, predict_rows_proba
from mtlsearch.api.scoring import mean_skill
from mtlsearch.api.words import Names, comma_separated
from mtlsearch.api.working import report_page
from mtlsearch.callbacks import Callback
from mtlsearch.callbacks.telling import checked_callbacks
from mtlsearch.errors import StudyError
from mtlsearch.export.from_study import Exported, Order
from mtlsearch.export.select_model import ALL, BEST
from mtlsearch.export.select_model import read_seeds as read_networks
from mtlsearch.report.model import Report, ReportedVerdict
from mtlsearch.report.next_steps import next_steps, open_page
from mtlsearch.report.write import write_report
from mtlsearch.runtime.predictor import Predictor
from mtlsearch.search.arms import BASELINE
from mtlsearch.search.extension import Extension
from mtlsearch.search.greedy_ensemble import add_greedy_ensemble
from mtlsearch.search.seed_plan import read_seeds
from mtlsearch.search.status import StudyStatus
from mtlsearch.search.study_folder import is_writable


class Findings(ABC):
    """What is asked of a study."""

    @abstractmethod
    def _contents(self) -> Contents:
        """Return what the study holds. Raises NotFittedError where there is no study yet."""

    @property
    def report_(self) -> Report:
        """Everything that the study says: the dataclasses that `report.json` is made of."""
        return self._contents().report

    @property
    def report_page_(self) -> Path:
        """The path of report.html, as `write_report` writes it."""
        return report_page(self._contents().stored)

    @property
    def verdict_(self) -> ReportedVerdict | None:
        """The answer: whether and what to share. None before the best models are confirmed."""
        return self._contents().verdict

    @property
    def front_(self) -> pd.DataFrame:
        """The candidates that no other one beats, a row each, best estimated gain first.

        Columns: `arm`, `candidate`, the mean validation score of each task, `gain` over separate
        models in points of skill with its 95% interval `gain_low` and `gain_high`, `tie`,
        `replicates`, `parameters`, `macs_per_example` and `tree`.
        """
        return self._contents().front

    @property
    def leaderboard_(self) -> pd.DataFrame:
        """The confirmed models and the references, a row each, highest mean skill first.

        Columns: `model` (the arm or the reference), `of` (single networks by their mean, or the
        ensemble of them; the package of a reference), `recommended`, `skill` (mean over the tasks
        that count, on test rows; points: 0 is the best constant, 100 is perfect), `gain` over
        separate models in points with its 95% interval `gain_low` and `gain_high`, the test score
        of each task, `networks`, `parameters` and `macs_per_example` of all networks together, and
        `seconds` (what the fits of a reference took).
        """
        return self._contents().leaderboard

    @property
    def affinity_(self) -> pd.DataFrame:
        """Who helps whom: a row for each ordered pair of tasks and each depth of sharing.

        Columns: `task` gains `gain` points of skill, with the 95% interval `low` to `high`, from
        sharing its first `levels` levels with `other`. No rows where there are too few trainings.
        """
        return self._contents().affinity

    @property
    def best_model_(self) -> Predictor:
        """The model that the verdict recommends, a module of torch; made when first asked for.

        It predicts DataFrames: its preparation is part of it. Raises StudyError before there is a
        verdict.
        """
        return self.model()

    @errors_spelled()
    def model(self, *, candidate: str = BEST, seeds: int | str = ALL) -> Predictor:
        """Return a model of the study, a module of torch that predicts DataFrames.

        Args:
            candidate: best, an arm's name, or ARM:NUMBER (a bare number is of the search).
            seeds: all: the ensemble of all confirmed seeds; a number: of the first ones.

        Raises:
            UsageError: There is no such model.
            StudyError: The study has not come so far that it could tell.
        """
        return self._contents().model(Order(candidate, read_networks(str(seeds))))

    def predict(
        self,
        X: object,
        *,
        source: str | None = None,
    ) -> pd.DataFrame:
        """Predict rows with the recommended model.

        Args:
            X: N rows of inputs, as `fit` takes data; targets are not needed, and other columns are
                ignored.
            source: Which source the rows are of, for a study of several.

        Returns:
            N rows in the users' units, with the index of `X`: for each task its value or label,
            and behind the labels their probabilities.

        Raises:
            DataError: A column is missing, or the rows cannot be read.
            StudyError: There is no verdict yet.
        """
        return predict_rows(self.best_model_, X, source, self._contents().announcer)

    def predict_proba(
        self,
        X: object,
        *,
        source: str | None = None,
    ) -> pd.DataFrame:
        """Predict probabilities with the recommended model.

        Args:
            X: N rows of inputs, as `predict` takes them.
            source: Which source the rows are of, for a study of several.

        Returns:
            N rows; the columns are pairs (task, class) of all tasks with classes, so that
            `frame["species"]` is a table of its classes. Its rows add up to 1, unless these are
            labels of a set.

        Raises:
            UsageError: No task has classes.
            DataError: A column is missing, or the rows cannot be read.
            StudyError: There is no verdict yet.
        """
        return predict_rows_proba(self.best_model_, X, source, self._contents().announcer)

    def score(
        self,
        X: object,
        y: object = None,
        *,
        source: str | None = None,
    ) -> float:
        """Return the mean skill of the recommended model on rows with targets, in points.

        0 is the best constant of the rows that were no test rows, 100 is perfect; the mean is over
        the tasks of these rows that count, by their importance.

        Args:
            X: N rows of inputs, with the target columns unless `y` has them.
            y: The target columns; None: `X` has them.
            source: Which source the rows are of, for a study of several.

        Raises:
            DataError: A target column is missing, or has no labels that can be scored.
            StudyError: There is no verdict yet.
        """
        contents = self._contents()
        dataset = contents.opened.dataset
        return mean_skill(self.best_model_, dataset, X, y, source, contents.announcer)

    @errors_spelled()
    def resume(  # noqa: PLR0913 - the list of options
        self,
        *,
        trainings: int | None = None,
        seeds: int | str | None = None,
        outer_folds: int | None = None,
        margin: float | None = None,
        more_baseline: bool = False,
        arms: Names = None,
        epochs: int | None = None,
        ray_address: str | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> Self:
        """Continue the study after any interruption, or extend it; return self.

        Args:
            trainings: A larger budget of each arm, to extend the study.
            seeds: More fresh trainings of each arm's best; auto: up to 20 as needed.
            outer_folds: Search so many sets of test rows, of which the study's own are the first.
            margin: Points of mean skill that make no difference that matters.
            more_baseline: Give the baseline twice the budget of the other arms.
            arms: Further arms, with the budget of the others.
            epochs: What the study has; others need a new study, which the error says how to make.
            ray_address: The Ray cluster that trains from now on; local: this machine.
            callbacks: Hear what happens from now on; None: those that the study was given before.

        Raises:
            UsageError: A number is out of range, or what is to train it is not there.
            StudyError: Another process works on the study, or something would shrink.
            InterruptedSearchError: After Ctrl-C, with everything finished recorded.
        """
        asked_seeds = None if seeds is None else read_seeds(str(seeds))
        contents = self._contents()
        if epochs is not None:
            contents.stored.refuse_epochs(epochs)
        if callbacks is not None:
            contents.callbacks = checked_callbacks(callbacks)
        added_arms = comma_separated(arms) if arms else ()
        contents.work(
            Extension(
                trainings=trainings,
                seeds=asked_seeds,
                outer_folds=outer_folds,
                margin=margin,
                more_baseline=more_baseline,
                arms=added_arms,
                ray_address=ray_address,
            )
        )
        return self

    def next_steps(self) -> list[str]:
        """Return commands of the command line that go on from here, a line each."""
        steps = [open_page(self.report_), *next_steps(self.report_)]
        width = max(len(step.command) for step in steps)
        return ["next:", *(f"  {step.command:{width}}  {step.purpose}" for step in steps)]

    @errors_spelled()
    def write_report(
        self,
        *,
        greedy_ensemble: bool = False,
        margin: float | None = None,
        to: str | Path | None = None,
    ) -> Path:
        """Write report.html, report.json, tables and drawings into a folder.

        Args:
            greedy_ensemble: Also choose an ensemble among the confirmed models of all arms.
            margin: Answer by this margin, in this report; `resume` keeps one.
            to: The folder; None: `report` in that of the study.

        Returns:
            The path of report.html.

        Raises:
            StudyError: The study cannot be written, and no other folder is named.
        """
        contents = self._contents()
        stored = contents.stored
        folder = report_page(stored).parent if to is None else Path(to)
        if to is None and not is_writable(stored.folder):
            raise StudyError(
                f"{stored.folder}: this study cannot be written; name a folder for its report "
                "with --to"
            )
        if margin is not None:
            stored.set_margin(margin)
            contents.announcer.tell(f"--margin {margin:g}: in this report; `resume` keeps it")
        if greedy_ensemble:
            with stored.lock():
                add_greedy_ensemble(stored, contents.opened.dataset, BASELINE)
        contents.forget()
        return write_report(contents.report, folder)

    @errors_spelled()
    def export(  # noqa: PLR0913 - the list of options
        self,
        to: str | Path,
        *,
        candidate: str = BEST,
        seeds: int | str = ALL,
        formats: Names = "code",
        best_per_task: bool = False,
        tasks: Names = None,
        refit: bool = False,
    ) -> Exported:
        """Write a model as plain PyTorch code with its weights, checked in a clean interpreter.

        Args:
            to: Folder of the exported model; it must not exist or be empty.
            candidate: best, an arm's name, or ARM:NUMBER (a bare number is of the search).
            seeds: all: the ensemble of all confirmed seeds; a number: of the first ones.
            formats: Of code, onnx and torch-export, those that are written.
            best_per_task: Let ready-made models predict the tasks where they are surely better.
            tasks: Only these, with what they need and nothing else; None: all.
            refit: Train it anew on all rows, the test rows as well; no score is measured on it.

        Returns:
            What is to be known of it: its size, its largest deviation, and notes.

        Raises:
            UsageError: There is no such model or format, or the folder is in use.
            ExportError: The model cannot be exported.
            StudyError: There is no verdict yet.
        """
        order = Order(
            choice=candidate,
            seeds=read_networks(str(seeds)),
            formats=comma_separated(formats),
            best_per_task=best_per_task,
            tasks=comma_separated(tasks),
            refit=refit,
        )
        return self._contents().export(order, Path(to))

    def status(self) -> StudyStatus:
        """Return for every arm what is done, running, failed and left."""
        return StudyStatus.of(self._contents().stored)
