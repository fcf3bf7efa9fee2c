"""The grouped regression: against scikit-learn and known weights, and its own uncertainty."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import BayesianRidge

from mtlsearch.evidence.affinity.regression import EXPECTED_WEIGHT, fit

TWO_GROUPS = np.repeat([0, 1], 4)


def example(rows, weights, noise=1.0, seed=0):
    """Random x and y of known weights, both centred."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, len(weights)))
    y = x @ np.asarray(weights) + noise * rng.normal(size=rows)
    return x - x.mean(0), y - y.mean()


def test_known_weights_and_noise_are_found_as_rows_are_added():
    weights, errors = np.array([3.0, -2.0, 0.5, 0.0]), []
    for rows in (30, 300, 30_000):
        found = fit(*example(rows, weights, noise=2.0), np.zeros(4, int))
        errors.append(np.abs(found.mean - weights).max())
        assert found.dof == pytest.approx(rows - 4, abs=1)
    assert errors[0] > errors[2]
    assert errors[2] < 0.05
    assert found.noise == pytest.approx(2.0, rel=0.02)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), 2.0 / np.sqrt(30_000), rtol=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_a_group_that_explains_nothing_is_shrunk_and_the_other_is_not(seed):
    weights = np.array([1.0, -2.0, 1.5, -1.0, 0, 0, 0, 0])
    x, y = example(200, weights, noise=0.5, seed=seed)
    found, alone = fit(x, y, TWO_GROUPS), fit(x, y, np.zeros(8, int))
    np.testing.assert_allclose(found.mean[:4], weights[:4], atol=0.15)
    assert np.linalg.norm(found.mean[4:]) < np.linalg.norm(alone.mean[4:])


def test_an_empty_group_is_shrunk_but_its_doubt_remains():
    sizes, doubts = [], []
    for seed in range(40):
        x, y = example(12, [2.0, -2.0, 2.0, -2.0, 0, 0, 0, 0], seed=seed)
        found, free = fit(x, y, TWO_GROUPS), np.linalg.lstsq(x, y)[0]
        sizes.append(np.linalg.norm(found.mean[4:]) / np.linalg.norm(free[4:]))
        doubts.append(np.sqrt(np.diag(found.covariance))[4:].min() / y.std())
    assert np.median(sizes) < 0.5
    assert 0.1 * EXPECTED_WEIGHT < min(doubts) < max(doubts) < 3 * EXPECTED_WEIGHT


@pytest.mark.parametrize(("rows", "noise"), [(30, 1.0), (200, 0.3), (50, 3.0)])
def test_one_group_is_scikit_learns_bayesian_ridge(rows, noise):
    x, y = example(rows, np.random.default_rng(rows).normal(size=6), noise)
    found = fit(x, y, np.zeros(6, int))
    size = (EXPECTED_WEIGHT * y.std()) ** 2 / 2
    priors = {"alpha_1": 0.5, "alpha_2": size, "lambda_1": 0.5, "lambda_2": size}
    other = BayesianRidge(fit_intercept=False, tol=1e-12, max_iter=10_000, **priors).fit(x, y)
    np.testing.assert_allclose(found.mean, other.coef_, rtol=1e-3)
    np.testing.assert_allclose(
        found.covariance, other.sigma_, rtol=2e-3, atol=1e-6 * other.sigma_.max()
    )
    assert found.noise == pytest.approx(other.alpha_**-0.5, rel=1e-3)
    means, deviations = found.predict(x[:5])
    expected, with_noise = other.predict(x[:5], return_std=True)
    np.testing.assert_allclose(means, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(deviations**2, with_noise**2 - 1 / other.alpha_, rtol=5e-3)


def test_intervals_cover_weights_that_the_data_determine_about_95_times_in_100():
    rng, covered = np.random.default_rng(0), []
    for seed in range(300):
        weights = rng.normal(size=8) * np.repeat([1.0, 3.0], 4)
        found = fit(*example(30, weights, seed=seed), TWO_GROUPS)
        half_width = stats.t.ppf(0.975, found.dof) * np.sqrt(np.diag(found.covariance))
        covered.append(np.abs(found.mean - weights) <= half_width)
    assert 0.925 < np.mean(covered) < 0.975


def test_where_nothing_is_explained_hardly_anything_is_claimed():
    claimed = []
    for seed in range(300):
        found = fit(*example(30, np.zeros(8), seed=seed), TWO_GROUPS)
        half_width = stats.t.ppf(0.975, found.dof) * np.sqrt(np.diag(found.covariance))
        claimed.append(np.abs(found.mean) > half_width)
    assert np.mean(claimed) < 0.05


def test_the_unit_of_the_targets_does_not_matter():
    x, y = example(60, [1.0, -1.0, 2.0, 0, 0, 0, 0, 0])
    found, large = fit(x, y, TWO_GROUPS), fit(x, 1e6 * y, TWO_GROUPS)
    np.testing.assert_allclose(large.mean, 1e6 * found.mean, rtol=1e-6)
    np.testing.assert_allclose(large.covariance, 1e12 * found.covariance, rtol=1e-6)
    assert (large.noise, large.dof) == pytest.approx((1e6 * found.noise, found.dof))


@pytest.mark.parametrize("rows", [1, 10])
def test_a_constant_and_a_single_row_say_nothing(rows):
    found = fit(np.random.default_rng(0).normal(size=(rows, 3)), np.zeros(rows), np.zeros(3, int))
    assert not found.mean.any()
    assert not found.covariance.any()
    assert (found.noise, found.dof) == (0.0, 1.0)
    means, deviations = found.predict(np.ones((2, 3)))
    assert means.tolist() == deviations.tolist() == [0.0, 0.0]


def test_more_columns_than_rows_and_equal_columns_are_no_trouble():
    x, y = example(12, [2.0])
    found = fit(np.hstack([x] * 20), y, np.repeat([0, 1], 10))
    assert np.isfinite(found.covariance).all()
    assert found.mean.sum() == pytest.approx(np.linalg.lstsq(x, y)[0][0], rel=0.15)
    np.testing.assert_allclose(found.mean[:10], found.mean[0])


def test_the_prediction_of_one_column_is_its_weight():
    found = fit(*example(40, [1.0, 2.0, 3.0]), np.zeros(3, int))
    means, deviations = found.predict(np.eye(3))
    np.testing.assert_allclose(means, found.mean)
    np.testing.assert_allclose(deviations**2, np.diag(found.covariance))
    mean, deviation = found.predict(np.array([1.0, -1.0, 0.0]))
    by_hand = found.covariance[0, 0] + found.covariance[1, 1] - 2 * found.covariance[0, 1]
    assert (mean, deviation**2) == pytest.approx((found.mean[0] - found.mean[1], by_hand))


def test_samples_have_the_posteriors_mean_and_covariance():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)) @ np.array([[1.0, 0.9, 0.0], [0.0, 0.4, 0.0], [0.0, 0.0, 1.0]])
    y = x @ np.array([1.0, -1.0, 2.0]) + rng.normal(size=40)
    found = fit(x - x.mean(0), y - y.mean(), np.zeros(3, int))
    draws = found.sample(np.random.default_rng(1), 40_000)
    scale = np.sqrt(np.diag(found.covariance))
    assert draws.shape == (40_000, 3)
    np.testing.assert_allclose((draws.mean(0) - found.mean) / scale, 0, atol=0.02)
    np.testing.assert_allclose(
        (np.cov(draws.T) - found.covariance) / np.outer(scale, scale), 0, atol=0.03
    )
    assert abs(found.covariance[0, 1]) > 0.5 * scale[0] * scale[1]
    np.testing.assert_array_equal(
        found.sample(np.random.default_rng(1), 5), found.sample(np.random.default_rng(1), 5)
    )


def test_far_more_columns_than_rows_leave_some_noise():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 60))
    y = x[:, 0] - x[:, 1]
    found = fit(x - x.mean(0), y - y.mean(), np.repeat([0, 1, 2], 20))
    assert np.isfinite(found.mean).all()
    assert found.noise > 0.02 * y.std()
