"""The masked losses against computation by hand."""

import math

import numpy as np
import pytest
import torch
from sklearn.utils import compute_class_weight

from mtlsearch.tasks import (
    TASK_KINDS,
    Binary,
    Count,
    Emphasis,
    LabelSet,
    Multiclass,
    Ordinal,
    Regression,
    balanced_weights,
    task_loss,
)

NAN = math.nan
CLASSES = "abcd"
CLASSIFICATIONS = [kind for kind in TASK_KINDS.values() if kind.is_classification]
KINDS_WITH_OUTPUTS = [
    (Regression(), 1),
    (Binary(), 1),
    (Multiclass(), 4),
    (Ordinal(), 3),
    (Count(), 1),
    (LabelSet(), 3),
]


def target_shape(kind, *rows, outputs):
    """The shape of targets, which a set of labels has for each output."""
    return (*rows, outputs) if kind.labels_per_class else rows


def test_regression_is_the_mean_square_over_the_labelled_rows():
    output = torch.tensor([[1.0], [5.0], [-2.0]])
    assert task_loss(Regression(), output, torch.tensor([0.0, NAN, 1.0])).item() == pytest.approx(
        (1 + 9) / 2
    )


def test_binary_is_the_mean_cross_entropy_of_the_logit_over_the_labelled_rows():
    loss = task_loss(
        Binary(), torch.tensor([[0.0], [2.0], [7.0], [-1.0]]), torch.tensor([1.0, 0.0, NAN, 1.0])
    )
    by_hand = [math.log(2), math.log(1 + math.exp(2)), math.log(1 + math.exp(1))]
    assert loss.item() == pytest.approx(sum(by_hand) / 3)


def test_multiclass_is_the_mean_negative_log_softmax_over_the_labelled_rows():
    output = torch.tensor([[1.0, 2.0, 3.0], [9.0, 9.0, -9.0], [0.0, 0.0, 0.0]])
    loss = task_loss(Multiclass(), output, torch.tensor([2.0, NAN, 0.0]))
    total = math.exp(1) + math.exp(2) + math.exp(3)
    assert loss.item() == pytest.approx((math.log(total) - 3 + math.log(3)) / 2)


def test_count_is_the_mean_poisson_deviance_of_the_rate_over_the_labelled_rows():
    output = torch.tensor([[math.log(2)], [5.0], [0.0], [1.0]])
    loss = task_loss(Count(), output, torch.tensor([3.0, NAN, 1.0, 0.0]))
    by_hand = [2 * (3 * math.log(3 / 2) - 3 + 2), 0, 2 * math.e]
    assert loss.item() == pytest.approx(sum(by_hand) / 3, rel=1e-6)


def test_ordinal_is_the_mean_negative_logarithm_of_a_difference_of_sigmoids():
    output = torch.tensor([[1.0, 0.5]] * 3)
    first, second = torch.sigmoid(torch.tensor([1.0, 1 - math.log1p(math.exp(0.5))])).tolist()
    for code, probability in enumerate([1 - first, first - second, second]):
        loss = task_loss(Ordinal(), output, torch.tensor([float(code), NAN, float(code)]))
        assert loss.item() == pytest.approx(-math.log(probability), rel=1e-6)


def test_a_set_of_labels_is_the_mean_cross_entropy_over_the_labels_that_are_known():
    output = torch.tensor([[0.0, 5.0], [2.0, -1.0], [7.0, 7.0]], requires_grad=True)
    target = torch.tensor([[1.0, NAN], [0.0, 1.0], [NAN, NAN]])
    loss = task_loss(LabelSet(), output, target)
    by_hand = [math.log(2), math.log(1 + math.exp(2)), math.log(1 + math.exp(1))]
    assert loss.item() == pytest.approx(sum(by_hand) / 3)
    loss.backward()
    assert torch.equal(output.grad == 0, target.isnan())


def test_classes_of_each_label_are_weighed_apart():
    target = torch.tensor([[1.0, 0.0], [0.0, NAN]])
    emphasis = Emphasis(torch.tensor([[1.0, 10.0], [100.0, 1.0]]), torch.tensor(1.0))
    loss = task_loss(LabelSet(), torch.zeros(2, 2), target, emphasis)
    assert loss.item() == pytest.approx((10 + 100 + 1) / 3 * 0.5 * math.log(2))


@pytest.mark.parametrize("scale", [1e2, 1e4])
def test_the_ordinal_loss_is_finite_for_extreme_outputs(scale):
    output = scale * torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    output.requires_grad_()
    for code in range(3):
        loss = task_loss(Ordinal(), output, torch.full((4,), float(code)))
        loss.backward()
        assert loss.isfinite()
    assert output.grad.isfinite().all()


def test_the_focal_loss_and_class_weights_by_hand():
    output = torch.tensor([[0.0], [2.0], [7.0], [-1.0]], requires_grad=True)
    target = torch.tensor([1.0, 0.0, NAN, 1.0])
    emphasis = Emphasis(torch.tensor([0.5, 3.0]), torch.tensor(2.0))
    loss = task_loss(Binary(), output, target, emphasis)
    total = 0.0
    for logit, weight in ((0.0, 3.0), (-2.0, 0.5), (-1.0, 3.0)):
        likelihood = 1 / (1 + math.exp(-logit))
        total += weight * (1 - likelihood) ** 2 * -math.log(likelihood)
    assert loss.item() == pytest.approx(total / 3)
    loss.backward()
    assert output.grad.isfinite().all()


@pytest.mark.parametrize("kind", CLASSIFICATIONS, ids=repr)
def test_who_asks_for_no_emphasis_has_the_plain_loss_to_the_last_bit(kind):
    """Whoever is computed beside it."""
    draw = torch.Generator().manual_seed(0)
    outputs = 10 * torch.randn(2, 50, kind.output_count("ab"), generator=draw)
    shape = target_shape(kind, 2, 50, outputs=2)
    target = torch.randint(0, 2, shape, generator=draw).float()
    class_weights = torch.tensor([[1.0, 1.0], [0.6, 2.0]])
    if kind.labels_per_class:
        class_weights = class_weights[:, None].expand(-1, 2, -1)
    emphasis = Emphasis(class_weights, torch.tensor([0.0, 0.5]))
    plain = outputs.clone().requires_grad_()
    task_loss(kind, plain, target).sum().backward()
    beside = outputs.clone().requires_grad_()
    losses = task_loss(kind, beside, target, emphasis)
    losses.sum().backward()
    assert losses[0] == task_loss(kind, plain, target)[0]
    assert losses[1] != task_loss(kind, plain, target)[1]
    assert torch.equal(plain.grad[0], beside.grad[0])
    assert beside.grad.isfinite().all()


def smoothed(kind, labels, outputs, share):
    """The mean loss by hand, of labels of which a share has gone to others."""
    total = 0.0
    for label, output in zip(labels, outputs, strict=True):
        losses = []
        for code in range(len(CLASSES)):
            losses.append(task_loss(kind, output[None], torch.tensor([float(code)])).item())
        others = range(len(CLASSES))
        if isinstance(kind, Ordinal):
            others = [code for code in others if abs(code - label) == 1]
        total += (1 - share) * losses[int(label)]
        total += share * sum(losses[code] for code in others) / len(others)
    return total / len(labels)


@pytest.mark.parametrize("kind", [Multiclass(), Ordinal()], ids=repr)
def test_smoothing_gives_all_classes_a_share_and_in_an_order_the_neighbours(kind):
    draw = torch.Generator().manual_seed(0)
    labels = torch.tensor([0.0, 1.0, 2.0, 3.0])
    outputs = torch.randn(4, kind.output_count(CLASSES), generator=draw)
    loss = task_loss(kind, outputs, labels, smoothing=torch.tensor(0.3))
    assert loss.item() == pytest.approx(smoothed(kind, labels, outputs, 0.3), rel=1e-5)


def test_smoothing_of_two_classes_and_of_labels_is_that_of_their_targets():
    output = torch.tensor([[0.5, -1.0], [2.0, 3.0]])
    target = torch.tensor([[1.0, NAN], [0.0, 1.0]])
    soft = (1 - 0.2) * target + 0.2 / 2
    share = torch.tensor(0.2)
    loss = task_loss(LabelSet(), output, target, smoothing=share)
    assert loss.item() == pytest.approx(task_loss(LabelSet(), output, soft).item())
    loss = task_loss(Binary(), output[:, :1], target[:, 0], smoothing=share)
    assert loss.item() == pytest.approx(task_loss(Binary(), output[:, :1], soft[:, 0]).item())


def test_a_smoothed_row_counts_by_its_label():
    """Its class weighs it, and the focal loss looks at the likelihood of its class."""
    output = torch.tensor([[1.5], [0.0]])
    emphasis = Emphasis(torch.tensor([0.5, 3.0]), torch.tensor(2.0))
    loss = task_loss(Binary(), output, torch.tensor([1.0, NAN]), emphasis, torch.tensor(0.2))
    likelihood = 1 / (1 + math.exp(-1.5))
    soft = -0.9 * math.log(likelihood) - 0.1 * math.log(1 - likelihood)
    assert loss.item() == pytest.approx(3 * (1 - likelihood) ** 2 * soft)


@pytest.mark.parametrize("kind", CLASSIFICATIONS, ids=repr)
def test_who_asks_for_no_smoothing_has_the_plain_loss_to_the_last_bit(kind):
    draw = torch.Generator().manual_seed(0)
    outputs = 10 * torch.randn(2, 50, kind.output_count("ab"), generator=draw)
    target = torch.randint(0, 2, target_shape(kind, 2, 50, outputs=2), generator=draw).float()
    plain = outputs.clone().requires_grad_()
    losses_before = task_loss(kind, plain, target)
    losses_before.sum().backward()
    beside = outputs.clone().requires_grad_()
    losses = task_loss(kind, beside, target, smoothing=torch.tensor([0.0, 0.1]))
    losses.sum().backward()
    assert losses[0] == losses_before[0]
    assert losses[1] != losses_before[1]
    assert torch.equal(plain.grad[0], beside.grad[0])
    assert plain.grad.stride() == beside.grad.stride()


def test_balanced_classes_count_alike():
    labels = np.array([0.0, 0, 0, 0, 0, 2, 2, 2, 3])
    weights = balanced_weights(labels, 4)
    assert weights[[0, 2, 3]] * [5, 3, 1] == pytest.approx([3, 3, 3])
    assert weights[1] == 1
    known = compute_class_weight("balanced", classes=np.unique(labels), y=labels)
    assert weights[[0, 2, 3]] == pytest.approx(known)


@pytest.mark.parametrize("emphasises", [False, True, "with smoothing"])
@pytest.mark.parametrize(("kind", "outputs"), KINDS_WITH_OUTPUTS)
def test_the_loss_of_an_ensemble_is_the_mean_of_its_members_losses(kind, outputs, emphasises):
    draw = torch.Generator().manual_seed(0)
    shape = target_shape(kind, 2, 20, outputs=outputs)
    target = torch.randint(0, 2, shape, generator=draw).float()
    target[torch.rand(shape, generator=draw) < 0.2] = NAN
    output = torch.randn(2, 20, 4, outputs, generator=draw)
    emphasis = None
    if emphasises:
        labels = (outputs,) if kind.labels_per_class else ()
        class_weights = 0.5 + torch.rand(2, *labels, 5, generator=draw)
        emphasis = Emphasis(class_weights, torch.tensor([0.0, 1.5]))
    smoothing = None
    if emphasises == "with smoothing" and kind.is_classification:
        smoothing = torch.tensor([0.1, 0.0])
    together = task_loss(kind, output, target, emphasis, smoothing)
    alone = [task_loss(kind, member, target, emphasis, smoothing) for member in output.unbind(-2)]
    assert together.shape == (2,)
    torch.testing.assert_close(together, torch.stack(alone).mean(0))


@pytest.mark.parametrize("kind", TASK_KINDS.values(), ids=repr)
def test_no_labelled_row_gives_zero_and_a_zero_gradient(kind):
    output = torch.randn(4, kind.output_count("abc"), requires_grad=True)
    loss = task_loss(kind, output, torch.full(target_shape(kind, 4, outputs=3), NAN))
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(output.grad, torch.zeros_like(output))


@pytest.mark.parametrize("kind", TASK_KINDS.values(), ids=repr)
def test_an_unlabelled_row_has_no_gradient_and_the_others_keep_theirs(kind):
    width = kind.output_count("abc")
    output = torch.randn(3, width, generator=torch.Generator().manual_seed(0))
    gradients = []
    for rows, codes in ((output, [1.0, NAN, 0.0]), (output[[0, 2]], [1.0, 0.0])):
        leaf = rows.clone().requires_grad_()
        target = torch.tensor(codes)
        if kind.labels_per_class:
            target = target[:, None].expand(-1, width)
        task_loss(kind, leaf, target).backward()
        gradients.append(leaf.grad)
    masked, alone = gradients
    assert torch.equal(masked[1], torch.zeros(width))
    assert torch.equal(masked[[0, 2]], alone)
    assert alone.abs().amax(1).min() > 0


@pytest.mark.parametrize("rows", [32, 96, 512])
@pytest.mark.parametrize(("kind", "outputs"), KINDS_WITH_OUTPUTS)
def test_a_loss_does_not_depend_on_who_is_computed_with_it(kind, outputs, rows):
    """However the numbers lie in memory: torch adds in another order where it can add many columns
    at once.
    """
    draw = torch.Generator().manual_seed(rows)
    shape = target_shape(kind, 16, rows, outputs=outputs)
    target = (
        torch.randint(0, 2, shape, generator=draw)
        .float()
        .masked_fill(torch.rand(shape, generator=draw) < 0.2, torch.nan)
    )
    output = torch.randn(16, rows, outputs, generator=draw)
    for laid in (target, target.transpose(0, 1).contiguous().transpose(0, 1)):
        together = task_loss(kind, output, laid)
        assert [
            task_loss(kind, output[k : k + 1], laid[k : k + 1]).item() for k in range(16)
        ] == together.tolist()
