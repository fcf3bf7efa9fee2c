"""Ready-made models beside the search: as fitted by hand, and blind to the test rows."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, roc_auc_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlsearch.data import TEST, fold, load
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.errors import StudyError
from mtlsearch.records import TrainingResult, job_from_json
from mtlsearch.references import REFERENCES
from mtlsearch.references.histogram_boosting import MOST_TREES, PATIENCE
from mtlsearch.references.linear import Linear
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import Binary
from tests.support.references import fit_references, job_of, test_scores, trainer_of
from tests.support.replicates import confirmed

ALPHAS = (0.1, 1.0, 10.0, 100.0)


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
    return dataset, test_scores(dataset, 3, 2, ("linear", "random_forest"))


@pytest.fixture(scope="module")
def penguins():
    return load("penguins")


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
        linear, forest = (
            by_hand(dataset, task, make, settings, of_classes, 2, 3)
            for make, settings in (
                (
                    lambda alpha: make_pipeline(
                        StandardScaler(), LogisticRegression(C=1 / alpha, max_iter=1000)
                    ),
                    ALPHAS,
                ),
                (
                    lambda leaf: RandomForestClassifier(min_samples_leaf=leaf, random_state=0),
                    (1, 5),
                ),
            )
        )
        assert found["linear"][task.name] == pytest.approx(linear, abs=1e-4)
        assert found["random_forest"][task.name] == pytest.approx(forest, abs=0.04)  # another seed
    assert len({*found["linear"]["malignant"]}) == 2


def test_references_for_regressions_score_as_when_fitted_by_hand(tecator):
    found, [task] = test_scores(tecator, names=("linear",)), tecator.tasks
    linear = by_hand(
        tecator,
        task,
        lambda alpha: make_pipeline(StandardScaler(), Ridge(alpha)),
        ALPHAS,
        of_errors,
        1,
    )
    assert found["linear"]["fat"] == pytest.approx([-each for each in linear], rel=1e-3)


def test_boosting_stops_by_the_validation_rows_as_by_hand(tecator):
    """It is scikit-learn's own, given the fold's validation rows; other rows give other trees."""
    trainer, [task] = trainer_of(tecator), tecator.tasks
    model = trainer.fit_of(job_of("histogram_boosting"), task).best()
    (x, test), y = table(tecator, "tecator"), tecator.targets["fat"]
    rows = fold(tecator, confirmed(0).number, 0)
    train, validation = rows.train["tecator"], rows.validation["tecator"]
    scaled = StandardScaler().fit(x[train]).transform(x).astype(np.float32)
    hand = HistGradientBoostingRegressor(
        early_stopping=True, max_iter=MOST_TREES, n_iter_no_change=PATIENCE, **model.setting
    ).fit(scaled[train], y[train], X_val=scaled[validation], y_val=y[validation])
    [pipeline] = model.models
    assert pipeline[-1].n_iter_ == hand.n_iter_ < MOST_TREES
    predicted = model.predict(trainer.fit_of(job_of("histogram_boosting"), task).rows.table.inputs)
    assert predicted[test] == pytest.approx(hand.predict(scaled[test]), rel=0.05)


def test_few_noisy_rows_take_the_strongest_penalty():
    two = planted(
        Teacher(SharingTree.shared(2, 1), 20, kinds=(Binary(), Binary())), 80, 400, noise=2.0
    )
    dataset = replace(two, tasks=two.tasks[:1], targets={"y0": two.targets["y0"]})
    make = {
        alpha: make_pipeline(StandardScaler(), LogisticRegression(C=1 / alpha, max_iter=1000))
        for alpha in ALPHAS
    }
    found = test_scores(dataset, names=("linear",))["linear"]["y0"]
    assert found == pytest.approx(
        by_hand(dataset, dataset.tasks[0], make.get, ALPHAS, of_classes, 1), abs=1e-4
    )
    assert found == pytest.approx(
        by_hand(dataset, dataset.tasks[0], make.get, [100.0], of_classes, 1), abs=1e-4
    )


def test_fits_are_reproducible_and_later_folds_take_the_settings_of_the_first(tecator):
    found = fit_references(tecator, 1, 3)
    again = fit_references(tecator, 1, 3)
    for name, fits in found.items():
        assert len({str(result.reference.settings) for result in fits}) == 1
        for result, other in zip(fits, again[name], strict=True):
            assert result.predictions["fat"].tolist() == other.predictions["fat"].tolist()
    forests = {result.predictions["fat"].tobytes() for result in found["random_forest"]}
    assert len(forests) == 3  # the folds are the same here, the seeds are not


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
    found = test_scores(half)
    assert flat(test_scores(spoilt)) == pytest.approx(flat(found), rel=1e-9)
    assert flat(test_scores(tecator)) != pytest.approx(flat(found), rel=1e-9)


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
    assert test_scores(spoilt, names=("linear",))["linear"]["fat"] == pytest.approx(
        [-best], rel=1e-2, abs=1e-3
    )
    assert (-best < 1e-9) == (alpha == 0.1)  # which is the best on the validation rows


def test_a_task_without_two_classes_is_left_out_with_the_reason_and_the_rest_stays(penguins):
    """Rows without a label are not given to a reference."""
    role, sex = penguins.sources["penguins"].splits.role, penguins.targets["sex"].copy()
    assert np.isnan(sex[role != TEST]).any()
    names = ("linear", "histogram_boosting")
    before = test_scores(penguins, names=names)
    sex[(role != TEST) & ~np.isnan(sex)] = 1.0
    spoilt = replace(penguins, targets={**penguins.targets, "sex": sex})
    found = test_scores(spoilt, names=names)
    for name in names:
        assert found[name].keys() == {"species", "body_mass_g"}
        for task in found[name]:
            assert found[name][task] == pytest.approx(before[name][task], rel=1e-9)
    [result] = fit_references(spoilt, names=("linear",))["linear"]
    assert result.reference.left_out == {"sex": "its training rows are all of one class"}


def test_an_error_of_a_reference_is_not_hidden(penguins, monkeypatch):
    def broken(*arguments):
        raise ValueError("a fault of ours")

    monkeypatch.setattr(Linear, "estimator", broken)
    with pytest.raises(ValueError, match="a fault of ours"):
        fit_references(penguins, names=("linear",))


def test_a_package_that_went_missing_is_named(penguins, monkeypatch):
    monkeypatch.setattr(type(REFERENCES["lightgbm"]), "module", "no_such_module")
    with pytest.raises(StudyError, match="pip install lightgbm"):
        fit_references(penguins, names=("lightgbm",))


def test_of_more_rows_than_are_wanted_so_many_are_taken_evenly_spread(tecator):
    fit = trainer_of(tecator).fit_of(job_of("linear", most_rows=100), tecator.tasks[0])
    positions = np.searchsorted(fit.rows.train, fit.train)
    assert len(fit.train) == 100 < len(fit.rows.train)
    assert np.ptp(np.diff(positions)) <= 1
    assert positions[-1] >= len(fit.rows.train) - 2


def test_references_do_not_depend_on_the_unit(tecator):
    plain = test_scores(tecator)
    unit = 2.0**-40
    small = replace(tecator, targets={"fat": tecator.targets["fat"] * unit})
    for name, scores in test_scores(small).items():
        [score] = scores["fat"]
        # the tolerance of boosting is absolute: it may stop a tree later
        assert score / unit == pytest.approx(plain[name]["fat"][0], rel=1e-2)


def test_jobs_and_results_go_through_json(penguins):
    job = job_of("linear", 2, 7, most_rows=50, settings={"sex": {"alpha": 1.0}})
    spelled = json.loads(json.dumps(job.to_json()))
    assert job_from_json(spelled) == job
    [result] = [result for result in trainer_of(penguins, 7).train([job]) if result]
    assert result.reference.settings["sex"] == {"alpha": 1.0}
    assert set(result.reference.rows.values()) <= set(range(25, 51))
    again = TrainingResult.from_json(json.loads(json.dumps(result.to_json())))
    assert again == result
    assert "reference" not in TrainingResult.failed(0, "worn out").to_json()
