"""What a study says so far: what was picked and confirmed, over all its test rows, and the verdict.

It is computed once; report, console and export all read these objects.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mtlsearch.data import ScarceClass, scarce_test_classes
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
)
from mtlsearch.evidence.contenders import Contender, Contest, promise
from mtlsearch.evidence.ensemble import (
    Ensemble,
    NoEnsemble,
    Predictions,
    ScoredModel,
    combine,
    jackknife,
    weighted_mean,
)
from mtlsearch.evidence.interval import Interval
from mtlsearch.evidence.pooled import (
    FoldWeights,
    pool_comparisons,
    pool_reference_comparisons,
    pool_scales,
)
from mtlsearch.evidence.recommendation import Cost, Estimate, Option
from mtlsearch.evidence.references import (
    ReferenceChoice,
    ReferenceComparison,
    choose_references,
)
from mtlsearch.evidence.selection import Pick
from mtlsearch.evidence.sequential import confidence, may_grow
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.evidence.verdict import Question, Verdict, decide, settle
from mtlsearch.search.arms import ARMS, BASELINE, PRETRAINING_CONTROL, Arm
from mtlsearch.search.fold_evidence import FoldEvidence
from mtlsearch.search.greedy_choice import GreedyChoice
from mtlsearch.search.parts import tested_parts, untested_part
from mtlsearch.search.reference_fits import FittedReference, pool_references
from mtlsearch.search.seed_plan import AUTO
from mtlsearch.tasks import scored

GREEDY = "greedy ensemble"  # what it is called where an arm has its name
UNDER_TRAINED = "the single-task networks may be under-trained, or unfit for these data"
NOT_BY_SHARING = "what helps may be something else than sharing"


@dataclass(frozen=True)
class GreedyEnsemble:
    """The ensemble that was chosen among the confirmed models of all arms, on test rows.

    `comparison` is with the ensemble of the baseline; its interval is that of these very models and
    weights, and does not allow for their choice.
    """

    choice: GreedyChoice
    ensemble: Ensemble | NoEnsemble
    comparison: Comparison | NoEnsemble


class Analysis(FoldEvidence):
    """All that a study's recorded trainings say, over all of its outer folds.

    By itself it is the evidence of the first one, which is the only one of most studies. Each part
    is computed when it is first asked for.
    """

    @cached_property
    def outer_folds(self) -> Sequence[FoldEvidence]:
        """What each outer fold says by itself; of a study with one set of test rows its own."""
        folds: list[FoldEvidence] = [self]
        for part in tested_parts(self.study, self.dataset)[1:]:
            folds.append(FoldEvidence(part.study, part.dataset))
        return folds

    @cached_property
    def all_rows(self) -> FoldEvidence | None:
        """The search of all rows, whose models are handed over; its scores say nothing.

        None where a study has one set of test rows: the models that were tested are handed over.
        """
        part = untested_part(self.study, self.dataset)
        return None if part is None else FoldEvidence(part.study, part.dataset)

    @property
    def handed_over(self) -> FoldEvidence:
        """The search whose models are handed over: of all rows, or the only one."""
        return self.all_rows or self

    @cached_property
    def tested_rows(self) -> int:
        """How many rows of all sources are test rows, over all outer folds."""
        return sum(fold.own_test_rows for fold in self.outer_folds)

    @cached_property
    def weights(self) -> FoldWeights:
        """How much each outer fold counts."""
        tested = [fold.own_test_rows for fold in self.outer_folds]
        others = [fold.other_rows for fold in self.outer_folds]
        return FoldWeights.of(tested, others)

    @cached_property
    def pooled_test_scales(self) -> SkillScales:
        """What mean test scores over all outer folds are worth in points of skill."""
        return pool_scales([fold.test_scales for fold in self.outer_folds], self.weights)

    @cached_property
    def scarce(self) -> Sequence[ScarceClass]:
        """The classes with few test rows, over all outer folds, that a score rests on."""
        datasets = [fold.dataset for fold in self.outer_folds]
        return [entry for entry in scarce_test_classes(*datasets) if entry.limits]

    def _over_folds(
        self, compare_in: Callable[[FoldEvidence], Comparison | None]
    ) -> Comparison | None:
        """A comparison over all outer folds; None where one of them has none."""
        folds = []
        for fold in self.outer_folds:
            comparison = compare_in(fold)
            if comparison is None:
                return None
            folds.append(comparison)
        return folds[0] if len(folds) == 1 else pool_comparisons(folds, self.weights)

    @cached_property
    def comparisons(self) -> Mapping[str, Comparison]:
        """The single models of every other arm against the baseline's, over all outer folds.

        The intervals allow for all looks at the answer. An arm that has none in an outer fold is
        not among them.
        """
        comparisons = {}
        for arm, comparison in self._single_comparisons.items():
            comparisons[arm] = comparison.at(self.confidence)
        return comparisons

    @cached_property
    def _single_comparisons(self) -> Mapping[str, Comparison]:
        """The same with intervals that allow for nothing."""
        comparisons = {}
        for arm in self.own_comparisons:
            comparison = self._pooled_single_models(arm)
            if comparison is not None:
                comparisons[arm] = comparison
        return comparisons

    def _pooled_single_models(self, arm: str) -> Comparison | None:
        """The single models of an arm against the baseline's; None where an outer fold has none."""
        return self._over_folds(lambda fold: fold.own_comparisons.get(arm))

    @cached_property
    def ensemble_comparisons(self) -> Mapping[str, Comparison | NoEnsemble]:
        """The ensemble of every other arm against the baseline's, over all outer folds.

        The intervals allow for all looks at the answer. Where an outer fold has no ensemble it says
        why they are not compared.
        """
        comparisons: dict[str, Comparison | NoEnsemble] = {}
        for arm, comparison in self._ensemble_comparisons.items():
            comparisons[arm] = self._allowing(comparison)
        return comparisons

    @cached_property
    def _ensemble_comparisons(self) -> Mapping[str, Comparison | NoEnsemble]:
        """The same with intervals that allow for nothing."""
        comparisons: dict[str, Comparison | NoEnsemble] = {}
        for arm in self._single_comparisons:
            comparisons[arm] = self._pooled_ensembles(arm)
        return comparisons

    def _pooled_ensembles(self, arm: str) -> Comparison | NoEnsemble:
        """The ensembles of an arm against the baseline's, or why an outer fold has none."""
        folds = []
        for fold in self.outer_folds:
            comparison = fold.own_ensemble_comparisons[arm]
            if isinstance(comparison, NoEnsemble):
                return comparison
            folds.append(comparison)
        return folds[0] if len(folds) == 1 else pool_comparisons(folds, self.weights)

    def _allowing(self, comparison: Comparison | NoEnsemble) -> Comparison | NoEnsemble:
        """A comparison with intervals that allow for all looks at the answer, if it is one."""
        if isinstance(comparison, NoEnsemble):
            return comparison
        return comparison.at(self.confidence)

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
                sharing.append(self.pick_handed_over(chosen.arm))
        if not sharing:
            return None
        best = max(sharing, key=promise)
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
        folds = [*self.outer_folds, self.all_rows] if self.all_rows else self.outer_folds
        seconds = 0.0
        for fold in folds:
            for model in fold.confirmed:
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
        contenders = []
        for name, arm in ARMS.items():
            if arm.shares and name in comparisons:
                contender = self._contender(arm, self.pick_handed_over(name), comparisons[name])
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

    def pick_handed_over(self, arm: str) -> Pick:
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
        """How the trainings ended of the baseline's models and of those of an arm that shares."""
        sides: dict[str, Side] = {BASELINE: "baseline", sharing: "sharing"}
        trained = []
        for arm, side in sides.items():
            results = []
            for fold in self.outer_folds:
                for model in fold.confirmed:
                    if model.arm == arm:
                        results += [training.result for training in model.trainings]
            trained.append(Trained(arm, side, results))
        return trained

    def _rivals(self, sharing: Comparison) -> Iterator[Rival]:
        """What shares nothing and has a model of every task that counts, beside what shares.

        Each is compared when it is asked for: mostly there is no gain to reach.
        """
        models = sharing.models
        for name, comparison in self._over_baseline(models).items():
            if not ARMS[name].shares:
                over_sharing = self._compare_arms(name, sharing.arm, models)
                if over_sharing is not None:
                    gains = (comparison.gain, over_sharing.gain)
                    yield Rival(ARMS[name].phrase, *gains, NOT_BY_SHARING)
        claimed = {task.name for task in scored(self.dataset.tasks)}
        for reference in self.references:
            over_baseline = self._compare_reference(reference.name, BASELINE, models)
            over_sharing = self._compare_reference(reference.name, sharing.arm, models)
            if over_baseline is None or over_sharing is None:
                continue
            if claimed <= over_baseline.differences.keys():
                gains = (over_baseline.gain, over_sharing.gain)
                yield Rival(_phrase(reference), *gains, UNDER_TRAINED)

    def _over_baseline(self, models: Models) -> Mapping[str, Comparison]:
        """The comparisons with the baseline of single models or of ensembles, as far as any."""
        if models == SINGLE:
            return self.comparisons
        ensembles = self.ensemble_comparisons.items()
        return {arm: entry for arm, entry in ensembles if isinstance(entry, Comparison)}

    def _compare_arms(self, arm: str, other: str, models: Models) -> Comparison | None:
        """The models of two arms over all outer folds; None where there are too few."""
        return self._over_folds(lambda fold: fold.compare_arms(arm, other, models))

    def _compare_reference(self, name: str, arm: str, models: Models) -> Comparison | None:
        """A reference against the networks of an arm over all outer folds, as far as there are."""
        return self._over_folds(lambda fold: fold.compare_reference(name, arm, models))

    @cached_property
    def reference_gains(self) -> Sequence[Comparison]:
        """What the references gain over the baseline: single models, then ensembles, as far as
        these can be compared. Each is over the tasks that the reference has a model of.
        """
        gains = []
        for models in (SINGLE, ENSEMBLE):
            for reference in self.references:
                comparison = self._compare_reference(reference.name, BASELINE, models)
                if comparison is not None:
                    gains.append(comparison)
        return gains

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
                validation=self._validation(self.pick_handed_over(model.arm)),
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
        """The references as far as they are fitted in all outer folds; none where none are wanted.

        Raises StudyError when a file of their predictions cannot be read.
        """
        folds = [list(fold.own_references.values()) for fold in self.outer_folds]
        if len(folds) == 1:
            return folds[0]
        return pool_references(folds, self.weights)

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
            seeds = self.study.reference_seeds
            comparison = pool_reference_comparisons(of_folds, self.weights, seeds)
            pooled[reference.name] = comparison
        return pooled

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


def _phrase(reference: FittedReference) -> str:
    """What a reference is called in a sentence."""
    words = reference.name.replace("_", " ")
    return f"{words} models, one for each task,"
