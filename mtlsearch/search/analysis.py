"""What a study says so far: candidates, affinities, picks, confirmed models and the verdict.

It is computed once; report, console and export all read these objects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from optuna.trial import FrozenTrial

from mtlsearch.arrays import Array
from mtlsearch.data import TEST, Dataset, ScarceClass, scarce_test_classes
from mtlsearch.errors import NoCandidateError
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.candidate_summary import CandidateSummary, pool
from mtlsearch.evidence.comparison import (
    ENSEMBLE,
    Comparison,
    Models,
    compare,
    compare_ensembles,
)
from mtlsearch.evidence.ensemble import (
    Ensemble,
    JackknifedScores,
    NoEnsemble,
    Predictions,
    ScoredModel,
    combine,
    jackknife,
    weighted_mean,
)
from mtlsearch.evidence.pooled import (
    FoldWeights,
    pool_comparisons,
    pool_reference_comparisons,
)
from mtlsearch.evidence.references import (
    ReferenceChoice,
    ReferenceComparison,
    choose_references,
    compare_reference,
    compare_reference_ensembles,
)
from mtlsearch.evidence.scoring import TestScorer, TestScores
from mtlsearch.evidence.selection import Pick, pick, reference_scores
from mtlsearch.evidence.verdict import Contender, Verdict, decide, settle
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.search.arms import ARMS, BASELINE, PRETRAINING_CONTROL, Arm
from mtlsearch.search.confirmed_files import read_predictions, read_weights
from mtlsearch.search.greedy_choice import GreedyChoice
from mtlsearch.search.ledger import confirmed_seed, files_of, is_recorded, result_of
from mtlsearch.search.parts import tested_parts, untested_part
from mtlsearch.search.reference_fits import FittedReference, pool_references, read_references
from mtlsearch.search.study import Study

NOT_YET_TRAINED = "not trained yet"
GREEDY = "greedy ensemble"  # what it is called where an arm has its name
MOST_REASONS = 3  # for failures that are told where nothing succeeded


@dataclass(frozen=True)
class ConfirmedTraining:
    """A training of a picked model with one fresh seed.

    `predictions` are those for the test rows, per task name; `scores` are computed from them.
    """

    seed_index: int
    result: TrainingResult
    predictions: Mapping[str, Array]
    scores: TestScores
    study: Path
    files: Mapping[str, str]

    def weights(self) -> bytes:
        """The trained weights in the format of safetensors.

        Raises StudyError when they cannot be read.
        """
        return read_weights(self.study, self.files)


@dataclass(frozen=True)
class Confirmed:
    """A pick and its trainings with fresh seeds that succeeded, in the order of their seeds.

    There is at least one. `left_out` says by the index of every other seed why it is not among
    them.
    """

    pick: Pick
    trainings: Sequence[ConfirmedTraining]
    left_out: Mapping[int, str] = field(default_factory=dict)

    @property
    def arm(self) -> str:
        """The arm that the pick is of."""
        return self.pick.arm

    def scores(self, task: str) -> list[float]:
        """The test score of a task, seed by seed."""
        return [training.scores.scores[task] for training in self.trainings]

    @property
    def by_seed(self) -> dict[int, TestScores]:
        """The test scores by the index of the seed."""
        return {training.seed_index: training.scores for training in self.trainings}


@dataclass(frozen=True)
class GreedyEnsemble:
    """The ensemble that was chosen among the confirmed models of all arms, on test rows.

    `comparison` is with the ensemble of the baseline; its interval is that of these very models and
    weights, and does not allow for their choice.
    """

    choice: GreedyChoice
    ensemble: Ensemble | NoEnsemble
    comparison: Comparison | NoEnsemble


class Analysis:
    """All that a study's recorded trainings say. Each part is computed when it is first asked for.

    It reads the study as it is at that moment: after further trainings make another one.
    """

    def __init__(self, study: Study, dataset: Dataset) -> None:
        self.study = study
        self.dataset = dataset
        self._jackknives: dict[tuple[str, tuple[int, ...]], JackknifedScores | NoEnsemble] = {}

    @cached_property
    def outer_folds(self) -> Sequence["Analysis"]:
        """What each outer fold says by itself; of a study with one set of test rows its own."""
        folds = [self]
        for part in tested_parts(self.study, self.dataset)[1:]:
            folds.append(Analysis(part.study, part.dataset))
        return folds

    @cached_property
    def all_rows(self) -> "Analysis | None":
        """The search of all rows, whose models are handed over; its scores say nothing.

        None where a study has one set of test rows: the models that were tested are handed over.
        """
        part = untested_part(self.study, self.dataset)
        return None if part is None else Analysis(part.study, part.dataset)

    @cached_property
    def own_test_rows(self) -> int:
        """How many rows of all sources are test rows of this outer fold."""
        return _test_rows(self.dataset)

    @cached_property
    def tested_rows(self) -> int:
        """How many rows of all sources are test rows, over all outer folds."""
        return sum(_test_rows(fold.dataset) for fold in self.outer_folds)

    @cached_property
    def weights(self) -> FoldWeights:
        """How much each outer fold counts."""
        tested = [_test_rows(fold.dataset) for fold in self.outer_folds]
        others = []
        for fold, test in zip(self.outer_folds, tested, strict=True):
            rows = sum(len(source.inputs) for source in fold.dataset.sources.values())
            others.append(rows - test)
        return FoldWeights.of(tested, others)

    @cached_property
    def trials(self) -> Mapping[str, Sequence[Trial]]:
        """The finished trainings of every arm, in order."""
        return {arm: self.study.trials(arm) for arm in self.study.request.arms}

    @cached_property
    def affinities(self) -> Mapping[str, Affinity | None]:
        """What all trainings of an arm say together; None where they are too few."""
        tasks = self.dataset.tasks
        return {arm: Affinity.fit(trials, tasks) for arm, trials in self.trials.items()}

    @cached_property
    def candidates(self) -> Mapping[str, Sequence[CandidateSummary]]:
        """The candidates of every arm, each with its trainings pooled."""
        replicates = self.study.request.replicates
        summaries = {}
        for arm, trials in self.trials.items():
            summaries[arm] = pool(trials, self.affinities[arm], replicates)
        return summaries

    @cached_property
    def all_candidates(self) -> Sequence[CandidateSummary]:
        """The candidates of all arms, arm by arm."""
        return [summary for summaries in self.candidates.values() for summary in summaries]

    @cached_property
    def reference(self) -> Mapping[str, float]:
        """The validation scores that gains are measured against, per task.

        Empty before there is any.
        """
        if not self.all_candidates:
            return {}
        baseline = self.candidates.get(BASELINE, [])
        return reference_scores(baseline, self.all_candidates, self.dataset.tasks)

    @cached_property
    def picks(self) -> Sequence[Pick]:
        """The models that were chosen for confirmation; empty before they are chosen."""
        return self.study.picks()

    def choose(self) -> list[Pick]:
        """Choose the best model of every arm, on validation scores only.

        Raises NoCandidateError when no training succeeded.
        """
        if not self.all_candidates:
            raise NoCandidateError(f"{self.study.folder}: no training succeeded; {self._reasons()}")
        picks = []
        for name, summaries in self.candidates.items():
            arm = ARMS[name]
            best = pick(
                name,
                summaries,
                self.dataset.tasks,
                self.reference,
                must_share=arm.must_share,
                per_task=arm.per_task,
            )
            if best is not None:
                picks.append(best)
        return picks

    def _reasons(self) -> str:
        failures: set[str] = set()
        for trials in self.trials.values():
            failures.update(trial.result.failure or "" for trial in trials)
        return f"reasons: {'; '.join(sorted(failures)[:MOST_REASONS])}"

    @cached_property
    def confirmed(self) -> Sequence[Confirmed]:
        """The picks of which a training with a fresh seed succeeded, each with these trainings.

        Raises StudyError when a file of their predictions cannot be read.
        """
        by_arm = self._confirmation_by_arm()
        confirmed = []
        for chosen in self.picks:
            seeds = by_arm.get(chosen.arm, {})
            trainings = []
            left_out = {}
            for index in range(self.study.request.seeds):
                training = seeds.get(index, NOT_YET_TRAINED)
                if isinstance(training, ConfirmedTraining):
                    trainings.append(training)
                else:
                    left_out[index] = training
            if trainings:
                confirmed.append(Confirmed(chosen, trainings, left_out))
        return confirmed

    def _confirmation_by_arm(self) -> dict[str, dict[int, ConfirmedTraining | str]]:
        """By arm and index of the seed the training, or why there is none that says anything."""
        by_arm: dict[str, dict[int, ConfirmedTraining | str]] = {}
        for stored in self.study.stored_trials(self.study.confirmation):
            if is_recorded(stored):
                arm, seed_index = confirmed_seed(stored)
                seeds = by_arm.setdefault(arm, {})
                seeds[seed_index] = self._confirmed_training(stored)
        return by_arm

    def _confirmed_training(self, stored: FrozenTrial) -> ConfirmedTraining | str:
        """A recorded training of the confirmation; why it says nothing where it failed.

        One whose scores are not all defined says nothing either.
        """
        result = result_of(stored)
        if result.failure is not None:
            return result.failure
        files = files_of(stored)
        predictions = read_predictions(self.study.folder, files)
        scores = self._scorer.score(predictions)
        if not scores.finite:
            names = ", ".join(scores.undefined)
            return f"its test score is undefined for {names}"
        _, seed_index = confirmed_seed(stored)
        return ConfirmedTraining(
            seed_index=seed_index,
            result=result,
            predictions=predictions,
            scores=scores,
            study=self.study.folder,
            files=files,
        )

    @cached_property
    def _scorer(self) -> TestScorer:
        return TestScorer(self.dataset, self.study.request.seed)

    @cached_property
    def ensembles(self) -> Mapping[str, Ensemble | NoEnsemble]:
        """By arm the ensemble of all its confirmed trainings, or why there is none.

        That row i of all predictions is the same test row is sure: the data set alone says which
        rows these are, the study is refused with another one, and the scorer refuses predictions
        that are not as many.
        """
        ensembles = {}
        for model in self.confirmed:
            members = []
            for training in model.trainings:
                members.append(ScoredModel(training.predictions, training.scores))
            ensembles[model.arm] = combine(
                members,
                self._scorer,
                self.dataset.tasks,
                self._rarest,
            )
        return ensembles

    @cached_property
    def scarce(self) -> Sequence[ScarceClass]:
        """The classes with few test rows, over all outer folds, that a score rests on."""
        datasets = [fold.dataset for fold in self.outer_folds]
        return [entry for entry in scarce_test_classes(*datasets) if entry.limits]

    @cached_property
    def _rarest(self) -> Mapping[str, int]:
        """By the name of a task with scarce classes of how many values its score is as sure.

        These are those of this outer fold.
        """
        scarce = scarce_test_classes(self.dataset)
        return {entry.task: entry.rests_on for entry in scarce if entry.limits}

    @cached_property
    def comparisons(self) -> Mapping[str, Comparison]:
        """The single models of every other arm against the baseline's, over all outer folds.

        An arm that has none in an outer fold is not among them.
        """
        folds = [fold.own_comparisons for fold in self.outer_folds]
        if len(folds) == 1:
            return folds[0]
        pooled = {}
        for arm in folds[0]:
            if all(arm in comparisons for comparisons in folds):
                of_arm = [comparisons[arm] for comparisons in folds]
                pooled[arm] = pool_comparisons(of_arm, self.weights)
        return pooled

    @cached_property
    def ensemble_comparisons(self) -> Mapping[str, Comparison | NoEnsemble]:
        """The ensemble of every other arm against the baseline's, over all outer folds.

        Where an outer fold has none it says why they are not compared.
        """
        folds = [fold.own_ensemble_comparisons for fold in self.outer_folds]
        if len(folds) == 1:
            return folds[0]
        pooled: dict[str, Comparison | NoEnsemble] = {}
        for arm in self.comparisons:
            of_arm = []
            for comparisons in folds:
                comparison = comparisons[arm]
                if isinstance(comparison, NoEnsemble):
                    pooled[arm] = comparison
                else:
                    of_arm.append(comparison)
            if len(of_arm) == len(folds):
                pooled[arm] = pool_comparisons(of_arm, self.weights)
        return pooled

    @cached_property
    def own_comparisons(self) -> Mapping[str, Comparison]:
        """The single models of every other arm against the baseline's, in this outer fold.

        They are compared over the seeds that succeeded in both.
        """
        models = {model.arm: model for model in self.confirmed}
        comparisons = {}
        for arm, seeds in self._common_seeds.items():
            ours = [models[arm].by_seed[seed] for seed in seeds]
            reference = [models[BASELINE].by_seed[seed] for seed in seeds]
            comparisons[arm] = compare(arm, ours, reference, self.dataset.tasks, self._rarest)
        return comparisons

    @cached_property
    def own_ensemble_comparisons(self) -> Mapping[str, Comparison | NoEnsemble]:
        """The ensemble of every other arm against the baseline's, or why they are not compared.

        Both are made of the seeds that succeeded in both arms.
        """
        comparisons: dict[str, Comparison | NoEnsemble] = {}
        for arm, seeds in self._common_seeds.items():
            ours = self._jackknifed(arm, seeds)
            baseline = self._jackknifed(BASELINE, seeds)
            comparisons[arm] = self._compare_ensembles(arm, ours, baseline)
        return comparisons

    def _compare_ensembles(
        self,
        name: str,
        ours: JackknifedScores | NoEnsemble,
        baseline: JackknifedScores | NoEnsemble,
    ) -> Comparison | NoEnsemble:
        """The comparison of two ensembles of the same seeds, or why one of them is none."""
        if isinstance(ours, NoEnsemble):
            return ours
        if isinstance(baseline, NoEnsemble):
            return baseline
        return compare_ensembles(name, ours, baseline, self.dataset.tasks, self._rarest)

    @cached_property
    def _common_seeds(self) -> Mapping[str, tuple[int, ...]]:
        """By every other arm the seeds that succeeded in it and in the baseline, if any did."""
        by_arm = {model.arm: set(model.by_seed) for model in self.confirmed}
        baseline = by_arm.pop(BASELINE, set())
        common = {}
        for arm, seeds in by_arm.items():
            shared = tuple(sorted(seeds & baseline))
            if shared:
                common[arm] = shared
        return common

    def _jackknifed(self, arm: str, seeds: Sequence[int]) -> JackknifedScores | NoEnsemble:
        """The scores of an arm's ensemble of these seeds, and of it without each of them.

        They are kept: most comparisons are with the baseline or the recommended arm.
        """
        key = (arm, tuple(seeds))
        if key not in self._jackknives:
            predictions = self._predictions[arm]
            members = [predictions[seed] for seed in seeds]
            self._jackknives[key] = jackknife(members, self._scorer)
        return self._jackknives[key]

    @cached_property
    def _predictions(self) -> Mapping[str, Mapping[int, Predictions]]:
        """By arm and index of the seed what its confirmed model predicts for the test rows."""
        by_arm = {}
        for model in self.confirmed:
            seeds = {training.seed_index: training.predictions for training in model.trainings}
            by_arm[model.arm] = seeds
        return by_arm

    @cached_property
    def greedy_ensemble(self) -> GreedyEnsemble | None:
        """The ensemble that was chosen among the confirmed models; None where none was.

        Its member of a seed is the weighted mean of the chosen models of that seed, so that it is
        scored and compared as the ensemble of an arm is.
        """
        choice = self.study.greedy_choice
        if choice is None:
            return None
        members = []
        for seed in choice.seeds:
            models = []
            for arm in choice.counts:
                predictions = self._predictions.get(arm, {}).get(seed)
                if predictions is None:
                    reason = NoEnsemble(f"{arm} has no test score of seed {seed}")
                    return GreedyEnsemble(choice, reason, reason)
                models.append(predictions)
            members.append(weighted_mean(models, list(choice.weights.values())))
        return GreedyEnsemble(
            choice,
            self._score_members(members),
            self._compare_members(members, choice.seeds),
        )

    def _score_members(self, members: Sequence[Predictions]) -> Ensemble | NoEnsemble:
        scored = [ScoredModel(member, self._scorer.score(member)) for member in members]
        return combine(scored, self._scorer, self.dataset.tasks, self._rarest)

    def _compare_members(
        self, members: Sequence[Predictions], seeds: Sequence[int]
    ) -> Comparison | NoEnsemble:
        """The ensemble of these members, one of each seed, against the baseline's of the same."""
        baseline = self._predictions.get(BASELINE, {})
        if not set(seeds) <= baseline.keys():
            return NoEnsemble(f"{BASELINE} lacks some of its seeds")
        ours = jackknife(members, self._scorer)
        return self._compare_ensembles(GREEDY, ours, self._jackknifed(BASELINE, seeds))

    @cached_property
    def verdict(self) -> Verdict | None:
        """The answer to whether sharing pays, for the models that the study was asked to compare.

        None before an arm that shares is confirmed beside the baseline.
        """
        single = self._decide(self.comparisons)
        if single is None:
            return None
        return settle(self.study.request.compare, single, self._ensemble_verdict())

    def _ensemble_verdict(self) -> Verdict | NoEnsemble:
        """The answer for ensembles; why there is none where an arm that shares lacks its own."""
        comparisons = {}
        for arm, comparison in self.ensemble_comparisons.items():
            if isinstance(comparison, Comparison):
                comparisons[arm] = comparison
            elif ARMS[arm].shares:
                return comparison
        verdict = self._decide(comparisons)
        assert verdict is not None, "each arm that shares has an ensemble"
        return verdict

    def _decide(self, comparisons: Mapping[str, Comparison]) -> Verdict | None:
        contenders = []
        for name, arm in ARMS.items():
            if arm.shares and name in comparisons:
                contender = self._contender(arm, self.handed_over(name), comparisons[name])
                contenders.append(contender)
        return decide(contenders, BASELINE, PRETRAINING_CONTROL, self.scarce)

    @cached_property
    def references(self) -> Sequence[FittedReference]:
        """The references as far as they are fitted in all outer folds; none where none are wanted.

        Raises StudyError when a file of their predictions cannot be read.
        """
        folds = [fold.own_references for fold in self.outer_folds]
        if len(folds) == 1:
            return folds[0]
        return pool_references(folds, self.weights)

    @cached_property
    def own_references(self) -> Sequence[FittedReference]:
        """The references as far as they are fitted in this outer fold."""
        return read_references(self.study, self._scorer)

    @cached_property
    def reference_comparisons(self) -> Mapping[str, ReferenceComparison]:
        """By the name of a reference what it gains over the recommended model.

        Ensembles are compared with ensembles where the verdict does so. Empty before there is a
        verdict.
        """
        if self.verdict is None:
            return {}
        verdict = self.verdict
        folds = []
        for fold in self.outer_folds:
            folds.append(fold.own_reference_comparisons(verdict.recommended, verdict.models))
        if len(folds) == 1:
            return folds[0]
        pooled = {}
        for reference in self.references:
            of_folds = [comparisons[reference.name] for comparisons in folds]
            seeds = self.study.request.seeds
            comparison = pool_reference_comparisons(of_folds, self.weights, seeds)
            pooled[reference.name] = comparison
        return pooled

    def own_reference_comparisons(
        self, recommended: str, models: Models
    ) -> dict[str, ReferenceComparison]:
        """By the name of a reference what it gains in this outer fold over the model of an arm."""
        comparisons = {}
        for reference in self.own_references:
            comparison = None
            if models == ENSEMBLE:
                comparison = self._reference_ensembles(reference, recommended)
            if comparison is None:
                comparison = self._reference_fits(reference, recommended)
            comparisons[reference.name] = comparison
        return comparisons

    def _reference_fits(self, reference: FittedReference, recommended: str) -> ReferenceComparison:
        """The fits of a reference against the networks of an arm, seed by seed."""
        by_arm = {model.arm: model.by_seed for model in self.confirmed}
        return compare_reference(
            reference.scores(),
            by_arm.get(recommended, {}),
            self.dataset.tasks,
            self._rarest,
        )

    def _reference_ensembles(
        self,
        reference: FittedReference,
        recommended: str,
    ) -> ReferenceComparison | None:
        """The ensemble of a reference's fits against that of an arm; None where there are not both.

        It is of the seeds that both have, and of the tasks that all these fits have a model of.
        """
        networks = self._predictions[recommended]
        fits = [fit for fit in reference.fits if fit.seed_index in networks]
        names = [task.name for task in self.dataset.tasks]
        for fit in fits:
            names = [name for name in names if name in fit.scores.scores]
        members = [{name: fit.predictions[name] for name in names} for fit in fits]
        ours = jackknife(members, self._scorer)
        theirs = self._jackknifed(recommended, [fit.seed_index for fit in fits])
        if isinstance(ours, NoEnsemble) or isinstance(theirs, NoEnsemble):
            return None
        return compare_reference_ensembles(
            reference.name,
            ours,
            theirs,
            self.dataset.tasks,
            self._rarest,
        )

    @cached_property
    def reference_choices(self) -> Mapping[str, ReferenceChoice]:
        """By the name of a task the reference that is best on validation rows.

        Beside it stands whether it is better than the recommended model on test rows. Empty before
        there is a verdict.
        """
        if self.verdict is None:
            return {}
        scores = [reference.scores() for reference in self.references]
        return choose_references(
            scores,
            self.reference_comparisons,
            self.dataset.tasks,
            self.study.request.seeds,
        )

    def handed_over(self, arm: str) -> Pick:
        """The pick of an arm that is handed over, with what all outer folds expect of theirs.

        Before all rows are searched it is that of the first fold.
        """
        picks = [fold.pick_of(arm) for fold in self.outer_folds]
        chosen = [entry for entry in picks if entry is not None]
        last = self.all_rows.pick_of(arm) if self.all_rows else None
        gains = [entry.validation_gain for entry in chosen]
        return replace(
            last or chosen[0],
            validation_gain=sum(gains) / len(gains),
            breach=max(entry.breach for entry in chosen),
        )

    def pick_of(self, arm: str) -> Pick | None:
        """The model that was picked from an arm; None where none was."""
        for chosen in self.picks:
            if chosen.arm == arm:
                return chosen
        return None

    def _contender(self, arm: Arm, chosen: Pick, comparison: Comparison) -> Contender:
        names = [task.name for task in self.dataset.tasks]
        pretrained = False
        for component in chosen.composition:
            pretrained |= bool(component.candidate.initialization.pretraining)
        return Contender(
            comparison=comparison,
            validation_gain=chosen.validation_gain,
            groups=chosen.composition.groups(names),
            phrase=arm.phrase,
            pretrained=pretrained,
            breach=chosen.breach,
        )


def _test_rows(dataset: Dataset) -> int:
    """How many rows of all sources are test rows."""
    counts = [int((source.splits.role == TEST).sum()) for source in dataset.sources.values()]
    return sum(counts)
