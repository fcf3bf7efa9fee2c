"""What one set of test rows says of the searches that were blind to it, and what was picked there.

Each part is computed when it is first asked for.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

from optuna.trial import FrozenTrial

from mtlsearch.data import TEST, Dataset, scarce_test_classes
from mtlsearch.errors import NoCandidateError
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.candidate_summary import CandidateSummary, pool
from mtlsearch.evidence.comparison import (
    ENSEMBLE,
    SINGLE,
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
)
from mtlsearch.evidence.references import (
    ReferenceComparison,
    compare_fit_ensembles,
    compare_fits,
    compare_reference,
    compare_reference_ensembles,
)
from mtlsearch.evidence.scoring import TestScorer
from mtlsearch.evidence.selection import Pick, pick, reference_scores
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.records import Trial
from mtlsearch.search.affinity_file import AffinityFile
from mtlsearch.search.arms import ARMS, BASELINE
from mtlsearch.search.confirmed_files import read_predictions
from mtlsearch.search.confirmed_models import Confirmed, ConfirmedTraining
from mtlsearch.search.eligible import eligible, with_best_tree
from mtlsearch.search.ledger import confirmed_seed, files_of, is_recorded, result_of
from mtlsearch.search.reference_fits import FittedReference, read_references
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace

ALL_ARMS = "all-arms"  # the fit to the trainings of all of them
NOT_YET_TRAINED = "not trained yet"
MOST_REASONS = 3  # for failures that are told where nothing succeeded


class FoldEvidence:
    """The recorded trainings of a study, or of one of its outer folds, and what they come to.

    It reads the study as it is at that moment: after further trainings make another one.
    """

    def __init__(self, study: Study, dataset: Dataset) -> None:
        self.study = study
        self.dataset = dataset
        self._jackknives: dict[tuple[str, tuple[int, ...]], JackknifedScores | NoEnsemble] = {}

    @cached_property
    def trials(self) -> Mapping[str, Sequence[Trial]]:
        """The finished trainings of every arm, in order."""
        return {arm: self.study.trials(arm) for arm in self.study.request.arms}

    @cached_property
    def search_scales(self) -> SkillScales:
        """What validation scores are worth in points of skill."""
        return SkillScales.on_search_rows(self.dataset)

    @cached_property
    def test_scales(self) -> SkillScales:
        """What test scores are worth in points of skill."""
        return SkillScales.on_test_rows(self.dataset)

    @cached_property
    def affinity(self) -> Affinity | None:
        """What the trainings of all arms say together; None where they are too few."""
        trials = [trial for trials in self.trials.values() for trial in trials]
        return self._fit(trials, ALL_ARMS)

    def _fit(self, trials: Sequence[Trial], name: str) -> Affinity | None:
        """The affinities by some trainings; what takes time is kept beside the study."""
        memory = AffinityFile(self.study.folder, name)
        affinity = Affinity.fit(trials, self.search_scales, memory)
        memory.write()
        return affinity

    @cached_property
    def candidates(self) -> Mapping[str, Sequence[CandidateSummary]]:
        """The candidates of every arm, each with its trainings pooled."""
        replicates = self.study.request.replicates
        summaries = {}
        for arm, trials in self.trials.items():
            summaries[arm] = pool(trials, self.affinity, replicates)
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
        baseline: Sequence[CandidateSummary] = []
        if BASELINE in self.trials:
            baseline = self._pickable(BASELINE)
        return reference_scores(baseline, self.all_candidates, self.dataset.tasks)

    @cached_property
    def picks(self) -> Sequence[Pick]:
        """The models that were chosen for confirmation; empty before they are chosen."""
        return self.study.picks()

    def pick_of(self, arm: str) -> Pick | None:
        """The model that was picked from an arm; None where none was."""
        for chosen in self.picks:
            if chosen.arm == arm:
                return chosen
        return None

    def choose(self) -> list[Pick]:
        """Choose the best model of every arm, on validation scores only.

        It may have been trained in another arm, where it lies in this arm's space.

        Raises NoCandidateError when no training succeeded.
        """
        if not self.all_candidates:
            raise NoCandidateError(f"{self.study.folder}: no training succeeded; {self._reasons()}")
        picks = []
        for name in self.trials:
            arm = ARMS[name]
            best = pick(
                name,
                self._pickable(name),
                self.search_scales,
                self.reference,
                must_share=arm.must_share,
                per_task=arm.per_task,
            )
            if best is not None:
                picks.append(best)
        return picks

    def _pickable(self, name: str) -> Sequence[CandidateSummary]:
        """What an arm may pick, its own candidates first."""
        arm = ARMS[name]
        tasks = self.dataset.tasks
        if arm.stands_alone:
            trials = self.trials[name]
            affinity = self._fit(trials, name)
            return pool(trials, affinity, self.study.request.replicates)
        others = [other for other in self.candidates if other != name]
        trained = []
        for trained_in in [name, *others]:
            trials = self.trials[trained_in]
            candidates = {trial.number: trial.candidate for trial in trials}
            for summary in self.candidates[trained_in]:
                trained.append((candidates[summary.number], summary))
        models = eligible(arm, self._space, trained, tasks)
        if arm.tries_trees and self.affinity:
            models += with_best_tree(arm, self._space, trained, self.affinity)
        return models

    @cached_property
    def _space(self) -> SearchSpace:
        request = self.study.request
        tasks = len(self.dataset.tasks)
        return SearchSpace.from_mapping(request.space, tasks, request.space_name)

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
            for index in range(self.study.seeds):
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
    def own_test_rows(self) -> int:
        """How many rows of all sources are test rows."""
        counts = []
        for source in self.dataset.sources.values():
            counts.append(int((source.splits.role == TEST).sum()))
        return sum(counts)

    @cached_property
    def rows(self) -> int:
        """How many rows all sources have."""
        return sum(len(source.inputs) for source in self.dataset.sources.values())

    @property
    def other_rows(self) -> int:
        """How many rows of all sources are no test rows."""
        return self.rows - self.own_test_rows

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
                self.test_scales,
                self._rarest,
            )
        return ensembles

    @cached_property
    def _rarest(self) -> Mapping[str, int]:
        """By the name of a task with scarce classes of how many values its score is as sure."""
        scarce = scarce_test_classes(self.dataset)
        return {entry.task: entry.rests_on for entry in scarce if entry.limits}

    @cached_property
    def own_comparisons(self) -> Mapping[str, Comparison]:
        """The single models of every other arm against the baseline's, on these test rows.

        They are compared over the seeds that succeeded in both.
        """
        models = {model.arm: model for model in self.confirmed}
        comparisons = {}
        for arm, seeds in self._common_seeds.items():
            ours = [models[arm].by_seed[seed] for seed in seeds]
            reference = [models[BASELINE].by_seed[seed] for seed in seeds]
            comparisons[arm] = compare(arm, ours, reference, self.test_scales, self._rarest)
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
        return compare_ensembles(name, ours, baseline, self.test_scales, self._rarest)

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

    def compare_arms(self, arm: str, other: str, models: Models) -> Comparison | None:
        """The models of two arms over their common seeds; None where there are too few."""
        by_arm = {model.arm: model.by_seed for model in self.confirmed}
        if not {arm, other} <= by_arm.keys():
            return None
        seeds = sorted(by_arm[arm].keys() & by_arm[other].keys())
        if models == ENSEMBLE:
            ours = self._jackknifed(arm, seeds)
            others = self._jackknifed(other, seeds)
            comparison = self._compare_ensembles(arm, ours, others)
            return comparison if isinstance(comparison, Comparison) else None
        if not seeds:
            return None
        return compare(
            arm,
            [by_arm[arm][seed] for seed in seeds],
            [by_arm[other][seed] for seed in seeds],
            self.test_scales,
            self._rarest,
        )

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
    def own_references(self) -> Mapping[str, FittedReference]:
        """The references by their names as far as they are fitted on these folds.

        Raises StudyError when a file of their predictions cannot be read.
        """
        references = read_references(self.study, self._scorer)
        return {reference.name: reference for reference in references}

    def compare_reference(self, name: str, arm: str, models: Models) -> Comparison | None:
        """A reference against the networks of an arm, over the tasks and seeds that both have.

        None where there are none, or too few for ensembles.
        """
        reference = self.own_references.get(name)
        if reference is None:
            return None
        if models == SINGLE:
            by_arm = {model.arm: model.by_seed for model in self.confirmed}
            return compare_fits(
                reference.scores(),
                by_arm.get(arm, {}),
                self.test_scales,
                self._rarest,
            )
        ours, networks = self._paired_ensembles(reference, arm)
        if isinstance(ours, NoEnsemble) or isinstance(networks, NoEnsemble):
            return None
        return compare_fit_ensembles(
            reference.name,
            ours,
            networks,
            self.test_scales,
            self._rarest,
        )

    def own_reference_comparisons(
        self, recommended: str, models: Models
    ) -> dict[str, ReferenceComparison]:
        """By the name of a reference what it gains on these test rows over the model of an arm."""
        comparisons = {}
        for reference in self.own_references.values():
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
            self.test_scales,
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
        ours, networks = self._paired_ensembles(reference, recommended)
        if isinstance(ours, NoEnsemble) or isinstance(networks, NoEnsemble):
            return None
        return compare_reference_ensembles(
            reference.name,
            ours,
            networks,
            self.test_scales,
            self._rarest,
        )

    def _paired_ensembles(
        self, reference: FittedReference, arm: str
    ) -> tuple[JackknifedScores | NoEnsemble, JackknifedScores | NoEnsemble]:
        """The ensemble of a reference's fits and that of an arm, of the seeds that both have.

        That of the fits has the tasks that all of them have a model of.
        """
        networks = self._predictions.get(arm, {})
        fits = [fit for fit in reference.fits if fit.seed_index in networks]
        seeds = tuple(fit.seed_index for fit in fits)
        key = (reference.name, seeds)
        if key not in self._jackknives:
            names = [task.name for task in self.dataset.tasks]
            for fit in fits:
                names = [name for name in names if name in fit.scores.scores]
            members = [{name: fit.predictions[name] for name in names} for fit in fits]
            self._jackknives[key] = jackknife(members, self._scorer)
        return self._jackknives[key], self._jackknifed(arm, seeds)
