"""The search as an estimator in scikit-learn's manner."""

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from mtlsearch.api.announcing import Announcer
from mtlsearch.api.contents import Contents
from mtlsearch.api.errors_spelled import errors_spelled
from mtlsearch.api.findings import Findings
from mtlsearch.api.given_data import as_file, names_of, with_whole_paths
from mtlsearch.api.problem import Problem, create_study
from mtlsearch.api.study import Study
from mtlsearch.api.words import (
    Names,
    TaskNames,
    Values,
    comma_separated,
    listed,
    option_flags,
    space_name,
    task_flags,
)
from mtlsearch.api.working import process_as_it_was
from mtlsearch.arrays import Array
from mtlsearch.callbacks import Callback
from mtlsearch.callbacks.telling import checked_callbacks
from mtlsearch.data import ColumnFlags
from mtlsearch.errors import UsageError
from mtlsearch.scratch import scratch_folder
from mtlsearch.search.arms import USUAL
from mtlsearch.search.dry_run import dry_run
from mtlsearch.search.effort import DEFAULT_EFFORT, Effort, Wishes
from mtlsearch.search.own_samplers import own_sampler_of
from mtlsearch.search.seed_plan import read_seeds
from mtlsearch.search.study_loading import check_folds
from mtlsearch.search.worker_context import resolve_device

STORED_AS_THEY_ARE = (
    "minutes",
    "replicates",
    "seed",
    "workers",
    "gpus_per_worker",
    "sampler",
    "engine",
    "compare",
    "margin",
    "greedy_ensemble",
    "references",
    "reference_rows",
    "more_baseline",
    "ray_address",
    "device",
    "runner",
)
"""The parameters that a study stores under their own names."""


class Search(Findings, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Search what the tasks of a multi-task network should share, and whether they should at all.

    The parameters are the options of the command line: their names (with `_` for `-`), defaults and
    meanings. The constructor stores them; `fit` makes the study.

    Args:
        space: A search space: a YAML file, or a name from `spaces()`; None: the one for this kind
            of data.
        effort: quick (not for conclusions), default or thorough: the space, the trainings, the
            seeds and the outer folds of which nothing is said.
        minutes: The time to spend in all: the budget is what fits into it; None: say `trainings`.
        trainings: Budget of each arm, in trainings; None: 32, or as the effort has it.
        replicates: Trainings of each candidate, with other seeds and folds.
        epochs: Most epochs per training; None: the space's.
        seed: Seed of the whole study.
        seeds: Fresh trainings of each arm's best, for the verdict; auto: 5, up to 20 as needed;
            None: auto, or as the effort has it.
        outer_folds: Sets of test rows, each with a search of its own: with 5, every row is tested;
            None: 1, or as the effort has it.
        workers: Parallel trials; 0: one per CPU core.
        gpus_per_worker: Share of a GPU for each worker; 0: on this machine as their number and the
            GPU's memory allow, on a cluster none.
        sampler: affinity, tpe, nsga2, nsga3, random, or `module:Class`, a class of samplers of
            Optuna's, in a module that is installed or lies beside the space or in the working
            directory; None: what the space says, or else affinity.
        engine: auto, forest or serial.
        compare: ensemble (of an arm's fresh trainings) or single: what the verdict is on.
        margin: Points of mean skill that make no difference that matters.
        greedy_ensemble: Also choose an ensemble among the confirmed models of all arms.
        references: Fit ready-made models for comparison.
        reference_rows: Most training rows of a ready-made model; None: as each kind takes.
        arms: Names of arms, or one text with commas; None: all but those that must be named.
        more_baseline: Give the baseline, single_task, twice the budget of the other arms.
        storage: Database URL; None: SQLite in the study's folder.
        ray_address: A Ray cluster; None: this machine.
        device: auto, cpu or cuda.
        runner: ray, which trains in processes beside this one, or local, which trains here, one
            after another: quicker to start, for small studies.
        study: Folder of the new study; None: studies/NAME-TIME.
        categorical: Columns of names, even if they are numbers.
        text: Columns of free text.
        image: Columns of paths of pictures.
        ignore: Columns to leave out.
        missing: Words that stand for a missing value.
        group: A column whose equal values stay on one side of the split.
        time: A column of times: the last rows are the test rows.
        split_column: A column that says train, val or test.
        importance: By task its weight, in choices and in its loss.
        auxiliary: Tasks that only help others and are not scored.
        at_most_worse: By task, by how many percent it may be worse than with separate models.
        progress: Whether progress is shown, on standard error or as a display in a notebook.
        verbose: Whether notices and warnings are told on standard error. `logging` has them
            anyhow, under `mtlsearch`, and `report_.data` keeps them.
        callbacks: Hear of trainings, phases and the verdict, in `fit` and `resume`: objects of
            classes that derive from `mtlsearch.callbacks.Callback`. They are no part of the study.

    Attributes:
        study_: The study. It is there before training begins, so that whatever stops `fit` leaves
            a study that `resume` goes on with, here or from the command line.
        verdict_, front_, leaderboard_, affinity_, report_, best_model_: What the study found.

    Example:
        >>> search = Search("quick", trainings=8, runner="local", study="studies/clinic")
        >>> search.fit(visits, tasks={"readmitted": "binary", "stay": None})  # doctest: +SKIP
        >>> print(search.verdict_.sentence)  # doctest: +SKIP
        >>> search.predict(new_visits)  # doctest: +SKIP
    """

    def __init__(  # noqa: PLR0913 - the list of options
        self,
        space: str | PathLike[str] | None = None,
        *,
        effort: str = DEFAULT_EFFORT,
        minutes: float | None = None,
        trainings: int | None = None,
        replicates: int = 2,
        epochs: int | None = None,
        seed: int = 0,
        seeds: int | str | None = None,
        outer_folds: int | None = None,
        workers: int = 0,
        gpus_per_worker: float = 0.0,
        sampler: str | None = None,
        engine: str = "auto",
        compare: str = "ensemble",
        margin: float = 1.0,
        greedy_ensemble: bool = False,
        references: bool = True,
        reference_rows: int | None = None,
        arms: Names = None,
        more_baseline: bool = False,
        storage: str | None = None,
        ray_address: str | None = None,
        device: str = "auto",
        runner: str = "ray",
        study: str | PathLike[str] | None = None,
        categorical: Names = None,
        text: Names = None,
        image: Names = None,
        ignore: Names = None,
        missing: Names = None,
        group: str | None = None,
        time: str | None = None,
        split_column: str | None = None,
        importance: Values = None,
        auxiliary: Names = None,
        at_most_worse: Values = None,
        progress: bool = True,
        verbose: bool = True,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        self.space = space
        self.effort = effort
        self.minutes = minutes
        self.trainings = trainings
        self.replicates = replicates
        self.epochs = epochs
        self.seed = seed
        self.seeds = seeds
        self.outer_folds = outer_folds
        self.workers = workers
        self.gpus_per_worker = gpus_per_worker
        self.sampler = sampler
        self.engine = engine
        self.compare = compare
        self.margin = margin
        self.greedy_ensemble = greedy_ensemble
        self.references = references
        self.reference_rows = reference_rows
        self.arms = arms
        self.more_baseline = more_baseline
        self.storage = storage
        self.ray_address = ray_address
        self.device = device
        self.runner = runner
        self.study = study
        self.categorical = categorical
        self.text = text
        self.image = image
        self.ignore = ignore
        self.missing = missing
        self.group = group
        self.time = time
        self.split_column = split_column
        self.importance = importance
        self.auxiliary = auxiliary
        self.at_most_worse = at_most_worse
        self.progress = progress
        self.verbose = verbose
        self.callbacks = callbacks

    @errors_spelled()
    def fit(
        self,
        X: object,
        y: object = None,
        *,
        tasks: TaskNames = None,
    ) -> Self:
        """Make a study of data, search, confirm, and give a verdict.

        Args:
            X: N rows of inputs and targets: a pandas or Polars DataFrame; a dict of numpy arrays
                [N], [N, F], [N, steps, channels] or [N, channels, height, width]; a torch Dataset
                of `(inputs, targets)`; a Hugging Face Dataset; a card as a mapping, whose sources
                may be such tables; or the path of a table or a card, or the name of an embedded
                problem. What is in memory is kept in the study's folder.
            y: Target columns that `X` does not hold, [N, T]: a DataFrame, a dict or an array.
            tasks: By name the kind and metric of each task, `"KIND[:METRIC]"`, or None to have both
                inferred; or a list of `NAME[:KIND[:METRIC]]`. None: the columns of `y`, or the
                tasks of the card.

        Returns:
            Itself.

        Raises:
            UsageError: A parameter is wrong.
            DataError: The data or the tasks cannot be used.
            SpaceError: The space cannot be used, or not for these data.
            StudyError: The study's folder is in use.
            NoCandidateError: No training succeeded.
            InterruptedSearchError: After Ctrl-C; `resume` goes on.
        """
        callbacks = checked_callbacks(self.callbacks)
        announcer = Announcer(self.verbose, self.progress)
        folder = None if self.study is None else Path(self.study)
        effort = self._effort(announcer)
        with scratch_folder() as temporary, process_as_it_was():
            problem = self._problem(X, y, tasks, temporary, effort)
            settings = self._settings(effort)
            opened = create_study(problem, settings, folder, self.storage, announcer)
        contents = Contents(opened, announcer, callbacks)
        self.study_ = Study(contents)
        contents.work()
        return self

    def check(
        self,
        X: object,
        y: object = None,
        *,
        tasks: TaskNames = None,
    ) -> Iterator[str]:
        """Validate data and space, train one step, and estimate time and memory.

        Args:
            X: The data, as `fit` takes them.
            y: Target columns that `X` does not hold.
            tasks: The tasks, as `fit` takes them.

        Yields:
            What was understood, found and estimated, line by line; the last line is `ok`.

        Raises:
            DataError: The data cannot be used.
            SpaceError: The space cannot be used, or not for these data.
            NoCandidateError: A training fails.
        """
        with errors_spelled(), scratch_folder() as temporary, process_as_it_was():
            effort = self._effort(Announcer(self.verbose, self.progress))
            problem = self._problem(X, y, tasks, temporary, effort)
            dataset, space = problem.load()
            check_folds(dataset)
            device = resolve_device(self.device)
            request = problem.request(self._settings(effort), dataset, space)
            sampler = own_sampler_of(request)
            if sampler is not None:
                yield sampler.describe()
            yield from dry_run(dataset, space, device, request)

    def _effort(self, announcer: Announcer) -> Effort:
        """Return how much is spent; what an effort means is told. Raises UsageError."""
        if self.minutes is not None and self.trainings is not None:
            raise UsageError(
                f"--minutes: found {self.minutes:g} beside --trainings {self.trainings}; "
                "say one of them"
            )
        wishes = Wishes(
            self.trainings,
            None if self.seeds is None else read_seeds(str(self.seeds)),
            self.outer_folds,
            space_name(self.space),
        )
        effort = wishes.with_effort(self.effort)
        if self.effort != DEFAULT_EFFORT:
            announcer.tell(wishes.describe(self.effort))
        return effort

    def _settings(self, effort: Effort) -> dict[str, Any]:
        """Return what a study stores of the parameters."""
        settings = {name: getattr(self, name) for name in STORED_AS_THEY_ARE}
        settings["trainings"] = effort.trainings
        settings["seeds"] = effort.seeds
        settings["outer_folds"] = effort.outer_folds
        settings["arms"] = comma_separated(self.arms) if self.arms else USUAL
        return settings

    def _problem(
        self,
        X: object,
        y: object,
        tasks: TaskNames,
        scratch: Path,
        effort: Effort,
    ) -> Problem:
        """Return the problem in the words of the command line; data in memory are written."""
        flags = task_flags(tasks) or names_of(y)
        names = [flag.partition(":")[0] for flag in flags]
        columns = ColumnFlags(
            categorical=listed(self.categorical),
            text=listed(self.text),
            image=listed(self.image),
            ignore=listed(self.ignore),
            missing=listed(self.missing),
            group=self.group,
            time=self.time,
            split_column=self.split_column,
        )
        return Problem(
            data=as_file(with_whole_paths(X, columns.image), y, scratch, names),
            task_flags=flags,
            task_options=option_flags(self.importance, self.auxiliary, self.at_most_worse),
            columns=columns,
            space=effort.space,
            epochs=self.epochs,
        )

    @property
    def feature_names_in_(self) -> Array:
        """The names of the input columns, text [F]; of several sources, one after another."""
        sources = self._contents().opened.dataset.sources.values()
        names = [name for source in sources for name in source.inputs.columns]
        return np.array(names, dtype=object)

    @property
    def n_features_in_(self) -> int:
        """The number of input columns."""
        return len(self.feature_names_in_)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator: several targets, and any column."""
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.dict = True
        return tags

    def _repr_mimebundle_(
        self,
        **kwargs: Any,
    ) -> dict[str, str]:
        """Return what a notebook shows: the study, or before `fit` scikit-learn's diagram."""
        study: Study | None = getattr(self, "study_", None)
        if study is not None:
            return {"text/plain": repr(self), "text/html": study._repr_html_()}
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)
        return bundle

    def _contents(self) -> Contents:
        study: Study | None = getattr(self, "study_", None)
        if study is None:
            raise NotFittedError(
                "this Search is not fitted yet; call fit first, or open_study(FOLDER)"
            )
        return study._contents()
