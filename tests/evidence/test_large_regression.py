"""Regressions of many columns: the same posterior as with all covariances, and found once."""

import numpy as np
import pytest

from mtlsearch.evidence.affinity import fitting
from mtlsearch.evidence.affinity.design import Design
from mtlsearch.evidence.affinity.fitting import Memory, fit_design
from mtlsearch.evidence.affinity.large_regression import CellSystem, RowSystem
from mtlsearch.evidence.affinity.regression import FullSystem, largest_evidence

SHAPES = {"many rows": (120, 12, 50, 8), "few rows": (30, 45, 14, 3)}
DRAWS = 20_000


def example(rows, numbers, cells, replicates, seed=0):
    """A design, of whose columns the last three say nothing, and losses that rest on all."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, numbers))
    x[:, -3:] = 0.0
    in_cell = np.concatenate([np.arange(cells), rng.integers(0, cells, rows - cells)])
    on_replicate = np.arange(rows) % replicates
    groups = np.repeat([0, 2, 4], numbers // 3)
    losses = 0.3 * x @ rng.normal(size=numbers) + rng.normal(size=cells)[in_cell]
    losses += 0.2 * rng.normal(size=replicates)[on_replicate] + 0.5 * rng.normal(size=rows)
    return Design(x, groups, in_cell, on_replicate, 5), losses - losses.mean()


@pytest.mark.parametrize("system", [CellSystem, RowSystem])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_it_is_the_regression_with_all_covariances(shape, system):
    design, losses = example(*shape)
    scale = losses.std()
    full = FullSystem(design.matrix(), losses / scale, design.groups, design.width)
    large = system(design, losses / scale)
    expected, found = largest_evidence(full), largest_evidence(large)
    np.testing.assert_allclose(found.precision, expected.precision, rtol=1e-9)
    assert found.noise == pytest.approx(expected.noise)

    known, effects = full.fitted(expected, scale)
    posterior, other_effects = large.fitted(found, scale)
    np.testing.assert_allclose(posterior.mean, known.mean, atol=1e-9)
    assert posterior.dof == pytest.approx(known.dof)
    shares = design.replicate_shares()
    np.testing.assert_allclose(
        other_effects - other_effects @ shares, effects - effects @ shares, atol=1e-9
    )
    x = np.random.default_rng(1).normal(size=(5, design.width))
    np.testing.assert_allclose(posterior.predict(x), known.predict(x), rtol=1e-5)
    np.testing.assert_allclose(posterior.predict(x[0])[1], known.predict(x[0])[1], rtol=1e-5)


@pytest.mark.parametrize("system", [CellSystem, RowSystem])
def test_draws_have_its_mean_and_its_covariance(system):
    design, losses = example(*SHAPES["few rows"])
    large = system(design, losses)
    posterior, _ = large.fitted(largest_evidence(large), 1.0)
    draws = posterior.sample(np.random.default_rng(0), DRAWS)
    x = np.random.default_rng(1).normal(size=(6, design.width))
    means, deviations = posterior.predict(x)
    np.testing.assert_allclose((draws @ x.T).std(0), deviations, rtol=0.03)
    np.testing.assert_allclose((draws @ x.T).mean(0), means, atol=0.05 * deviations.max())


class _Dictionary(Memory):
    def __init__(self):
        self.kept = {}

    def find(self, key):
        return self.kept.get(key)

    def keep(self, key, evidence):
        self.kept[key] = evidence


@pytest.fixture
def searches(monkeypatch):
    """How often precisions were searched for; every regression is large enough to be kept."""
    monkeypatch.setattr(fitting, "MOST_FITTED_ANEW", 0)
    monkeypatch.setattr(fitting, "MOST_COLUMNS", 20)
    made = []
    search = fitting.largest_evidence
    monkeypatch.setattr(
        fitting, "largest_evidence", lambda system: made.append(system) or search(system)
    )
    return made


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_it_is_fitted_once_and_is_the_same_to_the_last_bit(shape, searches):
    design, losses = example(*shape)
    memory = _Dictionary()
    first = fit_design(design, losses, memory)
    again = fit_design(design, losses, memory)
    assert len(searches) == 1
    assert (first.posterior.mean == again.posterior.mean).all()
    assert first.posterior.dof == again.posterior.dof


def test_what_it_rests_on_makes_it_another_one(searches):
    design, losses = example(*SHAPES["many rows"])
    memory = _Dictionary()
    fit_design(design, losses, memory)
    other_numbers, other_cells = design.numbers.copy(), design.cells.copy()
    other_numbers[3, 1] += 1e-9
    other_cells[-1] = (other_cells[-1] + 1) % design.cell_count
    parts = vars(design)
    fit_design(Design(**parts | {"numbers": other_numbers}), losses, memory)
    fit_design(Design(**parts | {"cells": other_cells}), losses, memory)
    fit_design(design, losses * (1 + 1e-12), memory)
    assert len(searches) == len(memory.kept) == 4


def test_what_is_large_holds_no_matrix_of_all_covariances():
    design, losses = example(700, 12, 400, 8)
    posterior, _ = fit_design(design, losses)
    largest = max(part.size for part in vars(posterior).values() if hasattr(part, "size"))
    assert largest < design.width**2 / 10
