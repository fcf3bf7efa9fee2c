"""What a study says so far: candidates, affinities, picks, confirmed models and the verdict.

It is computed once; report, console and export all read these objects.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from optuna.trial import FrozenTrial

from mtlsearch.arrays import Array
from mtlsearch.data import Dataset, ScarceClass, scarce_test_classes
from mtlsearch.errors import NoCandidateError
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.candidate_summary import CandidateSummary, pool
from mtlsearch.evidence.caveats import (
    Caveat,
    Rival,
    Side,
    Trained,
    cut_off,
    few_candidates,
    few_rows,
    few_seeds,
    late_improvement,
    marked_space,
    reached_by,
    still_improving,
)
from mtlsearch.evidence.comparison import (
    ENSEMBLE,
    SINGLE,
    Comparison,
    Models,
    compare,
    compare_ensembles,
)
from mtlsearch.evidence.contenders import Contender, Contest
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
from mtlsearch.evidence.interval import Interval
from mtlsearch.evidence.recommendation import Cost, Estimate, Option
from mtlsearch.evidence.references import (
    ReferenceChoice,
    ReferenceComparison,
    choose_references,
    compare_fit_ensembles,
    compare_fits,
    compare_reference,
    compare_reference_ensembles,
)
from mtlsearch.evidence.scoring import TestScorer, TestScores
from mtlsearch.evidence.selection import Pick, pick, reference_scores
from mtlsearch.evidence.sequential import confidence, may_grow
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.evidence.verdict import Question, Verdict, decide, settle
from mtlsearch.records import TrainingResult, Trial
from mtlsearch.search.arms import ARMS, BASELINE, PRETRAINING_CONTROL, Arm
from mtlsearch.search.confirmed_files import read_predictions, read_weights
from mtlsearch.search.eligible import eligible, with_best_tree
from mtlsearch.search.greedy_choice import GreedyChoice
from mtlsearch.search.ledger import confirmed_seed, files_of, is_recorded, result_of
from mtlsearch.search.reference_fits import FittedReference, read_references
from mtlsearch.search.seed_plan import AUTO
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace
from mtlsearch.tasks import scored

NOT_YET_TRAINED = "not trained yet"
GREEDY = "greedy ensemble"  # what it is called where an arm has its name
UNDER_TRAINED = "the single-task networks may be under-trained, or unfit for these data"
NOT_BY_SHARING = "what helps may be something else than sharing"
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
        return Affinity.fit(trials, self.search_scales)

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
            affinity = Affinity.fit(trials, self.search_scales)
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
    def scarce(self) -> Sequence[ScarceClass]:
        """The classes with few test rows that the score of a task rests on."""
        return [entry for entry in scarce_test_classes(self.dataset) if entry.limits]

    @cached_property
    def _rarest(self) -> Mapping[str, int]:
        """By the name of a task with scarce classes of how many values its score is as sure."""
        return {entry.task: entry.rests_on for entry in self.scarce}

    @cached_property
    def comparisons(self) -> Mapping[str, Comparison]:
        """The single models of every other arm against the baseline's.

        They are compared over the seeds that succeeded in both, with intervals that allow for all
        looks at the answer.
        """
        comparisons = {}
        for arm, comparison in self._single_comparisons.items():
            comparisons[arm] = comparison.at(self.confidence)
        return comparisons

    @cached_property
    def _single_comparisons(self) -> Mapping[str, Comparison]:
        """The same with intervals that allow for nothing."""
        models = {model.arm: model for model in self.confirmed}
        comparisons = {}
        for arm, seeds in self._common_seeds.items():
            ours = [models[arm].by_seed[seed] for seed in seeds]
            reference = [models[BASELINE].by_seed[seed] for seed in seeds]
            comparisons[arm] = compare(arm, ours, reference, self.test_scales, self._rarest)
        return comparisons

    @cached_property
    def ensemble_comparisons(self) -> Mapping[str, Comparison | NoEnsemble]:
        """The ensemble of every other arm against the baseline's, or why they are not compared.

        Both are made of the seeds that succeeded in both arms. The intervals allow for all looks at
        the answer.
        """
        comparisons: dict[str, Comparison | NoEnsemble] = {}
        for arm, comparison in self._ensemble_comparisons.items():
            comparisons[arm] = self._allowing(comparison)
        return comparisons

    def _allowing(self, comparison: Comparison | NoEnsemble) -> Comparison | NoEnsemble:
        """A comparison with intervals that allow for all looks at the answer, if it is one."""
        if isinstance(comparison, NoEnsemble):
            return comparison
        return comparison.at(self.confidence)

    @cached_property
    def _ensemble_comparisons(self) -> Mapping[str, Comparison | NoEnsemble]:
        """The same with intervals that allow for nothing."""
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
        return combine(scored, self._scorer, self.test_scales, self._rarest)

    def _compare_members(
        self, members: Sequence[Predictions], seeds: Sequence[int]
    ) -> Comparison | NoEnsemble:
        """The ensemble of these members, one of each seed, against the baseline's of the same."""
        baseline = self._predictions.get(BASELINE, {})
        if not set(seeds) <= baseline.keys():
            return NoEnsemble(f"{BASELINE} lacks some of its seeds")
        ours = jackknife(members, self._scorer)
        baseline_scores = self._jackknifed(BASELINE, seeds)
        return self._allowing(self._compare_ensembles(GREEDY, ours, baseline_scores))

    @cached_property
    def standing_gain(self) -> Interval | None:
        """The mean gain of the arm that stands for sharing, whose interval decides on more seeds.

        It is of the models that the verdict is on, with 95% by itself. None without such an arm.
        """
        sharing = []
        for chosen in self.picks:
            if ARMS[chosen.arm].shares and chosen.arm in self._single_comparisons:
                sharing.append(chosen)
        if not sharing:
            return None
        best = max(sharing, key=lambda chosen: (chosen.breach == 0.0, chosen.validation_gain))
        ensembles = self._ensemble_comparisons[best.arm]
        if self.study.request.compare == ENSEMBLE and isinstance(ensembles, Comparison):
            return ensembles.gain
        return self._single_comparisons[best.arm].gain

    @cached_property
    def confidence(self) -> float:
        """The confidence that every interval against the baseline has by itself.

        It makes that of the procedure 95%, in which more seeds may follow a look at the answer.
        """
        plan = self.study.seed_plan
        grows = self.study.request.seeds == AUTO
        gain = self.standing_gain
        more_may_follow = grows and gain is not None and may_grow(plan.seeds, gain)
        return confidence(len(plan.looks), more_may_follow, grows)

    @cached_property
    def added_seconds(self) -> float:
        """What the trainings with the seeds after the first look took, in seconds."""
        first = self.study.seed_plan.looks[0]
        seconds = 0.0
        for model in self.confirmed:
            for training in model.trainings:
                if training.seed_index >= first:
                    seconds += training.result.train_seconds
        return seconds

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
        models = {model.arm: model for model in self.confirmed}
        contenders = []
        for name, arm in ARMS.items():
            if arm.shares and name in comparisons:
                contender = self._contender(arm, models[name].pick, comparisons[name])
                contenders.append(contender)
        if not contenders:
            return None
        margin = self.study.request.margin
        standing = Contest(contenders, margin).standing
        question = Question(
            baseline=BASELINE,
            pretraining_control=PRETRAINING_CONTROL,
            margin=margin,
            options=self._options(comparisons),
            caveats=self._caveats(standing.comparison),
        )
        return decide(contenders, question)

    @cached_property
    def caveats(self) -> Sequence[Caveat]:
        """The doubts about what the verdict rests on; none before there is a verdict."""
        if self.verdict is None:
            return []
        sharing = self._over_baseline(self.verdict.models)[self.verdict.arm]
        return self._caveats(sharing)

    def _caveats(self, sharing: Comparison) -> list[Caveat]:
        """The doubts about a comparison of the model that stands for sharing."""
        request = self.study.request
        gain = sharing.gain
        improvement = late_improvement(self.candidates[BASELINE], self.search_scales)
        return [
            *reached_by(self._rivals(sharing), gain),
            *marked_space(request.space_name, request.for_conclusions),
            *cut_off(self._trained(sharing.arm), request.epochs, gain.sign),
            *still_improving(BASELINE, improvement, gain.sign),
            *few_candidates(BASELINE, self.candidates[BASELINE]),
            *few_seeds(sharing.seeds),
            *few_rows(self.scarce),
        ]

    def _trained(self, sharing: str) -> list[Trained]:
        """How the trainings ended of the baseline's model and of that of an arm that shares."""
        sides: dict[str, Side] = {BASELINE: "baseline", sharing: "sharing"}
        trained = []
        for model in self.confirmed:
            if model.arm in sides:
                results = [training.result for training in model.trainings]
                trained.append(Trained(model.arm, sides[model.arm], results))
        return trained

    def _rivals(self, sharing: Comparison) -> list[Rival]:
        """What shares nothing and has a model of every task that counts, beside what shares."""
        models = sharing.models
        rivals = []
        for name, comparison in self._over_baseline(models).items():
            if not ARMS[name].shares:
                over_sharing = self._compare_arms(name, sharing.arm, models)
                if over_sharing is not None:
                    gains = (comparison.gain, over_sharing.gain)
                    rivals.append(Rival(ARMS[name].phrase, *gains, NOT_BY_SHARING))
        claimed = {task.name for task in scored(self.dataset.tasks)}
        for reference in self.references:
            over_baseline = self._compare_reference(reference, BASELINE, models)
            over_sharing = self._compare_reference(reference, sharing.arm, models)
            if over_baseline is None or over_sharing is None:
                continue
            if claimed <= over_baseline.differences.keys():
                gains = (over_baseline.gain, over_sharing.gain)
                rivals.append(Rival(_phrase(reference), *gains, UNDER_TRAINED))
        return rivals

    def _over_baseline(self, models: Models) -> Mapping[str, Comparison]:
        """The comparisons with the baseline of single models or of ensembles, as far as any."""
        if models == SINGLE:
            return self.comparisons
        ensembles = self.ensemble_comparisons.items()
        return {arm: entry for arm, entry in ensembles if isinstance(entry, Comparison)}

    def _compare_arms(self, arm: str, other: str, models: Models) -> Comparison | None:
        """The models of two arms over their common seeds; None where there are too few."""
        by_arm = {model.arm: model.by_seed for model in self.confirmed}
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

    @cached_property
    def reference_gains(self) -> Sequence[Comparison]:
        """What the references gain over the baseline: single models, then ensembles, as far as
        these can be compared. Each is over the tasks that the reference has a model of.
        """
        gains = []
        for models in (SINGLE, ENSEMBLE):
            for reference in self.references:
                comparison = self._compare_reference(reference, BASELINE, models)
                if comparison is not None:
                    gains.append(comparison)
        return gains

    def _compare_reference(
        self, reference: FittedReference, arm: str, models: Models
    ) -> Comparison | None:
        """A reference against the networks of an arm, over the tasks and seeds that both have.

        None where there are none, or too few for ensembles.
        """
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

    def _options(self, comparisons: Mapping[str, Comparison]) -> list[Option]:
        """The confirmed models that may be recommended: the baseline, and what is compared with it.

        What is known of a pick from validation rows is left out where too few trainings tell.
        """
        options = []
        for model in self.confirmed:
            comparison = comparisons.get(model.arm)
            if comparison is None and model.arm != BASELINE:
                continue
            result = model.trainings[0].result
            option = Option(
                arm=model.arm,
                cost=Cost(result.macs_per_example, result.parameters),
                test=comparison.gain if comparison else None,
                validation=self._validation(model.pick),
                is_allowed=comparison is None or all(limit.is_kept for limit in comparison.limits),
            )
            options.append(option)
        return options

    def _validation(self, chosen: Pick) -> Estimate | None:
        """The gain of a pick over the baseline's that is estimated from validation rows."""
        of_pick = self._estimate_deviations(chosen)
        of_baseline: Mapping[str, float] = {}
        for model in self.confirmed:
            if model.arm == BASELINE:
                of_baseline = self._estimate_deviations(model.pick)
        if not of_pick or not of_baseline:
            return None
        deviations = {task: math.hypot(of_pick[task], of_baseline[task]) for task in of_pick}
        deviation = self.search_scales.deviation(deviations)
        return Estimate(chosen.validation_gain, deviation)

    def _estimate_deviations(self, chosen: Pick) -> Mapping[str, float]:
        """The standard deviations of a pick's estimated scores by task; empty where not known."""
        deviations: dict[str, float] = {}
        if self.affinity is not None:
            for component in chosen.composition:
                deviations |= self.affinity.deviations(component)
        return deviations

    @cached_property
    def references(self) -> Sequence[FittedReference]:
        """The references as far as they are fitted; none where none are wanted.

        Raises StudyError when a file of their predictions cannot be read.
        """
        return read_references(self.study, self._scorer)

    @cached_property
    def reference_comparisons(self) -> Mapping[str, ReferenceComparison]:
        """By the name of a reference what it gains over the recommended model.

        Ensembles are compared with ensembles where the verdict does so. Empty before there is a
        verdict.
        """
        if self.verdict is None:
            return {}
        comparisons = {}
        for reference in self.references:
            comparison = None
            if self.verdict.models == ENSEMBLE:
                comparison = self._reference_ensembles(reference, self.verdict.recommended)
            if comparison is None:
                comparison = self._reference_fits(reference, self.verdict.recommended)
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
            self.study.reference_seeds,
        )

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


def _phrase(reference: FittedReference) -> str:
    """What a reference is called in a sentence."""
    words = reference.name.replace("_", " ")
    return f"{words} models, one for each task,"
