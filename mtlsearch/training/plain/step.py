"""The training of one plain network, with early stopping and failure on NaN."""

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from mtlsearch.candidate import OptimizerSettings, TrainingSettings
from mtlsearch.initializations import Initialization
from mtlsearch.tasks import Emphasis, Task, loss_weights, stopping_weights, task_loss
from mtlsearch.training.batched_weighting import BatchedWeighting
from mtlsearch.training.batches import BatchRows, batches, steps_per_epoch
from mtlsearch.training.history import EpochRank, TrainingFailedError, TrainingHistory
from mtlsearch.training.learning_rates import RateCourse
from mtlsearch.training.parameter_averaging import ParameterAveraging
from mtlsearch.training.plain.best_weights import BestWeights
from mtlsearch.training.plain.network import Network
from mtlsearch.training.plain.outputs import inputs_of, outputs_of
from mtlsearch.training.plain.trunk import branches_of, shared_gradients_of
from mtlsearch.training.precision import forward_precision, step_precision
from mtlsearch.training.prediction import score_outputs
from mtlsearch.training.sampling import row_weights
from mtlsearch.training.stopping import MetricCriterion
from mtlsearch.training.training_data import FoldData

ANY_SCHEDULE = TrainingSettings()


class Fitting:
    """A network in training, which can be stopped and gone on with between epochs."""

    def __init__(
        self,
        network: Network,
        tasks: Sequence[Task],
        fold: FoldData,
        schedule: TrainingSettings,
        frozen_epochs: int = 0,
        averaging: Initialization | None = None,
    ) -> None:
        """`tasks` are the network's.

        `averaging` says how its branches are averaged, if they are.
        """
        self.network = network
        self.fold = fold
        self.schedule = schedule
        self.frozen_epochs = frozen_epochs
        self.row_weights = row_weights(fold, tasks, network.component.candidate.optimizer)
        self.step = Step(
            network,
            tasks,
            fold,
            schedule,
            averaging,
        )
        self.criterion: MetricCriterion | None = None
        if schedule.stop_on == "metric":
            self.criterion = MetricCriterion(tasks, fold)
        self.history = TrainingHistory()
        self.best_weights = BestWeights(network, schedule.averaged_epochs)

    def advance(self, until: int) -> None:
        """Train up to epoch `until`, or the end. Raises TrainingFailedError."""
        while not self.history.ended:
            epoch = len(self.history.losses)
            if epoch >= until:
                return
            self._train_epoch(epoch)

    def batches(self, epoch: int) -> Iterator[BatchRows]:
        """The batches of an epoch."""
        return batches(
            self.fold,
            self.schedule,
            self.network.seed,
            epoch,
            self.row_weights,
        )

    def _train_epoch(self, epoch: int) -> None:
        is_frozen = epoch < self.frozen_epochs
        self.step.freeze_trunk(is_frozen)
        training_loss = self.step.run(self.batches(epoch), epoch)
        rank = self.history.rank(self._validate(epoch))
        self.history.training_losses.append(training_loss)
        self.history.add_epoch(
            rank,
            epochs=self.schedule.epochs,
            patience=self.schedule.patience,
        )
        self.best_weights.add_epoch(self.network, rank)

    def _validate(self, epoch: int) -> EpochRank:
        loss = self.step.validate(epoch)
        if self.criterion is None:
            return EpochRank.by_loss(loss)
        scores = self.step.validation_scores()
        return EpochRank(self.criterion.value(scores), loss)

    def best(self) -> Network:
        """A copy of the network, with the mean of its weights at its best epochs so far."""
        network = deepcopy(self.network)
        network.load_state_dict(self.best_weights.mean())
        return network.eval()


class Step:
    """The optimizer, the weighting's state and one epoch of steps for one network.

    T counts its tasks.
    """

    def __init__(
        self,
        network: Network,
        tasks: Sequence[Task],
        fold: FoldData,
        schedule: TrainingSettings = ANY_SCHEDULE,
        averaging: Initialization | None = None,
    ) -> None:
        """`schedule` says how many steps there are at most, of what size and precision."""
        self.network = network
        self.tasks = tasks
        self.fold = fold
        self.precision = schedule.precision
        self.device = network.device
        settings = network.component.candidate.optimizer
        self.clip_norm = settings.clip_norm
        self.rate_course = RateCourse(
            settings,
            schedule.epochs * steps_per_epoch(fold, schedule),
        )
        options = [task.options for task in tasks]
        self.loss_weights = torch.tensor(loss_weights(options), device=self.device)
        self.stopping_weights = torch.tensor(stopping_weights(options), device=self.device)
        heads = torch.arange(len(tasks), device=self.device)
        self.weighting = BatchedWeighting.of(
            [network],
            [0],
            heads[None],
        )
        self.shared = shared_gradients_of(network, self.weighting)
        self.optimizer = self._make_optimizer()
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.averaging: ParameterAveraging | None = None
        if averaging:
            self.averaging = ParameterAveraging(averaging, branches_of(network))

    def _make_optimizer(self) -> torch.optim.AdamW:
        """AdamW with three groups: the modules, the mixing parameters, the weighting's tensors."""
        network = self.network
        settings = network.component.candidate.optimizer
        sharing = network.component.candidate.sharing
        module_parameters: list[nn.Parameter] = []
        for modules in (network.stems, network.stages, network.heads):
            module_parameters.extend(modules.parameters())
        modules_group = {
            "params": module_parameters,
            "weight_decay": settings.weight_decay,
        }
        mixing_group = {
            "params": list(network.mixing_parameters.parameters()),
            "weight_decay": 0.0,
            "lr": settings.learning_rate * sharing.rate_factor,
        }
        weighting_group = {
            "params": self.weighting.trainable,
            "weight_decay": 0.0,
        }
        groups = [modules_group, mixing_group, weighting_group]
        return torch.optim.AdamW(
            groups,
            lr=settings.learning_rate,
            fused=True,
        )

    def freeze_trunk(self, frozen: bool) -> None:
        """Let only the heads move, or everything."""
        for modules in self.network.trunk:
            modules.requires_grad_(not frozen)
        self.shared = None
        if not frozen:
            self.shared = shared_gradients_of(self.network, self.weighting)

    def run(
        self,
        epoch_batches: Iterable[BatchRows],
        epoch: int,
    ) -> float:
        """One epoch of steps; the mean over them of the relative training loss.

        Finiteness is looked at once, at its end, to keep a GPU busy.
        """
        self.network.train()
        with step_precision(self.precision):
            losses = [self._step(batch) for batch in epoch_batches]
        if self.averaging:
            self.averaging.average()
        zeros = torch.zeros(len(self.tasks), device=self.device)
        total = sum(losses, zeros)
        mean = total[None] / len(losses)
        self.weighting.after_epoch(mean)
        self._require_finite(total, f"training loss in epoch {epoch + 1}")
        return self._relative(mean[0] / self.loss_weights)

    def _step(self, batch: BatchRows) -> Tensor:
        """One step; the losses [T] before it."""
        losses = self._losses(batch)
        if self.shared:
            self.shared.find_weights(losses[0])
        total = self.weighting.total(losses) + self.network.sharing_penalty()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        if self.shared:
            self.shared.apply_weights()
        if self.clip_norm > 0:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip_norm)
        self._set_rates()
        self.optimizer.step()
        self._after_step(losses, batch)
        return losses.detach()[0]

    def _set_rates(self) -> None:
        """Bring the learning rates to where they are in their course."""
        factor = self.rate_course.factor(self.network.step)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    @torch.no_grad()
    def _after_step(self, losses: Tensor, batch: BatchRows) -> None:
        """Tell the weighting and the averaging of a step with these losses [1, T] before it."""
        updated_losses = None
        if self.weighting.weighting.needs_updated_losses:
            updated_losses = self._losses(batch)
        self.weighting.after_step(losses, updated_losses)
        if self.averaging:
            self.averaging.after_step()
        self.network.step += 1

    def _losses(self, batch: BatchRows) -> Tensor:
        """The losses [1, T] with smoothed labels, each times the importance of its task."""
        with forward_precision(self.precision, self.device):
            losses = losses_of(
                self.network,
                self.tasks,
                self.fold,
                batch,
                smooths=True,
            )
        return losses * self.loss_weights

    @torch.no_grad()
    def validate(self, epoch: int) -> float:
        """The mean over tasks of the validation loss relative to that of the best constant.

        It is weighted by importance, and auxiliary tasks are left out.
        """
        self.network.eval()
        rows = self.fold.validation
        outputs = outputs_of(self.network, self.fold, rows)
        losses = _losses(self.network, self.tasks, self.fold, rows, outputs)[0]
        self._require_finite(losses, f"validation loss in epoch {epoch + 1}")
        return self._relative(losses)

    def _relative(self, losses: Tensor) -> float:
        """The weighted mean over tasks of losses [T], each divided by the best constant's."""
        baseline_losses = self.fold.prepared.baseline_loss
        baselines = [baseline_losses[task.name] for task in self.tasks]
        relative = losses / losses.new_tensor(baselines)
        return float((relative * self.stopping_weights).mean())

    @torch.no_grad()
    def validation_scores(self) -> dict[str, float]:
        """The metrics of the tasks on the validation rows; NaN where one is not defined."""
        self.network.eval()
        rows = self.fold.validation
        outputs = outputs_of(self.network, self.fold, rows)
        return score_outputs(
            outputs,
            self.tasks,
            self.fold,
            rows,
        )

    def _require_finite(self, losses: Tensor, what: str) -> None:
        """Raise TrainingFailedError when a loss [T] is not finite."""
        is_finite = torch.isfinite(losses).tolist()
        names = []
        for task, finite in zip(self.tasks, is_finite, strict=True):
            if not finite:
                names.append(task.name)
        if names:
            raise TrainingFailedError(f"{what} is not finite for {', '.join(names)}")


def losses_of(
    network: Network,
    tasks: Sequence[Task],
    fold: FoldData,
    batch: BatchRows,
    smooths: bool = False,
) -> Tensor:
    """The losses [1, T] of the network's tasks on a batch.

    With `smooths` the labels of classes are smoothed as the candidate says.
    """
    outputs = network(inputs_of(fold, batch))
    return _losses(network, tasks, fold, batch, outputs, smooths)


def _losses(
    network: Network,
    tasks: Sequence[Task],
    fold: FoldData,
    rows: BatchRows,
    outputs: Sequence[Tensor],
    smooths: bool = False,
) -> Tensor:
    """The losses [1, T] of the network's tasks for its outputs on rows."""
    optimizer = network.component.candidate.optimizer
    losses = []
    for task, output in zip(tasks, outputs, strict=True):
        target = fold.targets[task.name][rows[task.source]]
        emphasis = None
        smoothing = None
        if optimizer.emphasises and task.kind.is_classification:
            emphasis = _emphasis(optimizer, fold.class_weights[task.name])
        if smooths and optimizer.label_smoothing > 0 and task.kind.is_classification:
            smoothing = target.new_tensor(optimizer.label_smoothing)
        loss = task_loss(
            task.kind,
            output,
            target,
            emphasis,
            smoothing,
        )
        losses.append(loss)
    return torch.stack(losses)[None]


def _emphasis(optimizer: OptimizerSettings, balanced: Tensor) -> Emphasis:
    """How much rows count, where with weights `balanced` [C] the classes count alike."""
    is_balanced = optimizer.class_weight == "balanced"
    return Emphasis(
        class_weights=balanced if is_balanced else torch.ones_like(balanced),
        focal=balanced.new_tensor(optimizer.focal),
    )
