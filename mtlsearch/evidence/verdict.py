"""The verdict: whether sharing pays, from confirmed test scores, and which model to use."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mtlsearch.evidence.caveats import Caveat, is_tuned
from mtlsearch.evidence.comparison import ENSEMBLE, MODEL_NAMES, SINGLE, Models
from mtlsearch.evidence.contenders import Contender, Contest
from mtlsearch.evidence.ensemble import NoEnsemble
from mtlsearch.evidence.recommendation import Option, Recommendation, cheapest, recommend
from mtlsearch.evidence.verdict_words import figures_of, reason_of, sentence_of
from mtlsearch.evidence.words import OPEN as OPEN
from mtlsearch.evidence.words import Decision as Decision

CLAIMED = "It is the model that the claim is made of."
SEPARATE = "Separate models are what sharing was shown to be worse than."


@dataclass(frozen=True)
class Question:
    """What the contenders are judged by.

    Attributes:
        baseline: The name of the arm they were compared with.
        pretraining_control: The name of the arm that pretrains without sharing. It is pointed to
            when the gain of a pretrained model may be due to that.
        margin: The difference in points of mean skill that does not matter.
        options: The confirmed models that may be recommended, the baseline among them.
        caveats: What weakens the figures.
    """

    baseline: str
    pretraining_control: str
    margin: float
    options: Sequence[Option]
    caveats: Sequence[Caveat] = ()


@dataclass(frozen=True)
class Verdict:
    """The answer.

    Attributes:
        decision: The answer in few words.
        claim: What the figures alone say, without regard to caveats.
        sentence: The answer in plain words.
        figures: The figures that it rests on.
        arm: The arm that stood for sharing.
        undecided: The arms that leave it open; none where something is claimed.
        recommended: The arm whose model to use.
        why: Why that one, as a sentence.
        caveats: What weakens the figures; first what forbids a claim.
        models: Whether ensembles or single models were compared.
        remark: What the other kind of models would say where that is another decision, or why the
            kind that was asked for could not be compared; None where there is nothing to say.
    """

    decision: Decision
    claim: Decision
    sentence: str
    figures: str
    arm: str
    recommended: str
    why: str
    undecided: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    models: Models = SINGLE
    remark: str | None = None


def decide(contenders: Sequence[Contender], question: Question) -> Verdict | None:
    """Decide on sharing: what is claimed is sure with 95% confidence.

    - `equal`: the whole interval of the gain of the model that stands for sharing lies within the
      margin, and no other contender may gain more than that. A gain that is surely smaller is none
      that matters, so this comes before `share` and `do not share`.
    - `do not share`: every contender is surely worse, on average or on a task that may be only so
      much worse.
    - `share`, `share some`: the interval of the model that stands for sharing is above zero, and
      every task is sure to stay within its limit.
    - `cannot tell`: none of these, or a caveat forbids them.

    Args:
        contenders: The confirmed models that share: all single models, or all ensembles.
        question: What they are judged by.

    Returns:
        The verdict; None without contenders.
    """
    if not contenders:
        return None
    contest = Contest(contenders, question.margin)
    standing = contest.standing
    claim = _claim(contest)
    caveats = _in_order(question, claim, standing)
    decision: Decision = claim
    undecided: tuple[str, ...] = ()
    sentence = sentence_of(claim, contest)
    if claim == OPEN:
        reason = reason_of(contest)
        sentence += f" {reason.sentence}"
        undecided = reason.arms
    elif caveats and caveats[0].lowers:
        decision = OPEN
        cannot_tell = sentence_of(decision, contest)
        sentence = f"{cannot_tell} {caveats[0].sentence} The figures alone would say: {claim}."
    recommendation = _recommendation(decision, standing, question)
    return Verdict(
        decision=decision,
        claim=claim,
        sentence=sentence,
        figures=figures_of(contest, undecided, is_tuned(question.caveats)),
        arm=standing.arm,
        recommended=recommendation.arm,
        why=recommendation.why,
        undecided=undecided,
        caveats=tuple(caveat.sentence for caveat in caveats),
        models=standing.comparison.models,
    )


def _claim(contest: Contest) -> Decision:
    """What the figures say."""
    standing = contest.standing
    if contest.is_equal:
        return "equal"
    if not contest.spared:
        return "do not share"
    if standing.gains and not standing.unsure:
        return "share some" if len(standing.groups) > 1 else "share"
    return "cannot tell"


def _in_order(question: Question, claim: Decision, standing: Contender) -> list[Caveat]:
    """The caveats, first those that forbid a claim."""
    caveats = sorted(question.caveats, key=lambda caveat: not caveat.lowers)
    if standing.pretrained and claim in ("share", "share some"):
        sentence = (
            f"The weights of {standing.name} began pretrained, which may be a part of this gain: "
            f"the arm {question.pretraining_control} tells what that does alone."
        )
        caveats.append(Caveat(sentence, lowers=False))
    return caveats


def _recommendation(decision: Decision, standing: Contender, question: Question) -> Recommendation:
    if decision in ("share", "share some"):
        return Recommendation(standing.arm, CLAIMED)
    if decision == "do not share":
        return Recommendation(question.baseline, SEPARATE)
    if decision == "equal":
        return cheapest(question.options, question.margin)
    return recommend(question.options)


def settle(
    asked: str,
    single: Verdict,
    ensemble: Verdict | NoEnsemble,
) -> Verdict:
    """Return the verdict that counts, which is that of the models asked for, with its remark.

    Args:
        asked: Which models are to be handed over, and so to be judged: ENSEMBLE or SINGLE.
        single: The verdict from single models.
        ensemble: The verdict from ensembles of the same seeds; why there is none.
    """
    if isinstance(ensemble, NoEnsemble):
        if asked == SINGLE:
            return single
        remark = f"Single models were compared, since ensembles cannot be: {ensemble.reason}."
        return replace(single, remark=remark)
    if asked == SINGLE:
        return replace(single, remark=_disagreement(single, ensemble, MODEL_NAMES[ENSEMBLE]))
    return replace(ensemble, remark=_disagreement(ensemble, single, MODEL_NAMES[SINGLE]))


def _disagreement(verdict: Verdict, other: Verdict, other_models: str) -> str | None:
    """What the other models say, where that is another decision."""
    if verdict.decision == other.decision:
        return None
    return (
        f"From {other_models} alone the answer would be another. {other.sentence} {other.figures}"
    )
