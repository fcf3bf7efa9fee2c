"""Seeded dropout: the rate, the scale, and that the masks are no one's neighbours in any visible
way.
"""

import math

import pytest
import torch
from torch import nn

from mtlsearch.seeding import derive_seed
from mtlsearch.training.dropout import SeededDropout, dropout_key, seed_dropouts

RATES = [0.02, 0.1, 0.25, 0.5, 0.75, 0.9]
ROWS, WIDTH = 64, 48
SIZE = ROWS * WIDTH


def kept(p, node=0, step=0, source="a", shape=(ROWS, WIDTH)):
    """Which positions a dropout keeps, True or False."""
    layer = SeededDropout(p, derive_seed(7, "node", node))
    layer.dropout_key = dropout_key(step, source)
    return layer(torch.ones(shape)) > 0


def standardised(masks):
    """Masks [K, ...] as rows [K, SIZE] of mean 0 and length 1."""
    flat = masks.reshape(len(masks), -1).double()
    flat = flat - flat.mean(1, keepdim=True)
    return flat / flat.norm(dim=1, keepdim=True)


def assert_like_chance(correlations, samples):
    """Correlations of independent draws have a standard deviation of 1 / sqrt(samples)."""
    scaled = correlations.flatten() * math.sqrt(samples)
    assert scaled.abs().max() < 4 + math.sqrt(2 * math.log(len(scaled)))
    assert scaled.square().mean() < 1 + 6 * math.sqrt(2 / len(scaled))


@pytest.mark.parametrize("p", RATES)
def test_the_share_dropped_is_the_rate(p):
    masks = torch.stack([kept(p, node, step) for node in range(8) for step in range(8)])
    for dropped, draws in (
        ((~masks).double().mean(), masks.numel()),
        *(((~mask).double().mean(), SIZE) for mask in masks),
    ):
        assert abs(dropped - p) < 5 * math.sqrt(p * (1 - p) / draws)


@pytest.mark.parametrize("p", RATES)
def test_what_is_kept_is_scaled_so_that_the_mean_stays(p):
    layer, h = SeededDropout(p, derive_seed(7, "node", 0)), torch.rand(400, 500) + 1.0
    out = layer(h)
    keep = out != 0
    torch.testing.assert_close(out[keep], h[keep] / (1 - p))
    assert float(out.mean()) == pytest.approx(
        float(h.mean()), rel=5.25 * math.sqrt(p / (1 - p) / h.numel())
    )


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("other", ["node", "step", "source"])
def test_masks_of_other_nodes_steps_and_sources_are_unrelated(p, other):
    masks = standardised(
        torch.stack([kept(p, **{other: str(k) if other == "source" else k}) for k in range(40)])
    )
    first, second = torch.triu_indices(40, 40, 1)
    assert_like_chance((masks @ masks.mT)[first, second], SIZE)


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("lag", [1, 2, 3, 4, 8, 16, 32, WIDTH - 1, WIDTH, WIDTH + 1, 2 * WIDTH])
def test_neighbouring_positions_are_unrelated(p, lag):
    flat = standardised(
        torch.stack([kept(p, node, step) for node in range(6) for step in range(6)])
    )
    assert_like_chance((flat[:, lag:] * flat[:, :-lag]).sum(1), SIZE)


@pytest.mark.parametrize("p", RATES)
def test_a_mask_has_no_period(p):
    """Of white noise the power at each frequency, relative to its mean, is exponentially
    distributed.
    """
    masks = standardised(torch.stack([kept(p, node) for node in range(12)])).reshape(
        -1, ROWS, WIDTH
    )
    power = torch.fft.rfft2(masks).abs().square()
    assert power.max() < math.log(power.numel()) + 9
    assert power.flatten(1)[:, 1:].std() < 1.3


@pytest.mark.parametrize("p", RATES)
def test_the_positions_that_a_step_drops_do_not_come_again_in_the_next(p):
    """How often a position is dropped in 400 steps is binomial: none is hit or spared too often."""
    counts = torch.stack([~kept(p, 3, step) for step in range(400)]).sum(0).double()
    deviation = (counts - 400 * p) / math.sqrt(400 * p * (1 - p))
    assert deviation.abs().max() < 6
    assert deviation.square().mean() == pytest.approx(1.0, abs=6 * math.sqrt(2 / SIZE))


def test_a_row_does_not_depend_on_how_many_there_are():
    whole = kept(0.5)
    for rows in (1, 2, 17, 63):
        assert torch.equal(kept(0.5, shape=(rows, WIDTH)), whole[:rows])
    deep = kept(0.5, shape=(9, 4, 12))
    assert torch.equal(kept(0.5, shape=(5, 4, 12)), deep[:5])


def test_a_mask_is_the_same_whenever_it_is_drawn_and_another_for_every_moment():
    first = kept(0.5, 2, 3, "b")
    torch.manual_seed(123)
    assert torch.equal(kept(0.5, 2, 3, "b"), first)
    others = [kept(0.5, 1, 3, "b"), kept(0.5, 2, 4, "b"), kept(0.5, 2, 3, "c")]
    assert not any(torch.equal(other, first) for other in others)


def test_every_dropout_of_a_module_has_masks_of_its_own():
    module = seed_dropouts(
        nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Identity(), nn.Dropout(0.5))), 5
    )
    first, second = module[0], module[1][1]
    ones = torch.ones(ROWS, WIDTH)
    assert not torch.equal(first(ones), second(ones))
    again = seed_dropouts(nn.Sequential(nn.Dropout(0.5), nn.Identity()), 5)
    assert torch.equal(again(ones), first(ones))
    assert isinstance(seed_dropouts(nn.Dropout(0.5), 5), SeededDropout)


def test_a_rate_of_nothing_and_evaluation_leave_the_input_as_it_is():
    h = torch.randn(ROWS, WIDTH)
    assert torch.equal(seed_dropouts(nn.Sequential(nn.Dropout(0.0)), 5).train()(h), h)
    assert torch.equal(SeededDropout(0.0, 5).train()(h), h)
    assert torch.equal(SeededDropout(0.9, 5).eval()(h), h)


@pytest.mark.parametrize(("p", "share"), [(1e-12, 1.0), (1 - 1e-12, 0.0)])
def test_extreme_rates(p, share):
    assert kept(p).double().mean() == share
