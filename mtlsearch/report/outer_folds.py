"""The outer folds: what was picked in each of them, and how much these picks agree."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from mtlsearch.evidence.comparison import ENSEMBLE, Comparison
from mtlsearch.evidence.ensemble import NoEnsemble
from mtlsearch.report.arms import main_arm
from mtlsearch.report.model import (
    ReportedInterval,
    ReportedOuterFold,
    ReportedOuterFolds,
    SharedPair,
)
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.fold_evidence import FoldEvidence


def report_outer_folds(analysis: Analysis) -> ReportedOuterFolds | None:
    """Report the outer folds of a study; None where there is one set of test rows."""
    folds = analysis.outer_folds
    if len(folds) == 1:
        return None
    verdict = analysis.verdict
    arm = main_arm(analysis.trials) or analysis.study.request.arms[0]
    if verdict is not None:
        arm = verdict.arm
    names = [task.name for task in analysis.dataset.tasks]
    pairs = _shared_pairs(folds, arm, names)
    return ReportedOuterFolds(
        tested_rows=analysis.tested_rows,
        rows=analysis.rows,
        folds=tuple(_report_fold(analysis, number) for number in range(len(folds))),
        all_rows=_trees(analysis.all_rows, names) if analysis.all_rows else {},
        arm=arm,
        pairs=tuple(pairs),
        sentence=_sentence(analysis, arm, pairs),
    )


def _report_fold(analysis: Analysis, number: int) -> ReportedOuterFold:
    fold = analysis.outer_folds[number]
    comparisons: dict[str, Comparison] = dict(fold.own_comparisons)
    if analysis.verdict is not None and analysis.verdict.models == ENSEMBLE:
        for arm, comparison in fold.own_ensemble_comparisons.items():
            if not isinstance(comparison, NoEnsemble):
                comparisons |= {arm: comparison}
    gains = {arm: ReportedInterval.of(entry.gain) for arm, entry in comparisons.items()}
    names = [task.name for task in analysis.dataset.tasks]
    return ReportedOuterFold(
        number=number + 1,
        test_rows=fold.own_test_rows,
        trees=_trees(fold, names),
        gains=gains,
    )


def _trees(fold: FoldEvidence, names: Sequence[str]) -> dict[str, str]:
    return {pick.arm: pick.composition.spell(names) for pick in fold.picks}


def _shared_pairs(
    folds: Sequence[FoldEvidence], arm: str, names: Sequence[str]
) -> list[SharedPair]:
    """In how many outer folds the pick of an arm lets two tasks share, for each pair of tasks."""
    shared: Counter[tuple[str, str]] = Counter()
    for fold in folds:
        pick = fold.pick_of(arm)
        groups = pick.composition.groups(names) if pick else []
        for group in groups:
            members = [name for name in names if name in group]
            shared.update(combinations(members, 2))
    pairs = []
    for task, other in combinations(names, 2):
        pairs.append(SharedPair(task, other, shared[task, other]))
    return pairs


def _not_compared(analysis: Analysis) -> list[str]:
    """The arms of which an outer fold has no confirmed model."""
    missing = []
    for arm in analysis.study.request.arms:
        for fold in analysis.outer_folds:
            if arm not in [model.arm for model in fold.confirmed]:
                missing.append(arm)
                break
    return missing


def _sentence(analysis: Analysis, arm: str, pairs: Sequence[SharedPair]) -> str:
    """What was tested, how much the picks agree and what is handed over."""
    count = len(analysis.outer_folds)
    tested = f"{analysis.tested_rows:,} of {analysis.rows:,} rows"
    sentence = f"{count} outer folds: {tested} were test rows, each in one fold."
    picked = [fold for fold in analysis.outer_folds if fold.pick_of(arm) is not None]
    if len(picked) == count and pairs:
        settled = [pair for pair in pairs if pair.folds in (0, count)]
        sentence += (
            f" Of {len(pairs)} pairs of tasks, all picks of {arm} agree on {len(settled)} whether "
            "they share."
        )
    missing = _not_compared(analysis)
    if missing:
        sentence += (
            f" Not compared, since not every fold has confirmed a model of them: "
            f"{', '.join(missing)}."
        )
    if analysis.all_rows and analysis.all_rows.picks:
        sentence += (
            " The model that is handed over was searched and fitted on all rows; its scores are "
            "those of the folds, of the same procedure: the true gain of a model with picks of its "
            "own can lie outside their interval."
        )
    return sentence
