"""Intervals and verdicts that rest on few rows of a class say so."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from mtlsearch.data import ScarceClass
from mtlsearch.evidence import verdict
from mtlsearch.evidence.caveats import few_rows
from mtlsearch.evidence.comparison import compare
from mtlsearch.evidence.interval import interval
from mtlsearch.evidence.verdict import Contender
from mtlsearch.tasks import METRICS
from tests.support.confirmed import BASELINE, scored, shifted

SCARCE = ScarceClass("a", "1", 9, 400, "test", limits=True)
REPETITIONS = 150
SAMPLES = 60
ROWS = 400


def test_few_rows_count_as_few_values() -> None:
    resampled = [1.0, 3.0]  # of variance 2
    few = interval([2.0, 2.0], resampled, rarest=9)
    assert few.row_variance == pytest.approx(2.0 * 9 / 8)
    quantile = stats.t.ppf(0.975, 8)
    assert few.high == pytest.approx(2.0 + quantile * math.sqrt(2.0 * 9 / 8))
    assert few.p > interval([2.0, 2.0], resampled).p


@pytest.mark.parametrize("rarest", [0, 1])
def test_from_one_row_nothing_is_known(rarest: int) -> None:
    assert interval([2.0, 2.1], [1.0, 3.0], rarest=rarest).low is None


def _difference(draw: np.random.Generator, positives: int) -> tuple[float, np.ndarray]:
    """The difference of the AUC of two models, and that on bootstrap samples of the rows."""
    labels = (np.arange(ROWS) < positives).astype(float)
    common = draw.normal(size=ROWS)
    first = 1.6 * labels + common + 0.7 * draw.normal(size=ROWS)
    second = 1.3 * labels + common + 0.7 * draw.normal(size=ROWS)
    metric = METRICS["roc_auc"]
    rows = draw.integers(ROWS, size=(SAMPLES, ROWS))
    truth = torch.from_numpy(labels[rows])
    on_samples = []
    for model in (first, second):
        predicted = torch.from_numpy(model[rows])
        on_samples.append(metric.score_batch(predicted, truth).numpy())
    difference = metric.score(labels, first) - metric.score(labels, second)
    return difference, on_samples[0] - on_samples[1]


@pytest.mark.parametrize(("positives", "least"), [(2, 0.95), (4, 0.93), (9, 0.93)])
def test_intervals_from_few_positives_cover_the_truth(positives: int, least: float) -> None:
    """Without regard to their number they cover it in 56%, 77% and 91% of the draws."""
    draw = np.random.default_rng(0)
    spread = math.sqrt(2 * (1 + 0.7**2))
    truth = stats.norm.cdf(1.6 / spread) - stats.norm.cdf(1.3 / spread)
    covered = 0
    drawn = 0
    for _ in range(REPETITIONS):
        count = int(draw.binomial(ROWS, positives / ROWS))
        if not count:
            continue  # refused before training
        difference, on_samples = _difference(draw, count)
        estimate = interval([difference, difference], on_samples, rarest=count)
        drawn += 1
        covered += estimate.low is None or estimate.low <= truth <= estimate.high
    assert covered / drawn >= least


def _contender(tasks, shift, rarest):
    samples = [{"a": 0.80 + 0.02 * step, "b": 2.0} for step in (-1, 0, 1)]
    ours = scored(shifted(*shift), [{**row, "a": 0.85} for row in samples])
    baseline = scored(BASELINE, samples)
    return Contender(compare("ours", ours, baseline, tasks, rarest), 0.0, [["a", "b"]], "ours")


def test_the_headline_claims_less_from_few_rows(tasks) -> None:
    plain = verdict.decide([_contender(tasks, (0.05, -0.1), {})], "alone", "warmed_up")
    assert plain.decision == "share"
    few = verdict.decide(
        [_contender(tasks, (0.05, -0.1), {"a": 2})], "alone", "warmed_up", few_rows([SCARCE])
    )
    assert few.decision == "cannot tell"
    assert "seeds would tell" not in few.sentence
    assert few.sentence.endswith(
        "This rests on few rows (task a: 9 of the 400 test rows are of class 1): more labelled "
        "rows of that class would tell, more seeds would not."
    )


def test_a_claim_from_few_rows_has_a_warning_beside_it(tasks) -> None:
    found = verdict.decide(
        [_contender(tasks, (0.05, -0.1), {})], "alone", "warmed_up", few_rows([SCARCE])
    )
    assert found.decision == "share"
    assert "9 of the 400 test rows are of class 1" in found.sentence


def test_without_an_interval_the_reason_is_said(tasks) -> None:
    found = verdict.decide(
        [_contender(tasks, (0.05, -0.1), {"a": 1})], "alone", "warmed_up", few_rows([SCARCE])
    )
    assert found.decision == "cannot tell"
    assert "no interval from one test row of a class" in found.sentence
