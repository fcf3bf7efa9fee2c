"""The stacked trainer: members side by side as one tensor program.

What has ended is left out of it after each epoch.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.candidate import TrainingSettings
from mtlsearch.records import Replicate
from mtlsearch.tasks import Task
from mtlsearch.training.batches import steps_per_epoch
from mtlsearch.training.history import EpochRank, TrainingFailedError, TrainingHistory
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Network
from mtlsearch.training.prediction import require_finite
from mtlsearch.training.sampling import RowWeights, row_weights
from mtlsearch.training.stacked.best_weights import BestWeights
from mtlsearch.training.stacked.forest import Forest
from mtlsearch.training.stacked.plan import HeadShape, Plan
from mtlsearch.training.stacked.stacked_data import StackedBatch, StackedData
from mtlsearch.training.stacked.step import StackedStep, StepPlan
from mtlsearch.training.stopping import MetricCriterion
from mtlsearch.training.trainer import Predictions, Scores, SourceRows
from mtlsearch.training.training_data import FoldData, TrainingData

ByShape = dict[HeadShape, Tensor]  # outputs or targets of the heads of each shape


class ReadingOrder(NamedTuple):
    """The facts that members must have in common to read the same inputs in the same order.

    Attributes:
        replicate: The replicate, whose fold they read.
        seed: The seed of the batches.
        sampling: What the weights of rows follow from; empty where each is read once an epoch.
    """

    replicate: Replicate
    seed: int
    sampling: tuple[object, ...]

    @classmethod
    def of(cls, member: Member) -> "ReadingOrder":
        """The order in which a member reads rows."""
        optimizer = member.component.candidate.optimizer
        sampling: tuple[object, ...] = ()
        if optimizer.samples:
            sampling = (
                member.component.tasks,
                optimizer.sampling,
                optimizer.sampling_temperature,
            )
        return cls(member.replicate, member.seed, sampling)


class TaskPredictions(NamedTuple):
    """The predictions of K members of one replicate for a task, on N rows.

    They are [K, N], or [K, N, C] probabilities.
    """

    members: list[Member]
    predictions: Array
    rows: Tensor


class StackedTrainer:
    """Trains members of one shape together.

    Raises NotStackableError for modules that have no batched form.

    `step` holds the members that have not ended (`running`), `best` all of them (`members`) with
    their weights at their best epochs. A replicate whose rows are read in several orders is there
    once for each.
    """

    def __init__(
        self,
        members: Sequence[Member],
        networks: Sequence[Network],
        data: TrainingData,
        schedule: TrainingSettings,
    ) -> None:
        self.data = data
        # Members of one stack have as many steps an epoch, so that the rows of a step are alike.
        self.schedule = schedule.for_optimizer(members[0].component.candidate.optimizer)
        self.tasks = data.dataset.tasks
        self.epoch = 0
        self.members = list(members)
        self.running = list(members)
        self.histories = {member: TrainingHistory(end=member.end) for member in members}
        self.replicates: list[ReadingOrder] = []
        folds = []
        weights = []
        for member in members:
            order = ReadingOrder.of(member)
            if order not in self.replicates:
                self.replicates.append(order)
                fold = data.fold(member.replicate)
                folds.append(fold)
                weights.append(self._row_weights(member, fold))
        self.data_stack = StackedData(folds, self.tasks, weights)
        numbers = [self._replicate_number(member) for member in members]
        self.best = BestWeights(
            Forest(networks, self.tasks, numbers),
            min(schedule.averaged_epochs, schedule.epochs),
        )
        self.best_epochs = dict(zip(members, self.best.epochs, strict=True))
        self.criteria: dict[Member, MetricCriterion] = {}
        if schedule.stop_on == "metric":
            self.criteria = {member: self._criterion(member) for member in members}
        self.step = self._make_step(
            Forest(
                networks,
                self.tasks,
                numbers,
            )
        )
        self._try_modules()

    def _replicate_number(self, member: Member) -> int:
        return self.replicates.index(ReadingOrder.of(member))

    def _row_weights(self, member: Member, fold: FoldData) -> RowWeights:
        tasks = self._tasks_of(member)
        return row_weights(fold, tasks, member.component.candidate.optimizer)

    def _tasks_of(self, member: Member) -> list[Task]:
        return [self.tasks[number] for number in member.component.tasks]

    def _criterion(self, member: Member) -> MetricCriterion:
        fold = self.data.fold(member.replicate)
        return MetricCriterion(self._tasks_of(member), fold)

    def _make_step(self, forest: Forest) -> StackedStep:
        steps = steps_per_epoch(self.data_stack.folds[0], self.schedule)
        averagings = {}
        for number, member in enumerate(self.members):
            if member.averaging:
                averagings[number] = member.averaging
        plan = StepPlan(
            precision=self.schedule.precision,
            steps=[steps * member.epochs for member in self.members],
            averagings=averagings,
        )
        return StackedStep(
            forest,
            self.data_stack.column,
            plan,
            self.data_stack.class_weights,
        )

    def _try_modules(self) -> None:
        """Run every module once, so that what cannot be stacked is found out now.

        In training and in evaluation.
        """
        one_row = []
        for fold in self.data_stack.folds:
            first_rows = {}
            for source, rows in fold.train.items():
                first_rows[source] = rows[:1]
            one_row.append(first_rows)
        forest = self.best.forest
        for mode in (True, False):
            forest.train(mode)
            self._outputs(forest, one_row)

    def advance(self, until: int) -> None:
        """Train every member that has not ended up to epoch `until`."""
        while self.running and self.epoch < until:
            started = time.perf_counter()
            present = list(self.running)
            self._train_epoch()
            self.epoch += 1
            seconds = (time.perf_counter() - started) / len(present)
            for member in present:
                self.histories[member].seconds += seconds

    def batches(self, epoch: int) -> Iterator[StackedBatch]:
        """The batches of an epoch."""
        seeds = [order.seed for order in self.replicates]
        return self.data_stack.epoch(seeds, epoch, self.schedule)

    def _train_epoch(self) -> None:
        frozen = [self.epoch < member.frozen_epochs for member in self.running]
        self.step.optimizer.freeze(frozen)
        training_losses = self.step.run(self.batches(self.epoch))
        outputs, validation_losses = self._validate()
        self._fail_where_not_finite(training_losses, "training loss")
        self._fail_where_not_finite(validation_losses, "validation loss")
        self._note_training_losses(training_losses)
        slots = self._note_ranks(self._ranks(outputs, validation_losses))
        self.best.add_epoch(self.step.forest, slots)
        self._leave_out_ended()

    def _fail_where_not_finite(self, losses: Tensor, what: str) -> None:
        """End the members that have a loss [H] which is not finite."""
        broken: dict[int, list[int]] = {}
        for head, is_finite in enumerate(losses.isfinite().tolist()):
            if not is_finite:
                number, _ = self.step.heads[head]
                task = self.step.task(head)
                broken.setdefault(number, []).append(task)
        for number, tasks in broken.items():
            history = self.histories[self.running[number]]
            if history.failure is None:
                names = [self.tasks[task].name for task in sorted(tasks)]
                history.fail(
                    f"{what} in epoch {self.epoch + 1} is not finite for {', '.join(names)}"
                )

    @torch.no_grad()
    def _validate(self) -> tuple[ByShape, Tensor]:
        """The outputs on the validation rows, and their losses [H] relative to the best constant's.

        Losses are weighted by importance, and auxiliary tasks are left out.
        """
        forest = self.step.forest
        forest.train(False)
        outputs, targets = self._outputs(forest, self._validation_rows())
        relative = self.step.head_losses(outputs, targets) / self._baseline_losses()
        return outputs, relative * self.step.stopping_weights

    def _validation_rows(self) -> list[SourceRows]:
        return [fold.validation for fold in self.data_stack.folds]

    def _baseline_losses(self) -> Tensor:
        """The loss of the best constant for each head, [H]."""
        losses = []
        for head, (number, _) in enumerate(self.step.heads):
            replicate = self._replicate_number(self.running[number])
            prepared = self.data_stack.folds[replicate].prepared
            task = self.tasks[self.step.task(head)]
            losses.append(prepared.baseline_loss[task.name])
        return torch.tensor(losses).to(self.data.device)

    def _ranks(self, outputs: ByShape, losses: Tensor) -> list[EpochRank]:
        """How good the epoch is for each running member, by its outputs and losses [H].

        A member without a metric fails.
        """
        ranks = [EpochRank.by_loss(loss) for loss in self._member_means(losses)]
        if not self.criteria:
            return ranks
        scores = self._scores(
            self._decode(
                self.step.forest,
                self.running,
                outputs,
                self._validation_rows(),
            )
        )
        for number, member in enumerate(self.running):
            if self._has_failed(member):
                continue
            try:
                criterion = self.criteria[member].value(scores[member])
                ranks[number] = EpochRank(criterion, ranks[number].loss)
            except TrainingFailedError as error:
                self.histories[member].fail(str(error))
        return ranks

    def _note_ranks(self, ranks: Sequence[EpochRank]) -> list[int | None]:
        """Add the ranks of the running members to their histories.

        Returns for each running member the slot of `best` that its present weights belong in; None
        where the epoch is not among its best.
        """
        slots: list[int | None] = []
        for member, validated in zip(self.running, ranks, strict=True):
            history = self.histories[member]
            if history.failure is not None:
                slots.append(None)
                continue
            rank = history.rank(validated)
            history.add_epoch(
                rank,
                member.epochs,
                self.schedule.patience,
            )
            slots.append(self.best_epochs[member].add(rank))
        return slots

    def _note_training_losses(self, losses: Tensor) -> None:
        """Add the mean losses [H] of an epoch's steps, times importance, to the histories."""
        weights = self.step.stopping_weights / self.step.loss_weights
        relative = losses / self._baseline_losses() * weights
        for member, mean in zip(self.running, self._member_means(relative), strict=True):
            if not self._has_failed(member):
                self.histories[member].training_losses.append(mean)

    def _member_means(self, losses: Tensor) -> list[float]:
        """The mean over each running member's heads of losses [H]."""
        task_counts = [len(member.component.tasks) for member in self.running]
        sums = losses.new_zeros(len(self.running)).index_add_(
            0,
            self.step.members,
            losses,
        )
        counts = torch.tensor(task_counts, device=losses.device)
        means: list[float] = (sums / counts).tolist()
        return means

    @torch.no_grad()
    def _outputs(self, forest: Forest, rows: Sequence[SourceRows]) -> tuple[ByShape, ByShape]:
        """Outputs [H, N, *C] and targets, [R, tasks, N] or more, on the rows of each replicate."""
        outputs: list[ByShape] = []
        targets: list[ByShape] = []
        for piece in self.data_stack.pieces(rows):
            batch = self.data_stack.take(piece)
            outputs.append(forest(batch.inputs))
            targets.append(batch.targets)
        whole_outputs = {}
        whole_targets = {}
        for shape in forest.heads:
            whole_outputs[shape] = torch.cat([piece[shape] for piece in outputs], 1)
            whole_targets[shape] = torch.cat([piece[shape] for piece in targets], 2)
        return whole_outputs, whole_targets

    def _leave_out_ended(self) -> None:
        """Take the members that have ended out of the running."""
        left = []
        for number, member in enumerate(self.running):
            if not self.histories[member].ended:
                left.append(number)
        if left and len(left) < len(self.running):
            kept = self.step.keep(left)
            self.best.keep(kept)
        self.running = [self.running[number] for number in left]

    def scores(self, rows: SourceRows | None) -> Scores:
        """The metrics of each member's tasks by its model so far.

        They are taken on `rows[source]`, or without `rows` on the member's own validation rows.
        """
        replicate_rows = self._validation_rows()
        if rows is not None:
            replicate_rows = [rows for _ in replicate_rows]
        predictions = list(self._predict(replicate_rows))
        scores = self._scores(predictions)
        for task, predicted in predictions:
            name = self.tasks[task].name
            for member in predicted.members:
                self._note_score(
                    member,
                    task,
                    scores[member][name],
                    len(predicted.rows),
                )
        succeeded = [member for member in self.members if not self._has_failed(member)]
        return {member: scores[member] for member in succeeded}

    def _scores(self, predictions: Iterable[tuple[int, TaskPredictions]]) -> Scores:
        """The metrics of predictions, of which some may not be finite."""
        scores: Scores = {}
        for task, predicted in predictions:
            metric = self.tasks[task].metric
            labels = self._labels(task)[predicted.rows]
            values_of_task = torch.from_numpy(predicted.predictions).to(self.data.device)
            values = metric.score_batch(values_of_task, labels).tolist()
            for member, value in zip(predicted.members, values, strict=True):
                scores.setdefault(member, {})[self.tasks[task].name] = value
        return scores

    def _labels(self, task: int) -> Tensor:
        labels = self.data.dataset.targets[self.tasks[task].name]
        return torch.from_numpy(labels).to(self.data.device)

    def _has_failed(self, member: Member) -> bool:
        return self.histories[member].failure is not None

    def _note_score(
        self,
        member: Member,
        task: int,
        score: float,
        rows: int,
    ) -> None:
        """Let a member fail whose score is not finite."""
        if self._has_failed(member):
            return
        try:
            require_finite(score, self.tasks[task], rows)
        except TrainingFailedError as error:
            self.histories[member].fail(str(error))

    def predictions(self, rows: SourceRows) -> Predictions:
        """The predictions on `rows[source]` of members that have not failed."""
        predictions: Predictions = {}
        same_rows = [rows for _ in self.data_stack.folds]
        for task, predicted in self._predict(same_rows):
            for member, values in zip(predicted.members, predicted.predictions, strict=True):
                if not self._has_failed(member):
                    predictions.setdefault(member, {})[self.tasks[task].name] = values
        return predictions

    def _predict(self, rows: Sequence[SourceRows]) -> Iterator[tuple[int, TaskPredictions]]:
        """Each task with the predictions of all members' models, on the rows of each replicate."""
        forest = self.best.mean()
        outputs, _ = self._outputs(forest, rows)
        yield from self._decode(
            forest,
            self.members,
            outputs,
            rows,
        )

    def _decode(
        self,
        forest: Forest,
        members_of_forest: Sequence[Member],
        outputs: ByShape,
        rows: Sequence[SourceRows],
    ) -> Iterator[tuple[int, TaskPredictions]]:
        """Each task with the predictions of its members, by the outputs on rows of each replicate.

        Each replicate apart and in the end unpadded: the last bits of a sum depend on its length.
        """
        for number, task in enumerate(self.tasks):
            shape = HeadShape.of(task)
            heads = self._heads_by_replicate(number, forest.plan, members_of_forest)
            for replicate, members in heads.items():
                decoder = self.data_stack.folds[replicate].prepared.decoders[task.name]
                task_rows = rows[replicate][task.source]
                padded_output = outputs[shape][list(members)]
                output = padded_output[:, : len(task_rows)].cpu().numpy()
                predictions = [decoder.rows_to_predictions(rows) for rows in output]
                yield (
                    number,
                    TaskPredictions(
                        list(members.values()),
                        np.stack(predictions),
                        task_rows,
                    ),
                )

    def _heads_by_replicate(
        self,
        task: int,
        plan: Plan,
        members: Sequence[Member],
    ) -> dict[int, dict[int, Member]]:
        """Per replicate the heads of a task: their rows in the stack, with their members."""
        shape = HeadShape.of(self.tasks[task])
        places = plan.heads.get(shape, [])
        tasks = plan.tasks.get(shape, [])
        heads: dict[int, dict[int, Member]] = {}
        for row, (number, _) in enumerate(places):
            if tasks[row] == task:
                member = members[number]
                replicate = self._replicate_number(member)
                heads.setdefault(replicate, {})[row] = member
        return heads

    def network(self, member: Member) -> Network:
        """The member's network, with the mean of its weights at its best epochs."""
        number = self.members.index(member)
        return self.best.mean().extract(number).eval()
