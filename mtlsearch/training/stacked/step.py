"""The steps of a forest: losses of all heads, weightings, soft sharing and the optimizer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from mtlsearch.candidate import OptimizerSettings
from mtlsearch.initializations import Initialization
from mtlsearch.tasks import Emphasis, TaskOptions, loss_weights, stopping_weights, task_loss
from mtlsearch.training.batched_weighting import BatchedWeighting
from mtlsearch.training.learning_rates import RateCourse
from mtlsearch.training.parameter_averaging import ParameterAveraging
from mtlsearch.training.precision import forward_precision, step_precision
from mtlsearch.training.stacked.forest import Forest, KeptRows
from mtlsearch.training.stacked.optimizer import ParameterGroup, StackedAdamW
from mtlsearch.training.stacked.plan import HeadShape, Place
from mtlsearch.training.stacked.stacked_data import StackedBatch
from mtlsearch.training.stacked.trunk import branches_in, shared_gradients_in
from mtlsearch.weightings import Weighting

WeighTasks = Callable[[Sequence[TaskOptions]], list[float]]


class TargetIndex(NamedTuple):
    """The replicate [H] and the column [H] of the targets of each head of a shape."""

    replicates: Tensor
    columns: Tensor


class StepPlan(NamedTuple):
    """How K members step.

    Attributes:
        precision: The precision of a step.
        steps: The most steps of each member, [K]; empty where all learning rates are constant.
        averagings: Of which members the branches are averaged, and how.
    """

    precision: str = "float32"
    steps: Sequence[int] = ()
    averagings: Mapping[int, Initialization] = MappingProxyType({})


ANY_PLAN = StepPlan()


def _optimizer_of(forest: Forest, member: int) -> OptimizerSettings:
    return forest.networks[member].component.candidate.optimizer


class StackedStep:
    """The optimizer and the weightings' states of a forest.

    Heads are numbered 0..H-1 in the order of its stacks.
    """

    def __init__(
        self,
        forest: Forest,
        column: Sequence[int],
        plan: StepPlan = ANY_PLAN,
        class_weights: Mapping[HeadShape, Tensor] | None = None,
    ) -> None:
        """`column[t]` is the place of the dataset's task t among the targets of its head's shape.

        `class_weights` [R, tasks, C] are needed where a member balances classes.
        """
        self.forest = forest
        self.column = column
        self.precision = plan.precision
        self.class_weights = class_weights or {}
        self._number_heads()
        self.weightings = self._group_weightings()
        self.shared = shared_gradients_in(forest, self.weightings)
        self.optimizer = StackedAdamW(self._parameter_groups(), self._rate_courses(plan.steps))
        self.averagings = {}
        for member, initialization in plan.averagings.items():
            branches = branches_in(forest, member)
            self.averagings[member] = ParameterAveraging(initialization, branches)

    def _rate_courses(self, steps: Sequence[int]) -> list[RateCourse]:
        """The course of each member's learning rate, over so many steps."""
        members = range(len(self.forest.networks))
        most_steps = steps or [0 for _ in members]
        courses = []
        for member in members:
            settings = _optimizer_of(self.forest, member)
            courses.append(RateCourse(settings, most_steps[member]))
        return courses

    def _number_heads(self) -> None:
        """Number the heads and find their targets."""
        forest = self.forest
        self.heads: list[Place] = []
        self.targets: dict[HeadShape, TargetIndex] = {}
        for shape, stack in forest.heads.items():
            self.heads.extend(stack.places)
            columns = [self.column[task] for task in forest.plan.tasks[shape]]
            self.targets[shape] = TargetIndex(
                replicates=forest.replicate[stack.members],
                columns=torch.tensor(columns, device=forest.device),
            )
        self.number = {place: number for number, place in enumerate(self.heads)}
        members = [member for member, _ in self.heads]
        self.members = torch.tensor(members, device=forest.device)
        self.loss_weights = self._weights(loss_weights)
        self.stopping_weights = self._weights(stopping_weights)
        self.emphases: dict[HeadShape, Emphasis] = {}
        self.smoothings: dict[HeadShape, Tensor] = {}
        for shape, stack in forest.heads.items():
            if shape.kind.is_classification:
                settings = [_optimizer_of(forest, member) for member, _ in stack.places]
                self._set_counting(shape, settings)

    def _set_counting(self, shape: HeadShape, settings: Sequence[OptimizerSettings]) -> None:
        """Keep how rows count for the heads of a shape of classification, where some differ."""
        if any(head.emphasises for head in settings):
            self.emphases[shape] = self._emphasis(shape, settings)
        shares = [head.label_smoothing for head in settings]
        if any(shares):
            self.smoothings[shape] = torch.tensor(shares, device=self.forest.device)

    def _emphasis(self, shape: HeadShape, settings: Sequence[OptimizerSettings]) -> Emphasis:
        """How much rows count for the heads of a shape, whose members have these settings."""
        device = self.forest.device
        balanced = self.class_weights[shape][self.targets[shape]]
        balances = [head.class_weight == "balanced" for head in settings]
        is_balanced = torch.tensor(balances, device=device)
        trailing = [1] * (balanced.ndim - 1)
        return Emphasis(
            class_weights=balanced.where(is_balanced.reshape(-1, *trailing), 1.0),
            focal=balanced.new_tensor([head.focal for head in settings]),
        )

    def _weights(self, weigh: WeighTasks) -> Tensor:
        """The weights [H] of the heads, among the tasks of their members."""
        by_member = []
        for network in self.forest.networks:
            tasks = [self.forest.tasks[task] for task in network.component.tasks]
            by_member.append(weigh([task.options for task in tasks]))
        weights = [by_member[member][position] for member, position in self.heads]
        return torch.tensor(weights, device=self.forest.device)

    def task(self, head: int) -> int:
        """The dataset's task of a head."""
        member, position = self.heads[head]
        return self.forest.networks[member].component.tasks[position]

    def _group_weightings(self) -> list[BatchedWeighting]:
        """The members with one kind of weighting and one number of tasks, group by group."""
        groups: dict[tuple[type[Weighting], int], list[int]] = {}
        for member, network in enumerate(self.forest.networks):
            kind = type(network.component.candidate.weighting)
            tasks = len(network.component.tasks)
            groups.setdefault((kind, tasks), []).append(member)
        weightings = []
        for members in groups.values():
            networks = [self.forest.networks[member] for member in members]
            heads = self._heads_of(members)
            weightings.append(BatchedWeighting.of(networks, members, heads))
        return weightings

    def _heads_of(self, members: Sequence[int]) -> Tensor:
        """The numbers [K, T] of the heads of members that have the same number of tasks."""
        numbers = []
        for member in members:
            tasks = len(self.forest.networks[member].component.tasks)
            places = [(member, position) for position in range(tasks)]
            numbers.append([self.number[place] for place in places])
        return torch.tensor(numbers, device=self.forest.device)

    def _parameter_groups(self) -> list[ParameterGroup]:
        """The stacks of the forest, then the trained tensors of the weightings."""
        forest = self.forest
        mixing_stacks = list(forest.mixing_parameters.values())
        head_stacks = list(forest.heads.values())
        sharings = [network.component.candidate.sharing for network in forest.networks]
        rates = [sharing.rate_factor for sharing in sharings]
        groups = []
        for stack in forest.stacks:
            is_mixing = stack in mixing_stacks
            group = ParameterGroup(
                stack.weights,
                stack.members,
                decays=not is_mixing,
                in_trunk=stack not in head_stacks,
                rates=rates if is_mixing else None,
            )
            groups.append(group)
        for weighting in self.weightings:
            members = torch.tensor(weighting.members, device=forest.device)
            for value in weighting.trainable:
                groups.append(
                    ParameterGroup(
                        value,
                        members,
                        decays=False,
                        in_trunk=False,
                    )
                )
        return groups

    def losses(self, batch: StackedBatch) -> Tensor:
        """The loss of every head with smoothed labels, times the importance of its task, [H]."""
        with forward_precision(self.precision, self.forest.device):
            outputs = self.forest(batch.inputs)
        losses = self.head_losses(
            outputs,
            batch.targets,
            smooths=True,
        )
        return losses * self.loss_weights

    def head_losses(
        self,
        outputs: Mapping[HeadShape, Tensor],
        targets: Mapping[HeadShape, Tensor],
        smooths: bool = False,
    ) -> Tensor:
        """The losses [H] for outputs [H, B, *C] and targets [R, tasks, B] or [R, tasks, B, C].

        With `smooths` the labels of classes are smoothed as each member's candidate says.
        """
        losses = []
        for shape, index in self.targets.items():
            losses.append(
                task_loss(
                    shape.kind,
                    outputs[shape],
                    targets[shape][index],
                    self.emphases.get(shape),
                    self.smoothings.get(shape) if smooths else None,
                )
            )
        return torch.cat(losses)

    def run(self, batches: Iterable[StackedBatch]) -> Tensor:
        """Take the steps of an epoch; return the mean losses of the heads over them, [H].

        The means show whether all losses were finite.
        """
        self.forest.train(True)
        with step_precision(self.precision):
            losses = [self._step(batch) for batch in batches]
        for averaging in self.averagings.values():
            averaging.average()
        zeros = torch.zeros(len(self.heads), device=self.forest.device)
        mean = sum(losses, zeros) / len(losses)
        for weighting in self.weightings:
            weighting.after_epoch(mean[weighting.heads])
        return mean

    def _step(self, batch: StackedBatch) -> Tensor:
        """One step; the losses [H] before it."""
        losses = self.losses(batch)
        if self.shared:
            self.shared.find_weights(losses)
        totals = []
        for weighting in self.weightings:
            member_losses = losses[weighting.heads]
            totals.append(weighting.total(member_losses))
        total = torch.stack(totals).sum()
        if any(self.forest.penalties):
            total = total + self.forest.sharing_penalty()
        total.backward()  # type: ignore[no-untyped-call]
        if self.shared:
            self.shared.apply_weights()
        self.optimizer.step()
        self._after_step(losses, batch)
        return losses.detach()

    @torch.no_grad()
    def _after_step(self, losses: Tensor, batch: StackedBatch) -> None:
        """Let weightings and averagings take note of a step with these losses [H] before it."""
        updated_losses = None
        if any(weighting.weighting.needs_updated_losses for weighting in self.weightings):
            updated_losses = self.losses(batch)
        for weighting in self.weightings:
            heads = weighting.heads
            updated = None if updated_losses is None else updated_losses[heads]
            weighting.after_step(losses[heads], updated)
        for averaging in self.averagings.values():
            averaging.after_step()
        self.forest.step += 1

    def keep(self, members: Sequence[int]) -> list[KeptRows]:
        """Leave out all but these members (ascending, not none); as `Forest.keep`."""
        stacks_before = len(self.forest.stacks)
        kept_stacks = self.forest.keep(members)
        self._number_heads()
        number = {member: position for position, member in enumerate(members)}
        kept_states = self._keep_weightings(number, stacks_before)
        self.shared = shared_gradients_in(self.forest, self.weightings)
        self.optimizer.keep(
            self._parameter_groups(),
            [*kept_stacks, *kept_states],
            members,
        )
        self._keep_averagings(number)
        return kept_stacks

    def _keep_weightings(self, number: Mapping[int, int], first_group: int) -> list[KeptRows]:
        """Leave out the weightings of all but these members, whose new numbers are given.

        Returns for each trained tensor left its old number among the optimizer's groups, from
        `first_group` on, and rows.
        """
        kept = []
        weightings = []
        group = first_group
        for weighting in self.weightings:
            rows = [row for row, member in enumerate(weighting.members) if member in number]
            index = torch.tensor(
                rows,
                device=self.forest.device,
                dtype=torch.long,
            )
            for _ in weighting.trainable:
                if rows:
                    kept.append((group, index))
                group += 1
            if rows:
                members = [number[weighting.members[row]] for row in rows]
                weightings.append(self._narrow(weighting, members, index))
        self.weightings = weightings
        return kept

    def _narrow(
        self, weighting: BatchedWeighting, members: list[int], rows: Tensor
    ) -> BatchedWeighting:
        """The weighting of these rows alone, whose members are now others."""
        state = {}
        for name, value in weighting.state.items():
            state[name] = value.detach()[rows].requires_grad_(value.requires_grad)
        return BatchedWeighting(
            weighting.weighting,
            members,
            self._heads_of(members),
            state,
        )

    def _keep_averagings(self, number: Mapping[int, int]) -> None:
        kept = {}
        for member, averaging in self.averagings.items():
            if member in number:
                averaging.branches = branches_in(self.forest, number[member])
                kept[number[member]] = averaging
        self.averagings = kept
