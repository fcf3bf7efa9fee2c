"""The models of scikit-learn in the report."""

from mtlsearch.report.model import SklearnBaseline
from mtlsearch.report.sklearn_baselines import sklearn_baselines


def test_they_come_with_their_means():
    scores = {"linear": {"a": [0.5, 0.75], "b": [2.0]}, "random_forest": {}}
    assert sklearn_baselines(scores) == (
        SklearnBaseline("linear", {"a": (0.5, 0.75), "b": (2.0,)}, {"a": 0.625, "b": 2.0}),
        SklearnBaseline("random_forest", {}, {}),
    )


def test_none_were_trained():
    assert sklearn_baselines(None) == ()
