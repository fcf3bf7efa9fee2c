"""What the models of scikit-learn reached on the test rows."""

from collections.abc import Mapping, Sequence

import numpy as np

from mtlsearch.report.model import SklearnBaseline

TestScores = Mapping[str, Sequence[float]]  # task name -> the score on each fold


def sklearn_baselines(scores: Mapping[str, TestScores] | None) -> tuple[SklearnBaseline, ...]:
    """Report the scores of each model; None (none were trained) gives no entries."""
    if scores is None:
        return ()
    baselines = []
    for name, by_task in scores.items():
        test = {}
        mean = {}
        for task, values in by_task.items():
            test[task] = tuple(values)
            mean[task] = float(np.mean(values))
        baselines.append(SklearnBaseline(name, test, mean))
    return tuple(baselines)
