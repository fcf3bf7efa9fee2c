"""Scikit-learn's models beside the search: as fitted by hand, and blind to the test rows."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, roc_auc_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlsearch.data import TEST, fold, load
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.search.sklearn_baselines import (
    BOOSTING_STRATIFIES_ABOVE,
    MOST_SEEDS,
    SKLEARN_BASELINES,
    FlatColumns,
    score_sklearn_baselines,
)
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import Binary
from tests.support.replicates import confirmed

ALPHAS, RATES = (0.1, 1.0, 10.0, 100.0), (0.05, 0.2)


def table(dataset, source):
    """Inputs as they were read, and the numbers of the test rows."""
    return dataset.sources[source].inputs.to_numpy(float), np.flatnonzero(
        dataset.sources[source].splits.role == TEST
    )


def by_hand(dataset, task, make, settings, score, folds, seed=0):
    """Test scores of the setting that scores best on the first fold's validation rows, higher being
    better.
    """
    (x, test), y = table(dataset, task.source), dataset.targets[task.name]
    own = [fold(dataset, confirmed(number).number, seed) for number in range(folds)]

    def value(each, setting, rows):
        train = each.train[task.source][~np.isnan(y[each.train[task.source]])]
        return score(make(setting).fit(x[train], y[train]), x[rows], y[rows])

    best = max(settings, key=lambda setting: value(own[0], setting, own[0].validation[task.source]))
    return [value(each, best, test) for each in own]


def of_classes(model, x, y):
    return (
        accuracy_score(y, model.predict(x))
        if len(model.classes_) > 2
        else roc_auc_score(y, model.predict_proba(x)[:, 1])
    )


def of_errors(model, x, y):
    return -root_mean_squared_error(y, model.predict(x))


def flat(found):
    """Every score under its reference, task and fold."""
    return {
        (name, task, place): each
        for name, own in found.items()
        for task in own
        for place, each in enumerate(own[task])
    }


@pytest.fixture(scope="module")
def two_sources():
    """A multiclass and a binary task, and what the references score over two folds."""
    dataset = load("iris+breast_cancer")
    return dataset, score_sklearn_baselines(dataset, 3, 2)


@pytest.fixture(scope="module")
def tecator():
    """One regression on few rows and columns, in which the validation rows are the user's own."""
    dataset = load("tecator", ["fat::rmse", "water"])
    source = dataset.sources["tecator"]
    few = {"tecator": replace(source, inputs=source.inputs.iloc[:, ::20])}
    return replace(
        dataset, tasks=dataset.tasks[:1], sources=few, targets={"fat": dataset.targets["fat"]}
    )


def test_references_for_classes_score_as_when_fitted_by_hand(two_sources):
    dataset, found = two_sources
    for task in dataset.tasks:
        linear, boosting, forest = (
            by_hand(dataset, task, make, settings, of_classes, 2, 3)
            for make, settings in (
                (
                    lambda alpha: make_pipeline(
                        StandardScaler(), LogisticRegression(C=1 / alpha, max_iter=1000)
                    ),
                    ALPHAS,
                ),
                (lambda rate: HistGradientBoostingClassifier(learning_rate=rate), RATES),
                (
                    lambda leaf: RandomForestClassifier(min_samples_leaf=leaf, random_state=0),
                    (1, 5),
                ),
            )
        )
        assert found["linear"][task.name] == pytest.approx(linear, abs=1e-4)
        assert found["gradient_boosting"][task.name] == pytest.approx(
            boosting, abs=1e-3
        )  # single precision moves a few splits
        assert found["random_forest"][task.name] == pytest.approx(forest, abs=0.04)  # another seed
    assert len({*found["linear"]["malignant"]}) == 2


def test_references_for_regressions_score_as_when_fitted_by_hand(tecator):
    found, [task] = score_sklearn_baselines(tecator, 0, 1), tecator.tasks
    linear = by_hand(
        tecator,
        task,
        lambda alpha: make_pipeline(StandardScaler(), Ridge(alpha)),
        ALPHAS,
        of_errors,
        1,
    )
    boosting = by_hand(
        tecator,
        task,
        lambda rate: HistGradientBoostingRegressor(learning_rate=rate),
        RATES,
        of_errors,
        1,
    )
    assert found["linear"]["fat"] == pytest.approx([-each for each in linear], rel=1e-3)
    assert found["gradient_boosting"]["fat"] == pytest.approx(
        [-each for each in boosting], rel=1e-2
    )
    (_, test), y = table(tecator, "tecator"), tecator.targets["fat"]
    assert (
        0
        < found["random_forest"]["fat"][0]
        < root_mean_squared_error(y[test], np.full(len(test), y.mean()))
    )


def test_few_noisy_rows_take_the_strongest_penalty():
    two = planted(
        Teacher(SharingTree.shared(2, 1), 20, kinds=(Binary(), Binary())), 80, 400, noise=2.0
    )
    dataset = replace(two, tasks=two.tasks[:1], targets={"y0": two.targets["y0"]})
    make = {
        alpha: make_pipeline(StandardScaler(), LogisticRegression(C=1 / alpha, max_iter=1000))
        for alpha in ALPHAS
    }
    found = score_sklearn_baselines(dataset, 0, 1)["linear"]["y0"]
    assert found == pytest.approx(
        by_hand(dataset, dataset.tasks[0], make.get, ALPHAS, of_classes, 1), abs=1e-4
    )
    assert found == pytest.approx(
        by_hand(dataset, dataset.tasks[0], make.get, [100.0], of_classes, 1), abs=1e-4
    )


@pytest.mark.parametrize(("seeds", "folds"), [(1, 1), (5, MOST_SEEDS)])
def test_there_is_a_score_for_each_fold_and_seeds_are_reproducible(tecator, seeds, folds):
    found = score_sklearn_baselines(tecator, 1, seeds)
    assert {name: len(own["fat"]) for name, own in found.items()} == dict.fromkeys(
        ("linear", "random_forest", "gradient_boosting"), folds
    )
    assert flat(score_sklearn_baselines(tecator, 1, seeds)) == pytest.approx(
        flat(found), rel=1e-9
    )  # but for a forest's last bits


def test_the_inputs_of_test_rows_change_nothing_but_their_own_predictions(tecator):
    """Half of the test rows lose their labels, so do not count; then their inputs are spoilt."""
    _, test = table(tecator, "tecator")
    targets, inputs = tecator.targets["fat"].copy(), tecator.sources["tecator"].inputs.copy()
    targets[test[::2]] = np.nan
    inputs.iloc[test[::2]] = np.random.default_rng(0).normal(
        1e4, 1e5, size=(len(test[::2]), inputs.shape[1])
    )
    half = replace(tecator, targets={"fat": targets})
    spoilt = replace(half, sources={"tecator": replace(tecator.sources["tecator"], inputs=inputs)})
    found = score_sklearn_baselines(half, 0, 1)
    assert flat(score_sklearn_baselines(spoilt, 0, 1)) == pytest.approx(flat(found), rel=1e-9)
    assert flat(score_sklearn_baselines(tecator, 0, 1)) != pytest.approx(flat(found), rel=1e-9)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_no_setting_is_chosen_by_the_test_rows(tecator, alpha):
    """The test targets become what one setting predicts: who looked at them would choose it, and
    score zero.
    """
    (x, test), targets = table(tecator, "tecator"), tecator.targets["fat"].copy()
    train = fold(tecator, confirmed(0).number, 0).train["tecator"]
    model = make_pipeline(StandardScaler(), Ridge(alpha)).fit(x[train], targets[train])
    targets[test] = model.predict(x[test])
    spoilt = replace(tecator, targets={"fat": targets})
    [task] = spoilt.tasks
    [best] = by_hand(
        spoilt,
        task,
        lambda alpha: make_pipeline(StandardScaler(), Ridge(alpha)),
        ALPHAS,
        of_errors,
        1,
    )
    assert score_sklearn_baselines(spoilt, 0, 1)["linear"]["fat"] == pytest.approx(
        [-best], rel=1e-2, abs=1e-3
    )
    assert (-best < 1e-9) == (alpha == 0.1)  # which is the best on the validation rows


def test_what_scikit_learn_refuses_is_left_out_and_the_rest_stays(penguins):
    """Rows without a label are not given to it; labels of one class are refused."""
    role, sex = penguins.sources["penguins"].splits.role, penguins.targets["sex"].copy()
    assert np.isnan(sex[role != TEST]).any()
    before = score_sklearn_baselines(penguins, 0, 1)
    assert all(own.keys() == {"species", "sex", "body_mass_g"} for own in before.values())
    sex[(role != TEST) & ~np.isnan(sex)] = 1.0
    found = score_sklearn_baselines(
        replace(penguins, targets={**penguins.targets, "sex": sex}), 0, 1
    )
    assert found["linear"].keys() == {"species", "body_mass_g"}
    for name, task in itertools.product(found, ("species", "body_mass_g")):
        assert found[name][task] == pytest.approx(before[name][task], rel=1e-9)


@pytest.mark.parametrize("rows", [BOOSTING_STRATIFIES_ABOVE, BOOSTING_STRATIFIES_ABOVE + 1])
def test_boosting_is_asked_for_what_scikit_learn_fits(penguins, rows):
    """With a class of one row it is refused just where scikit-learn would raise an error."""
    [task] = [task for task in penguins.tasks if task.name == "sex"]
    labels = np.zeros(rows)
    labels[0] = 1.0
    x = np.arange(rows, dtype=float)[:, None] % 7
    baseline = SKLEARN_BASELINES["gradient_boosting"]
    accepted = baseline.accepts(task, labels)
    assert accepted == (rows == BOOSTING_STRATIFIES_ABOVE)
    if not accepted:
        with pytest.raises(ValueError, match="only 1 member"):
            baseline.make(task, 0.1, 0, FlatColumns(1, 0, 0)).fit(x, labels)
    assert all(
        other.accepts(task, labels) for other in SKLEARN_BASELINES.values() if other != baseline
    )


def test_an_error_of_a_baseline_is_not_hidden(penguins, monkeypatch):
    def broken(setting, seed):
        raise ValueError("a fault of ours")

    wrong = replace(SKLEARN_BASELINES["linear"], classifier=broken)
    monkeypatch.setitem(SKLEARN_BASELINES, "linear", wrong)
    with pytest.raises(ValueError, match="a fault of ours"):
        score_sklearn_baselines(penguins, 0, 1)


def test_references_do_not_depend_on_the_unit(tecator):
    plain = score_sklearn_baselines(tecator, 0, 1)
    unit = 2.0**-40
    small = replace(tecator, targets={"fat": tecator.targets["fat"] * unit})
    for name, scores in score_sklearn_baselines(small, 0, 1).items():
        [score] = scores["fat"]
        assert score / unit == pytest.approx(plain[name]["fat"][0], rel=1e-3)
