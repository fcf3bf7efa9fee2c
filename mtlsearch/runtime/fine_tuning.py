"""The training of a model, component by component: losses, weightings, ties and optimizers.

An exported folder holds a copy of this file; `train.py` runs it.
"""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from .predictor import Predictor
from .task_loss import Emphasis, task_loss

Batch = dict[str, Tensor]
"""The numbers of the rows of each source."""


@dataclass(frozen=True)
class Schedule:
    """How long is trained: epochs at most, and without a better one, and the rows of a step."""

    epochs: int
    patience: int
    batch_size: int
    seed: int = 0
    rate: float = 1.0
    """Times the learning rate that the search found."""


@dataclass
class Data:
    """What is trained on.

    Attributes:
        inputs: What the network reads of each source, [N, ...], or [S, N, ...] for S networks.
        targets: By task the scaled labels [S, N], or [S, N, C] of a set; NaN where there is none.
        train: The training rows of each source.
        validation: The rows by which training stops.
        rows_axis: The axis of the rows in the inputs.
    """

    inputs: dict[str, tuple[Tensor, ...]]
    targets: dict[str, Tensor]
    train: Batch
    validation: Batch
    rows_axis: int

    def inputs_of(self, batch: Batch) -> dict[str, Any]:
        """Return what the network takes of some rows."""
        inputs: dict[str, Any] = {}
        for source, rows in batch.items():
            taken = tuple(x.index_select(self.rows_axis, rows) for x in self.inputs[source])
            inputs[source] = taken if len(taken) > 1 else taken[0]
        return inputs

    def batches(
        self,
        batch_size: int,
        generator: torch.Generator,
    ) -> Iterator[Batch]:
        """Read every row once in random order; a small source has smaller batches."""
        steps = self.steps(batch_size)
        chunks = {}
        for source, rows in self.train.items():
            order = torch.randperm(
                len(rows),
                generator=generator,
            )
            chunks[source] = torch.tensor_split(rows[order.to(rows.device)], steps)
        for step in range(steps):
            yield {source: parts[step] for source, parts in chunks.items()}

    def steps(self, batch_size: int) -> int:
        """Return the steps of an epoch: as many as the longest source needs."""
        longest = max(len(rows) for rows in self.train.values())
        return math.ceil(longest / batch_size)


class Component:
    """Tasks that train together: their losses, how these are weighed, and their optimizer."""

    def __init__(
        self,
        model: Predictor,
        plan: Mapping[str, Any],
        methods: ModuleType,
        data: Data,
        rate: float,
    ) -> None:
        self.data = data
        self.records = model.tasks
        self.settings = plan["optimizer"]
        places = [place for place, name in enumerate(plan["tasks"]) if name in data.targets]
        names = list(plan["tasks"])
        self.tasks = [names[place] for place in places]
        self.kinds = {name: methods.KINDS[plan["tasks"][name]] for name in self.tasks}
        self.importances = _tensor(plan["importances"], model)[places]
        self.stopping_weights = _tensor(plan["stopping_weights"], model)[places]
        self.ties = [
            _Tie(
                model,
                tie,
                methods.TIES[plan["sharing"]],
            )
            for tie in plan["ties"]
        ]
        self.weighting = methods.WEIGHTINGS.get(plan["weighting"])
        self.state: dict[str, Tensor] = {}
        for name, values in plan["state"].items():
            self.state[name] = _tensor(values, model)[:, places]
        trained = []
        for name, values in plan["trained_state"].items():
            self.state[name] = _tensor(values, model)[:, places].requires_grad_()
            trained.append(self.state[name])
        self.weights = _parameters(model, plan["parts"])
        mixing = _parameters(model, plan["mixings"])
        rate = rate * self.settings["learning_rate"]
        groups: list[dict[str, Any]] = [
            {"params": self.weights, "weight_decay": self.settings["weight_decay"]},
            {"params": mixing, "weight_decay": 0.0, "lr": rate * plan["mixing_rate"]},
            {"params": trained, "weight_decay": 0.0},
        ]
        self.weights = [*self.weights, *mixing]
        self.optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=rate,
        )
        self.rates = [group["lr"] for group in self.optimizer.param_groups]

    def losses(
        self,
        outputs: Mapping[str, Tensor],
        batch: Batch,
        smooths: bool = False,
    ) -> Tensor:
        """Return the losses [S, T] of the tasks on a batch."""
        losses = []
        for name in self.tasks:
            kind = self.kinds[name]
            target = self.data.targets[name][:, batch[self.records[name]["source"]]]
            output = outputs[name]
            if self.data.rows_axis == 0:
                output = output[None]
            networks = len(target)
            smoothing = None
            if smooths and self.settings["label_smoothing"] > 0 and kind.is_classification:
                smoothing = target.new_full((networks,), self.settings["label_smoothing"])
            loss = task_loss(
                kind,
                output,
                target,
                self._emphasis(name),
                smoothing,
            )
            losses.append(loss)
        return torch.stack(losses, -1)

    def _emphasis(self, name: str) -> Emphasis | None:
        """Return how much rows count in the loss of a task of classes, if not all alike."""
        is_balanced = self.settings["class_weight"] == "balanced"
        focal = self.settings["focal"]
        if not self.kinds[name].is_classification or not (is_balanced or focal > 0):
            return None
        target = self.data.targets[name]
        labels = target[0, self.data.train[self.records[name]["source"]]]
        is_set = self.kinds[name].labels_per_class
        classes = 2 if is_set else len(self.records[name]["classes"])
        weights = []
        for column in labels.reshape(len(labels), -1).T:
            weights.append(
                _class_weights(
                    column,
                    classes,
                    is_balanced,
                )
            )
        stacked = torch.stack(weights) if is_set else weights[0]
        return Emphasis(
            stacked.expand(len(target), *stacked.shape),
            target.new_full((len(target),), focal),
        )

    def total(self, losses: Tensor) -> Tensor:
        """Return what is minimised, a scalar, for the losses [S, T] of a step."""
        total = losses.sum()
        if self.weighting is not None:
            weights = self.weighting.weigh(
                losses,
                None,
                self.state,
            )
            total = (weights * losses).sum() + self.weighting.penalty(self.state).sum()
        for tie in self.ties:
            total = total + tie.penalty()
        return total

    def step(self, factor: float) -> None:
        """Move the weights along their gradients, at so much of the learning rate."""
        if self.settings["clip_norm"] > 0:
            nn.utils.clip_grad_norm_(self.weights, self.settings["clip_norm"])
        for group, rate in zip(
            self.optimizer.param_groups,
            self.rates,
            strict=True,
        ):
            group["lr"] = rate * factor
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def after_step(
        self,
        losses: Tensor,
        updated: Tensor | None,
    ) -> None:
        """Tell the weighting of the losses [S, T] of a step, and of those after it."""
        if self.weighting is not None:
            self.state.update(
                self.weighting.after_step(
                    losses,
                    updated,
                    self.state,
                )
            )

    def after_epoch(self, losses: Tensor) -> None:
        """Tell the weighting of the mean losses [S, T] of an epoch."""
        if self.weighting is not None:
            self.state.update(self.weighting.after_epoch(losses, self.state))


class _Tie:
    """A penalty on the distance between the weights of parts that are alike."""

    def __init__(
        self,
        model: Predictor,
        tie: Mapping[str, Any],
        method: Any,
    ) -> None:
        parts = [list(model.get_submodule(name).parameters()) for name in tie["parts"]]
        self.parameters = list(
            zip(
                *parts,
                strict=True,
            )
        )
        self.edges = torch.tensor(
            tie["edges"],
            device=model.device,
        )
        self.state = {name: _tensor(values, model) for name, values in tie["state"].items()}
        self.method = method

    def penalty(self) -> Tensor:
        """Return the loss of all pairs, a scalar."""
        losses = []
        for weights in self.parameters:
            losses.append(
                self.method.penalty(
                    torch.stack(weights),
                    self.edges,
                    self.state,
                ).sum()
            )
        return torch.stack(losses).sum()


class Training:
    """The training of all components of a model, epoch by epoch."""

    def __init__(
        self,
        model: Predictor,
        components: Sequence[Component],
        data: Data,
        schedule: Schedule,
    ) -> None:
        self.model = model
        self.components = components
        self.data = data
        self.schedule = schedule
        self.generator = torch.Generator().manual_seed(schedule.seed)
        self.steps_taken = 0
        self.steps = schedule.epochs * data.steps(schedule.batch_size)
        self.frozen = [part for part in model.children() if not _is_trained(part)]

    def run(self) -> None:
        """Train until the losses on the validation rows fall no more; keep the best epoch."""
        first = self.validate()
        best = _relative(
            first,
            first,
            self.components,
        )
        kept = copy.deepcopy(self.model.state_dict())
        since = 0
        for epoch in range(1, self.schedule.epochs + 1):
            loss = self.train_epoch()
            validation = _relative(
                self.validate(),
                first,
                self.components,
            )
            print(f"epoch {epoch}: training loss {loss:.4f}, validation loss {validation:.4f}")
            since += 1
            if validation < best:
                best = validation
                since = 0
                kept = copy.deepcopy(self.model.state_dict())
            if since >= self.schedule.patience:
                break
        self.model.load_state_dict(kept)
        self.model.eval()
        print(f"kept: epoch {epoch - since}, validation loss {best:.4f} (1 before training)")

    def train_epoch(self) -> float:
        """Take the steps of an epoch; return the mean loss of a task."""
        self.model.train()
        for part in self.frozen:
            part.eval()
        sums = [
            torch.zeros(
                (),
                device=self.model.device,
            )
            for _ in self.components
        ]
        steps = 0
        for batch in self.data.batches(self.schedule.batch_size, self.generator):
            losses = self._step(batch)
            sums = [
                total + loss
                for total, loss in zip(
                    sums,
                    losses,
                    strict=True,
                )
            ]
            steps += 1
        means = [total / steps for total in sums]
        for component, mean in zip(
            self.components,
            means,
            strict=True,
        ):
            component.after_epoch(mean)
        return float(torch.cat([mean.flatten() for mean in means]).mean())

    def _step(self, batch: Batch) -> list[Tensor]:
        """Take a step; return the losses [S, T] of each component before it."""
        noise = torch.get_rng_state()
        losses = self._losses(batch)
        total = sum(
            component.total(loss)
            for component, loss in zip(
                self.components,
                losses,
                strict=True,
            )
        )
        assert isinstance(total, Tensor)
        total.backward()  # type: ignore[no-untyped-call]
        for component in self.components:
            component.step(
                _rate_factor(
                    component.settings,
                    self.steps_taken,
                    self.steps,
                )
            )
        self.steps_taken += 1
        updated: list[Tensor | None] = [None for _ in losses]
        if any(
            getattr(
                entry.weighting,
                "needs_updated_losses",
                False,
            )
            for entry in self.components
        ):
            torch.set_rng_state(noise)  # the dropout masks of the step
            with torch.no_grad():
                updated = list(self._losses(batch))
        before = [loss.detach() for loss in losses]
        for component, loss, after in zip(
            self.components,
            before,
            updated,
            strict=True,
        ):
            component.after_step(loss, after)
        return before

    def _losses(self, batch: Batch) -> list[Tensor]:
        outputs = self.model(self.data.inputs_of(batch))
        losses = []
        for component in self.components:
            loss = component.losses(
                outputs,
                batch,
                smooths=True,
            )
            losses.append(loss * component.importances)
        return losses

    @torch.no_grad()
    def validate(self) -> list[Tensor]:
        """Return the losses [S, T] of each component on the validation rows."""
        self.model.eval()
        outputs = self.model(self.data.inputs_of(self.data.validation))
        return [part.losses(outputs, self.data.validation) for part in self.components]


def _relative(
    losses: Sequence[Tensor],
    first: Sequence[Tensor],
    components: Sequence[Component],
) -> float:
    """Return the mean of losses as shares of what they were before training."""
    parts = []
    for loss, before, component in zip(
        losses,
        first,
        components,
        strict=True,
    ):
        share = loss / before.clamp(min=1e-8)
        parts.append((share * component.stopping_weights).flatten())
    return float(torch.cat(parts).mean())


def _rate_factor(
    settings: Mapping[str, Any],
    step: int,
    steps: int,
) -> float:
    """Return by what the learning rate is multiplied: it warms up, and may fall along a cosine."""
    warm_up = round(settings["warm_up"] * steps)
    if step < warm_up:
        return float((step + 1) / warm_up)
    if settings["schedule"] == "constant":
        return 1.0
    share: float = min((step - warm_up) / max(steps - warm_up, 1), 1.0)
    return (1.0 + math.cos(math.pi * share)) / 2


def _class_weights(
    codes: Tensor,
    classes: int,
    is_balanced: bool,
) -> Tensor:
    """Return weights [C] with which the classes of codes [N] count alike, or all 1."""
    known = codes[~codes.isnan()].long()
    if not is_balanced:
        return codes.new_ones(classes)
    counts = torch.bincount(
        known,
        minlength=classes,
    )
    weights = len(known) / (counts.count_nonzero() * counts.clamp(min=1))
    return torch.where(
        counts > 0,
        weights,
        1.0,
    ).to(codes.dtype)


def _tensor(
    values: Any,
    model: Predictor,
) -> Tensor:
    return torch.tensor(
        values,
        device=model.device,
    )


def _parameters(
    model: Predictor,
    parts: Sequence[str],
) -> list[nn.Parameter]:
    parameters = []
    for name in parts:
        for parameter in model.get_submodule(name).parameters():
            if parameter.requires_grad:
                parameters.append(parameter)
    return parameters


def _is_trained(part: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in part.parameters())
