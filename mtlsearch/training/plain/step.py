"""The training of one network: batches, AdamW, early stopping, best epoch, failure on NaN."""

import math
from collections.abc import Iterator, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from mtlsearch.candidate import TrainingSettings
from mtlsearch.initializations import Initialization
from mtlsearch.seeding import derive_seed
from mtlsearch.tasks.loss import task_loss
from mtlsearch.tasks.task import Task
from mtlsearch.training.batched_weighting import BatchedWeighting
from mtlsearch.training.history import Record, TrainingFailedError
from mtlsearch.training.parameter_averaging import ParameterAveraging, branches_of
from mtlsearch.training.plain.network import Network
from mtlsearch.training.precision import forward, steps
from mtlsearch.training.shared_gradients import SharedGradients
from mtlsearch.training.training_data import FoldData

Batch = dict[str, Tensor]  # row numbers per source


def batches(data: FoldData, schedule: TrainingSettings, seed: int, epoch: int) -> Iterator[Batch]:
    """One pass over every source in the same number of steps, so that a small source has smaller batches.

    The order depends on the replicate's seed, the source and the epoch: never on the candidate.
    """
    steps = math.ceil(data.longest / schedule.batch_size)
    parts = {}
    for source, rows in data.train.items():
        generator = torch.Generator().manual_seed(derive_seed(seed, "batches", source, epoch))
        order = torch.randperm(len(rows), generator=generator).to(rows.device)
        parts[source] = torch.tensor_split(rows[order], steps)
    for step in range(steps):
        yield {source: chunks[step] for source, chunks in parts.items()}


def losses_of(network: Network, tasks: Sequence[Task], data: FoldData, batch: Batch) -> Tensor:
    """The losses [1, T] of the network's tasks on a batch."""
    outputs = network({source: data.inputs[source][rows] for source, rows in batch.items()})
    each = [
        task_loss(task.kind, output, data.targets[task.name][batch[task.source]])
        for task, output in zip(tasks, outputs, strict=True)
    ]
    return torch.stack(each)[None]


class Fitting:
    """A network in training, which can be stopped and gone on with between epochs."""

    def __init__(
        self,
        network: Network,
        tasks: Sequence[Task],
        data: FoldData,
        schedule: TrainingSettings,
        frozen_epochs: int = 0,
        meeting: Initialization | None = None,
    ) -> None:
        self.network, self.data, self.schedule, self.frozen_epochs = (
            network,
            data,
            schedule,
            frozen_epochs,
        )
        self.step, self.record = Step(network, tasks, data, schedule.precision, meeting), Record()
        self.best_weights = _weights(network)

    def advance(self, until: int) -> None:
        """Train up to epoch `until`, or the end. Raises TrainingFailedError."""
        while not self.record.ended and (epoch := len(self.record.history)) < until:
            self.step.freeze_trunk(epoch < self.frozen_epochs)
            self.step.run(batches(self.data, self.schedule, self.network.seed, epoch), epoch)
            if self.record.note(
                self.step.validate(epoch), self.schedule.epochs, self.schedule.patience
            ):
                self.best_weights = _weights(self.network)

    def best(self) -> Network:
        """A copy of the network at its best epoch so far."""
        network = deepcopy(self.network)
        network.load_state_dict(self.best_weights)
        return network.eval()


class Step:
    """The optimizer, the weighting's state and one epoch of steps for one network."""

    def __init__(
        self,
        network: Network,
        tasks: Sequence[Task],
        data: FoldData,
        precision: str = "float32",
        meeting: Initialization | None = None,
    ) -> None:
        self.network, self.tasks, self.data, self.precision = network, tasks, data, precision
        candidate, self.device = network.component.candidate, next(network.parameters()).device
        self.clip_norm = candidate.optimizer.clip_norm
        self.weighed = BatchedWeighting.of(
            [network], [0], torch.arange(len(tasks), device=self.device)[None]
        )
        self.shared = SharedGradients.of_network(network, self.weighed)
        links, rate = list(network.links.parameters()), candidate.optimizer.learning_rate
        weights = [
            p for part in (network.stems, network.stages, network.heads) for p in part.parameters()
        ]
        groups = [
            {"params": weights, "weight_decay": candidate.optimizer.weight_decay},
            {"params": links, "weight_decay": 0.0, "lr": rate * candidate.sharing.rate_factor},
            {"params": self.weighed.learned, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=rate, fused=True)
        self.meeting = ParameterAveraging(meeting, branches_of(network)) if meeting else None

    def freeze_trunk(self, frozen: bool) -> None:
        """Let only the heads move, or everything."""
        for part in self.network.trunk:
            part.requires_grad_(not frozen)
        self.shared = None if frozen else SharedGradients.of_network(self.network, self.weighed)

    def run(self, epoch_batches: Iterator[Batch], epoch: int) -> None:
        """One epoch of steps. Finiteness is looked at once, at its end, to keep a GPU busy."""
        self.network.train()
        with steps(self.precision):
            each = [self._step(batch) for batch in epoch_batches]
        if self.meeting:
            self.meeting.meet()
        seen = sum(each, torch.zeros(len(self.tasks), device=self.device))
        self.weighed.after_epoch(seen[None] / len(each))
        self._demand_finite(seen, f"training loss in epoch {epoch + 1}")

    def _step(self, batch: Batch) -> Tensor:
        """One step; the losses [T] before it."""
        losses = self._losses(batch)
        if self.shared:
            self.shared.look(losses[0])
        total = self.weighed.total(losses) + self.network.sharing_penalty()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        if self.shared:
            self.shared.reweigh()
        if self.clip_norm > 0:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip_norm)
        self.optimizer.step()
        with torch.no_grad():
            self.weighed.after_step(
                losses, self._losses(batch) if self.weighed.weighting.looks_again else None
            )
        if self.meeting:
            self.meeting.after_step()
        self.network.step += 1
        return losses.detach()[0]

    def _losses(self, batch: Batch) -> Tensor:
        with forward(self.precision, self.device):
            return losses_of(self.network, self.tasks, self.data, batch)

    @torch.no_grad()
    def validate(self, epoch: int) -> float:
        """The mean over tasks of the validation loss relative to that of the best constant."""
        self.network.eval()
        losses = losses_of(self.network, self.tasks, self.data, self.data.validation)[0]
        self._demand_finite(losses, f"validation loss in epoch {epoch + 1}")
        baselines = losses.new_tensor(
            [self.data.prepared.baseline_loss[task.name] for task in self.tasks]
        )
        return float((losses / baselines).mean())

    def _demand_finite(self, losses: Tensor, what: str) -> None:
        bad = [
            task.name
            for task, finite in zip(self.tasks, torch.isfinite(losses).tolist(), strict=True)
            if not finite
        ]
        if bad:
            raise TrainingFailedError(f"{what} is not finite for {', '.join(bad)}")


def _weights(network: Network) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
