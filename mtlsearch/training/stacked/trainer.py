"""The forest trainer: members side by side as one tensor program. What has ended is left out of it after each epoch."""

import time
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from mtlsearch.candidate import TrainingSettings
from mtlsearch.tasks.batched_metrics import batched_score
from mtlsearch.tasks.loss import task_loss
from mtlsearch.tasks.task import Kind
from mtlsearch.training.history import Record, TrainingFailedError
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Network
from mtlsearch.training.prediction import demand_finite
from mtlsearch.training.stacked.forest import Forest
from mtlsearch.training.stacked.plan import HeadShape
from mtlsearch.training.stacked.stacked_data import StackedData
from mtlsearch.training.stacked.step import StackedStep
from mtlsearch.training.training_data import TrainingData

RESTORE: dict[Kind, Callable[[Tensor, float, float], Tensor]] = {
    "regression": lambda output, scale, center: output[..., 0] * scale + center,
    "binary": lambda output, scale, center: output[..., 0].sigmoid(),
    "multiclass": lambda output, scale, center: output.softmax(-1),
}


class StackedTrainer:
    """Trains members of one shape together. Raises NotStackableError for modules that have no batched form.

    `step` holds the members that have not ended (`running`), `best` all of them (`members`) at their best epochs.
    """

    def __init__(
        self,
        members: Sequence[Member],
        networks: Sequence[Network],
        data: TrainingData,
        schedule: TrainingSettings,
    ) -> None:
        self.data, self.schedule, self.tasks, self.epoch = data, schedule, data.dataset.tasks, 0
        self.members, self.running = list(members), list(members)
        self.records = {member: Record() for member in members}
        self.replicates = list(dict.fromkeys((m.replicate, m.seed) for m in members))
        self.rows = StackedData(
            [data.fold(replicate) for replicate, _ in self.replicates], self.tasks
        )
        own = [self.replicates.index((m.replicate, m.seed)) for m in members]
        self.best = Forest(networks, self.tasks, own)
        meetings = {k: member.meeting for k, member in enumerate(members) if member.meeting}
        self.step = StackedStep(
            Forest(networks, self.tasks, own), self.rows.column, schedule.precision, meetings
        )
        self.kept = [
            (n, torch.arange(len(part.places), device=data.device))
            for n, part in enumerate(self.best.parts)
        ]
        for mode in (True, False):  # so that what cannot be stacked is found out now
            self.best.train(mode)
            self._outputs(
                self.best,
                [
                    {source: rows[:1] for source, rows in fold.train.items()}
                    for fold in self.rows.folds
                ],
            )

    def advance(self, until: int) -> None:
        """Train every member that has not ended up to epoch `until`."""
        while self.running and self.epoch < until:
            started, present = time.perf_counter(), list(self.running)
            self._epoch()
            self.epoch += 1
            seconds = (time.perf_counter() - started) / len(present)
            for member in present:
                self.records[member].seconds += seconds

    def _epoch(self) -> None:
        epoch, records = self.epoch, [self.records[member] for member in self.running]
        self.step.optimizer.freeze([epoch < member.frozen_epochs for member in self.running])
        seen = self.step.run(
            self.rows.epoch([seed for _, seed in self.replicates], epoch, self.schedule)
        )
        losses = self._validate()
        self._fail(seen, f"training loss in epoch {epoch + 1}")
        self._fail(losses, f"validation loss in epoch {epoch + 1}")
        improved = []
        for k, loss in enumerate(self._means(losses)):
            if records[k].failure is None and records[k].note(
                loss, self.running[k].epochs, self.schedule.patience
            ):
                improved.append(k)
        self._store(improved)
        self._leave(lambda member: self.records[member].ended)

    def _fail(self, losses: Tensor, what: str) -> None:
        """End the members that have a loss which is not finite."""
        bad: dict[int, list[int]] = {}
        for head in (~losses.isfinite()).nonzero().flatten().tolist():
            bad.setdefault(self.step.heads[head][1][0], []).append(self.step.task(head))
        for k, tasks in bad.items():
            if self.records[self.running[k]].failure is None:
                names = [self.tasks[task].name for task in sorted(tasks)]
                self.records[self.running[k]].fail(f"{what} is not finite for {', '.join(names)}")

    @torch.no_grad()
    def _validate(self) -> Tensor:
        """The validation loss of each head relative to that of the best constant, [H]."""
        self.step.forest.train(False)
        outputs, targets = self._outputs(
            self.step.forest, [fold.validation for fold in self.rows.folds]
        )
        each = [
            task_loss(shape.kind, outputs[shape], targets[shape][index])
            for shape, index in self.step.targets.items()
        ]
        return torch.cat(each) / self._baselines

    @property
    def _baselines(self) -> Tensor:
        """The loss of the best constant for each head, [H]."""
        table = torch.tensor(
            [
                [fold.prepared.baseline_loss[task.name] for task in self.tasks]
                for fold in self.rows.folds
            ]
        )
        tasks = torch.tensor([self.step.task(head) for head in range(len(self.step.heads))])
        return table[self.step.forest.replicate.cpu()[self.step.members.cpu()], tasks].to(
            self.data.device
        )

    def _means(self, losses: Tensor) -> list[float]:
        """The mean over each member's heads."""
        sums = losses.new_zeros(len(self.running)).index_add_(0, self.step.members, losses)
        counts = torch.tensor(
            [len(member.component.tasks) for member in self.running], device=losses.device
        )
        return (sums / counts).tolist()

    def _outputs(
        self, forest: Forest, rows: Sequence[dict[str, Tensor]]
    ) -> tuple[dict[HeadShape, Tensor], dict[HeadShape, Tensor]]:
        """Outputs [H, N, C] and targets [R, tasks, N] on the rows of each replicate."""
        with torch.no_grad():
            pieces = [
                (forest(inputs), y) for inputs, y in map(self.rows.take, self.rows.pieces(rows))
            ]
        outputs = {shape: torch.cat([out[shape] for out, _ in pieces], 1) for shape in forest.heads}
        return outputs, {
            shape: torch.cat([y[shape] for _, y in pieces], 2) for shape in forest.heads
        }

    @torch.no_grad()
    def _store(self, improved: Sequence[int]) -> None:
        """Copy the present weights of running members to their best."""
        chosen = torch.zeros(len(self.running), dtype=torch.bool, device=self.data.device)
        chosen[list(improved)] = True
        best = self.best.parts
        for part, (number, rows) in zip(self.step.forest.parts, self.kept, strict=True):
            mine = chosen[part.members]
            best[number].weights[rows[mine]] = part.weights[mine]

    def _leave(self, gone: Callable[[Member], bool]) -> None:
        """Take members out of the running."""
        stay = [k for k, member in enumerate(self.running) if not gone(member)]
        if stay and len(stay) < len(self.running):
            self.kept = [
                (self.kept[old][0], self.kept[old][1][rows]) for old, rows in self.step.keep(stay)
            ]
        self.running = [self.running[k] for k in stay]

    def scores(self, rows: Mapping[str, Tensor] | None) -> dict[Member, dict[str, float]]:
        """The metrics of each member's tasks at its best epoch so far, on `rows[source]` or its own validation rows."""
        if not self.members:
            return {}
        each = [fold.validation if rows is None else dict(rows) for fold in self.rows.folds]
        outputs, found = (
            self._outputs(self.best, each)[0],
            {member: dict[str, float]() for member in self.members},
        )
        for number, task in enumerate(self.tasks):
            for member, value in self._task_scores(
                outputs, number, [rows[task.source] for rows in each]
            ).items():
                record = self.records[member]
                try:
                    own = each[self.replicates.index((member.replicate, member.seed))]
                    found[member][task.name] = (
                        value
                        if record.failure
                        else demand_finite(value, task, len(own[task.source]))
                    )
                except TrainingFailedError as error:
                    record.fail(str(error))
        return {
            member: own for member, own in found.items() if self.records[member].failure is None
        }

    def _task_scores(
        self, outputs: Mapping[HeadShape, Tensor], number: int, rows: Sequence[Tensor]
    ) -> dict[Member, float]:
        """The metric of one task for all members that have it; `rows` per replicate.

        Each replicate apart and in the end unpadded: the last bits of a sum depend on its length.
        """
        task, found = self.tasks[number], dict[Member, float]()
        shape = HeadShape.of(task)
        labels = torch.from_numpy(self.data.dataset.targets[task.name]).to(self.data.device)
        places = zip(
            self.best.plan.heads.get(shape, ()), self.best.plan.tasks.get(shape, ()), strict=True
        )
        heads = [
            (row, self.members[k]) for row, ((k, _), own) in enumerate(places) if own == number
        ]
        for replicate, fold, own in zip(self.replicates, self.rows.folds, rows, strict=True):
            mine = {
                member: row for row, member in heads if (member.replicate, member.seed) == replicate
            }
            if mine:
                output = outputs[shape][list(mine.values())].double()
                prediction = RESTORE[task.kind](
                    output, fold.prepared.scale[task.name], fold.prepared.center[task.name]
                )
                values = batched_score(task.metric, prediction[:, : len(own)], labels[own])
                found.update(zip(mine, values.tolist(), strict=True))
        return found

    def network(self, member: Member) -> Network:
        """The member's network at its best epoch."""
        return self.best.extract(self.members.index(member)).eval()
