"""What would make a study's answer surer: commands with what they would take, as measured."""

from mtlsearch.data.outer_folds import fits
from mtlsearch.evidence.advice import Advice
from mtlsearch.evidence.caveats import LARGE_IMPROVEMENT, late_improvement
from mtlsearch.evidence.sequential import MOST_SEEDS, seeds_dominate
from mtlsearch.evidence.verdict import OPEN
from mtlsearch.program import command
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.arms import BASELINE
from mtlsearch.search.forecast import Costs
from mtlsearch.search.study import Study

OUTER_FOLDS = 5


def advise(analysis: Analysis) -> list[Advice]:
    """Return what would make an open answer surer, as commands; nothing where it is clear.

    Nothing is advised that the study has, or that would change the smaller part of the interval.
    """
    verdict = analysis.verdict
    gain = analysis.standing_gain
    if verdict is None or verdict.claim != OPEN or gain is None or gain.low is None:
        return []
    study = analysis.study
    costs = Costs.of(study)
    advice = []
    if seeds_dominate(gain):
        advice += _more_seeds(study, costs)
    else:
        advice += _outer_folds(analysis, costs)
    return advice + _more_trainings(analysis, costs)


def _more_seeds(study: Study, costs: Costs) -> list[Advice]:
    """More seeds, up to the most that are taken as needed."""
    missing = MOST_SEEDS - study.seeds
    if missing <= 0:
        return []
    return [
        Advice(
            command=_resume(study, f"--seeds {MOST_SEEDS}"),
            minutes=costs.minutes(costs.workload.confirmation * missing / study.seeds),
            why="the training seeds are the larger part of the interval, which more of them lower",
        )
    ]


def _outer_folds(analysis: Analysis, costs: Costs) -> list[Advice]:
    """A turn as a test row for every row.

    It takes a study of its own for each further fold, and one for all rows.
    """
    study = analysis.study
    if study.request.outer_folds > 1 or not fits(analysis.dataset, OUTER_FOLDS):
        return []
    untested = analysis.other_rows / analysis.rows
    return [
        Advice(
            command=_resume(study, f"--outer-folds {OUTER_FOLDS}"),
            minutes=OUTER_FOLDS * costs.wall / 60,
            why=(
                "the test rows are the larger part of the interval, and "
                f"{untested:.0%} of all rows never were any"
            ),
        )
    ]


def _more_trainings(analysis: Analysis, costs: Costs) -> list[Advice]:
    """A second budget of the same size, where an arm that the answer rests on still improves."""
    study = analysis.study
    verdict = analysis.verdict
    assert verdict is not None, "there is an answer to make surer"
    arms = {verdict.arm, BASELINE}
    improving = [arm for arm in analysis.trials if arm in arms and _still_improves(analysis, arm)]
    if not improving:
        return []
    verb = "was" if len(improving) == 1 else "were"
    return [
        Advice(
            command=_resume(study, f"--trainings {2 * study.request.trainings}"),
            minutes=costs.minutes(costs.workload.search + costs.workload.confirmation),
            why=f"{' and '.join(improving)} {verb} still improving when the budget ended",
        )
    ]


def _still_improves(analysis: Analysis, arm: str) -> bool:
    """Whether the last trainings of an arm found notably better candidates than all before."""
    improvement = late_improvement(analysis.candidates[arm], analysis.search_scales)
    return improvement >= LARGE_IMPROVEMENT


def _resume(study: Study, option: str) -> str:
    return f"{command('resume', study.folder)} {option}"
