"""The stacked AdamW against torch's own, member by member in float64."""

import dataclasses

import pytest
import torch
from torch.optim import lr_scheduler

from mtlsearch.candidate import OptimizerSettings
from mtlsearch.seeding import derive_seed
from mtlsearch.training.learning_rates import RateCourse
from mtlsearch.training.stacked.optimizer import ParameterGroup, StackedAdamW

SETTINGS = [
    OptimizerSettings(1e-2, 0.0, 0.0),
    OptimizerSettings(3e-2, 0.5, 1.0),
    OptimizerSettings(1e-3, 0.1, 20.0),
    OptimizerSettings(1e-1, 1e-3, 1e-3, schedule="cosine", warm_up=0.2),
]
RATES = (10.0, 1.0, 0.5, 3.0)  # of each member's links
SHAPES = {  # rows' members, shape of a row, decays, trunk
    "stage": ([0, 0, 1, 2, 2, 2, 3], (3, 2), True, True),
    "bias": ([0, 1, 1, 3], (3,), True, True),
    "link": ([0, 1, 1, 3], (2, 2), False, True),
    "head": ([0, 1, 2, 3], (2, 3), True, False),
    "learned": ([1, 3], (2,), False, False),
}
STEPS = 100


def draw(*parts):
    """Numbers of a name; those of step 30 are large and of step 40 zero."""
    generator = torch.Generator().manual_seed(derive_seed(*parts[:-1]))
    scale = {30: 100.0, 40: 0.0}.get(parts[0], 1.0)
    return scale * torch.randn(*parts[-1], generator=generator, dtype=torch.float64)


def number(name):
    return list(SHAPES).index(name)


class Reference:
    """One member and its rows as parameters of torch's AdamW."""

    def __init__(self, member, settings):
        self.settings = settings
        self.rows = {
            (name, row): draw(-1, number(name), row, shape).requires_grad_()
            for name, (members, shape, _, _) in SHAPES.items()
            for row, own in enumerate(members)
            if own == member
        }
        decaying = [p for (name, _), p in self.rows.items() if SHAPES[name][2]]
        links = [p for (name, _), p in self.rows.items() if name == "link"]
        learned = [p for (name, _), p in self.rows.items() if name == "learned"]
        groups = [
            {"params": decaying, "weight_decay": settings.weight_decay},
            {"params": links, "weight_decay": 0.0, "lr": settings.learning_rate * RATES[member]},
            {"params": learned, "weight_decay": 0.0},
        ]
        self.clipped, self.optimizer = (
            decaying + links,
            torch.optim.AdamW(groups, lr=settings.learning_rate),
        )
        self.schedule = None
        if settings.schedule == "cosine":  # torch's own: a linear rise, then half a cosine
            warm_up = round(settings.warm_up * STEPS)
            parts = [
                lr_scheduler.LinearLR(self.optimizer, 1 / warm_up, total_iters=warm_up - 1),
                lr_scheduler.CosineAnnealingLR(self.optimizer, STEPS - warm_up),
            ]
            self.schedule = lr_scheduler.SequentialLR(self.optimizer, parts, [warm_up])

    def step(self, step, frozen):
        for (name, row), p in self.rows.items():
            p.grad = None if frozen and SHAPES[name][3] else draw(step, number(name), row, p.shape)
        if self.settings.clip_norm > 0:
            torch.nn.utils.clip_grad_norm_(self.clipped, self.settings.clip_norm)
        self.optimizer.step()
        if self.schedule:
            self.schedule.step()


class Stacked:
    """All members as slots; `rows` names the rows of each slot."""

    def __init__(self, settings):
        self.rows = {
            name: [(name, row) for row in range(len(members))]
            for name, (members, *_) in SHAPES.items()
        }
        start = {
            name: torch.stack([draw(-1, number(name), row, SHAPES[name][1]) for _, row in own])
            for name, own in self.rows.items()
        }
        self.members = list(range(len(settings)))
        self.optimizer = StackedAdamW(
            self.slots(start, self.members), [RateCourse(each, STEPS) for each in settings]
        )

    def slots(self, values, stay):
        return [
            ParameterGroup(
                value.clone().requires_grad_(),
                torch.tensor([stay.index(SHAPES[n][0][row]) for n, row in self.rows[name]]),
                *flags,
                [RATES[k] for k in stay] if name == "link" else None,
            )
            for name, value in values.items()
            for flags in [SHAPES[name][2:]]
        ]

    def step(self, step):
        for name, slot in zip(self.rows, self.optimizer.groups, strict=True):
            slot.parameter.grad = torch.stack(
                [draw(step, number(name), row, SHAPES[name][1]) for _, row in self.rows[name]]
            )
        self.optimizer.step()
        assert all(slot.parameter.grad is None for slot in self.optimizer.groups)

    def keep(self, stay):
        values, kept = {}, []
        for old, (name, slot) in enumerate(
            zip(list(self.rows), self.optimizer.groups, strict=True)
        ):
            rows = [
                place
                for place, (_, row) in enumerate(self.rows[name])
                if SHAPES[name][0][row] in stay
            ]
            self.rows[name] = [self.rows[name][place] for place in rows]
            if rows:
                kept.append((old, torch.tensor(rows)))
                values[name] = slot.parameter.detach()[rows]
            else:
                del self.rows[name]
        self.optimizer.keep(self.slots(values, stay), kept, [self.members.index(k) for k in stay])
        self.members = stay

    def values(self):
        """Each row by its name."""
        slots = zip(self.rows.values(), self.optimizer.groups, strict=True)
        return {
            row: value
            for own, slot in slots
            for row, value in zip(own, slot.parameter.detach().clone(), strict=True)
        }


def assert_equal(stacked, references, members):
    found = stacked.values()
    expected = {row: p.detach() for member in members for row, p in references[member].rows.items()}
    assert found.keys() == expected.keys()
    for row, value in expected.items():
        assert (found[row] - value).abs().max() < 1e-10, row


@pytest.mark.parametrize("clipped", [True, False])
@pytest.mark.parametrize("thawed", [(0, 0, 0, 0), (0, 20, 0, 45), (0, 100, 3, 0)])
def test_a_hundred_steps_equal_torchs_adamw(clipped, thawed):
    """Member k is frozen for the first `thawed[k]` steps."""
    settings = (
        SETTINGS if clipped else [dataclasses.replace(each, clip_norm=0.0) for each in SETTINGS]
    )
    references, stacked = [Reference(k, each) for k, each in enumerate(settings)], Stacked(settings)
    for step in range(STEPS):
        stacked.optimizer.freeze([step < end for end in thawed])
        stacked.step(step)
        for reference, end in zip(references, thawed, strict=True):
            reference.step(step, step < end)
        if step in (0, 1, 30, 40):
            assert_equal(stacked, references, range(4))
    assert_equal(stacked, references, range(4))


@pytest.mark.parametrize("stays", [[[0, 2, 3], [0, 3]], [[1, 2], [2]], [[0, 1], [0]]])
def test_members_that_are_kept_go_on_as_if_nothing_happened(stays):
    references, stacked = [Reference(k, each) for k, each in enumerate(SETTINGS)], Stacked(SETTINGS)
    left = [0, 1, 2, 3]
    for step in range(STEPS):
        if step in (35, 60):
            left = stays[(35, 60).index(step)]
            stacked.keep(left)
        else:
            stacked.optimizer.freeze([step < 15 * k for k in left])
        stacked.step(step)
        for k in left:
            references[k].step(step, step < 15 * k)
    assert_equal(stacked, references, left)


def test_a_member_whose_gradient_is_not_finite_is_alone_with_it():
    healthy, sick = Stacked(SETTINGS), Stacked(SETTINGS)
    for step in range(5):
        for each in (healthy, sick):
            for name, slot in zip(each.rows, each.optimizer.groups, strict=True):
                gradients = [
                    draw(step, number(name), row, SHAPES[name][1]) for _, row in each.rows[name]
                ]
                poison = each is sick and step > 1
                slot.parameter.grad = torch.stack(
                    [
                        g * torch.nan if poison and SHAPES[name][0][row] == 1 else g
                        for row, g in enumerate(gradients)
                    ]
                )
            each.optimizer.step()
    found, expected = sick.values(), healthy.values()
    for name, row in expected:
        if SHAPES[name][0][row] == 1:
            assert found[name, row].isnan().all()
        else:
            assert torch.equal(found[name, row], expected[name, row])


def test_a_parameter_without_a_gradient_stays():
    stacked = Stacked(SETTINGS)
    before = stacked.values()
    [stage, *others] = stacked.optimizer.groups
    stage.parameter.grad = torch.ones_like(stage.parameter)
    stacked.optimizer.step()
    assert len(others) == len(SHAPES) - 1
    for row, value in stacked.values().items():
        assert torch.equal(value, before[row]) == (row[0] != "stage")
