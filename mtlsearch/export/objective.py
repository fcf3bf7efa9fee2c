"""What a model was trained to minimise, written down for an exported folder's `train.py`.

`objective.py` holds the code of the methods: losses of kinds of task, weightings, soft ties.
`training.json` holds their settings and which parts of the model they are for.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mtlsearch.candidate import Candidate, TrainingSettings
from mtlsearch.export.code import Code
from mtlsearch.export.constructors import Constructors
from mtlsearch.export.stacking import stack
from mtlsearch.export.templates import render
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.export.unrolling import UnrolledComponent
from mtlsearch.seeding import derive_seed
from mtlsearch.structure.wiring import ALL_SOURCES
from mtlsearch.tasks import TASK_KINDS, Task, loss_weights, stopping_weights
from mtlsearch.training.batches import rows_per_step
from mtlsearch.weightings import Weighting

OUTPUTS = 977
"""A number of outputs that no network has otherwise: it shows where it stands in a head's code."""

KIND_METHODS = ("loss", "loss_of_others", "output_count")
WEIGHTING_METHODS = ("weigh", "penalty", "after_step", "after_epoch")
TIE_METHODS = ("penalty",)


def write_objective(
    draft: Path,
    models: Sequence[TrainedModel],
    code: Code,
    schedule: TrainingSettings,
) -> None:
    """Write how models, of which `code` was written, are trained. Raises ExportError."""
    plan = _Plan(models, code)
    components = [plan.component(place) for place in range(len(code.components[0]))]
    first = models[0]
    longest = first.data.fold(first.replicate).longest
    schedule = schedule.for_optimizer(plan.candidates[0].optimizer)
    settings = {
        "epochs": schedule.epochs,
        "patience": schedule.patience,
        "batch_size": rows_per_step(schedule.batch_size, longest),
        "paths": plan.paths,
        "serves": plan.serves,
        "heads": plan.heads(),
        "components": components,
        "limits": list(dict.fromkeys([*_schedule_limits(schedule), *plan.limits])),
    }
    text = (
        json.dumps(
            settings,
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )
    (draft / "training.json").write_text(text, "utf-8")
    (draft / "objective.py").write_text(_methods(code.components[0]), "utf-8")


def _methods(components: Sequence[UnrolledComponent]) -> str:
    """The code of every kind of task, and of the weightings and ties of the components."""
    constructors = Constructors()
    for kind in TASK_KINDS.values():
        attributes = {
            "labels_per_class": kind.labels_per_class,
            "is_classification": kind.is_classification,
            "transform": kind.transform,
            "layout": kind.layout,
            "name": kind.name,
        }
        constructors.define_with_methods(
            type(kind),
            attributes,
            KIND_METHODS,
        )
    weightings: dict[str, type[Weighting]] = {}
    ties: dict[str, type[Any]] = {}
    for unrolled in components:
        candidate = unrolled.network.component.candidate
        weighting = type(candidate.weighting)
        if not weighting.needs_gramian:
            weightings[weighting.__name__] = weighting
        if unrolled.network.wiring.penalized_levels:
            ties[type(candidate.sharing).__name__] = type(candidate.sharing)
    for weighting in weightings.values():
        attributes = {"needs_updated_losses": weighting.needs_updated_losses}
        constructors.define_with_methods(
            weighting,
            attributes,
            WEIGHTING_METHODS,
        )
    for sharing in ties.values():
        constructors.define_with_methods(
            sharing,
            {},
            TIE_METHODS,
        )
    return render(
        "objective.py.jinja",
        imports=sorted(set(constructors.imports)),
        definitions=constructors.definitions,
        kinds={name: type(kind).__name__ for name, kind in TASK_KINDS.items()},
        weightings=list(weightings),
        ties=list(ties),
    )


class _Plan:
    """Which parts of written networks are trained how.

    Attributes:
        paths: By the name of a task the parts from its stem to its head.
        serves: By the name of a part the tasks whose predictions depend on it.
        limits: What a plain script does not do as the search did, in sentences.
    """

    def __init__(
        self,
        models: Sequence[TrainedModel],
        code: Code,
    ) -> None:
        self._models = models
        self._networks = code.components
        self._tasks = models[0].data.dataset.tasks
        self.paths: dict[str, list[str]] = {}
        self.serves: dict[str, list[str]] = defaultdict(list)
        self.limits: list[str] = []
        for unrolled in self._networks[0]:
            self._add_paths(unrolled)

    @property
    def candidates(self) -> list[Candidate]:
        """The settings of each component."""
        return [unrolled.network.component.candidate for unrolled in self._networks[0]]

    def _task(
        self,
        unrolled: UnrolledComponent,
        position: int,
    ) -> Task:
        return self._tasks[unrolled.network.component.tasks[position]]

    def _names(self, unrolled: UnrolledComponent) -> list[str]:
        return [self._task(unrolled, position).name for position in unrolled.heads]

    def _add_paths(self, unrolled: UnrolledComponent) -> None:
        wiring = unrolled.network.wiring
        last_mixed = max(
            (level for level, _ in unrolled.mixings),
            default=-1,
        )
        for position, head in unrolled.heads.items():
            task = self._task(unrolled, position)
            nodes = [wiring.structure.node(level, position) for level in range(wiring.depth)]
            stem = unrolled.stems[nodes[0], task.source]
            stages = [unrolled.stages[level, node] for level, node in enumerate(nodes)]
            self.paths[task.name] = [stem, *stages, head]
            for part in (*stages[last_mixed + 1 :], head):
                self.serves[part].append(task.name)
            if last_mixed < 0:
                self.serves[stem].append(task.name)
        for part in unrolled.parts:  # before mixed activations, all tasks depend on all parts
            if part not in self.serves:
                self.serves[part] = self._names(unrolled)

    def component(self, place: int) -> dict[str, Any]:
        """Return how the component of this place is trained."""
        unrolled = self._networks[0][place]
        candidate = unrolled.network.component.candidate
        options = [self._task(unrolled, position).options for position in unrolled.heads]
        self.limits += _candidate_limits(candidate)
        kinds = {}
        for position in unrolled.heads:
            task = self._task(unrolled, position)
            kinds[task.name] = task.kind.name
        return {
            "tasks": kinds,
            "parts": [part for part in unrolled.parts if part not in unrolled.mixings.values()],
            "mixings": list(unrolled.mixings.values()),
            "mixing_rate": candidate.sharing.rate_factor,
            "importances": loss_weights(options),
            "stopping_weights": stopping_weights(options),
            "optimizer": asdict(candidate.optimizer),
            **self._weighting(place),
            **self._ties(unrolled),
        }

    def _weighting(self, place: int) -> dict[str, Any]:
        """Return the weighting of a component, with its state [S, T] for S networks."""
        unrolled = self._networks[0][place]
        weighting = unrolled.network.component.candidate.weighting
        if weighting.needs_gramian:
            return {"weighting": None, "state": {}, "trained_state": {}}
        initial = []
        trained = []
        positions = list(unrolled.heads)
        for network in (components[place].network for components in self._networks):
            tasks = network.component.tasks
            seeds = [
                derive_seed(
                    network.seed,
                    "weight",
                    task,
                )
                for task in tasks
            ]
            initial.append(weighting.initial_state(seeds))
            trained.append(weighting.trainable_state(len(tasks)))
        return {
            "weighting": type(weighting).__name__,
            "state": _listed(initial, positions),
            "trained_state": _listed(trained, positions),
        }

    def _ties(self, unrolled: UnrolledComponent) -> dict[str, Any]:
        """Return the ties between the weights of a component's stages, level by level."""
        network = unrolled.network
        sharing = network.component.candidate.sharing
        ties = []
        for level in network.wiring.penalized_levels:
            nodes = range(network.wiring.nodes(level))
            stages = [unrolled.stages.get((level, node)) for node in nodes]
            if None in stages:
                self.limits.append(
                    f"Stages of level {level + 1} were tied to some that are not in this folder: "
                    "train.py does not tie them."
                )
                continue
            edges = network.edges[level, ALL_SOURCES]
            state = sharing.initial_state(len(stages), edges)
            ties.append(
                {
                    "parts": stages,
                    "edges": edges.tolist(),
                    "state": {name: tensor.tolist() for name, tensor in state.items()},
                }
            )
        return {"sharing": type(sharing).__name__ if ties else None, "ties": ties}

    def heads(self) -> dict[str, str | None]:
        """Return by task the call that makes a head like its own, for `{outputs}` outputs.

        None where the number of outputs cannot be read off the call.
        """
        heads = {}
        for unrolled in self._networks[0]:
            backbone = unrolled.network.component.candidate.backbone
            depth = unrolled.network.wiring.depth
            for position in unrolled.heads:
                made = [backbone.head(OUTPUTS, depth) for _ in self._models]
                module = made[0] if len(made) == 1 else stack(made)
                call = Constructors().call(module).on_one_line()
                template = call.replace("{", "{{").replace("}", "}}")
                template = template.replace(str(OUTPUTS), "{outputs}")
                is_clear = template.count("{outputs}") == 1
                name = self._task(unrolled, position).name
                heads[name] = template if is_clear else None
        return heads


def _listed(
    states: Sequence[Mapping[str, Tensor]],
    positions: Sequence[int],
) -> dict[str, Any]:
    """Return the tensors [T] of S states as lists [S, T], for the tasks at these positions."""
    listed = {}
    for name in states[0]:
        stacked = torch.stack([state[name] for state in states])
        listed[name] = stacked[:, positions].tolist()
    return listed


def _schedule_limits(schedule: TrainingSettings) -> list[str]:
    limits = []
    if schedule.averaged_epochs > 1:
        limits.append(
            f"The search took the mean of the weights of the {schedule.averaged_epochs} best "
            "epochs; train.py takes the best one."
        )
    if schedule.stop_on != "loss":
        limits.append("The search stopped by the metrics; train.py stops by the losses.")
    if schedule.precision != schedule.verdict_precision or schedule.precision != "float32":
        limits.append("train.py computes in float32, whatever the search did.")
    return limits


def _candidate_limits(candidate: Candidate) -> list[str]:
    """Return what of a candidate's training a plain script does not do."""
    limits = []
    if candidate.weighting.needs_gramian:
        name = candidate.setting_name("weighting")
        limits.append(
            f"The weighting {name} looks at the gradient of each task; train.py weighs alike."
        )
    if candidate.optimizer.samples:
        limits.append(
            "The search read some rows more often than others; train.py reads each once an epoch."
        )
    if candidate.initialization.pretraining:
        name = candidate.setting_name("initialization")
        limits.append(
            f"The search began with {name} weights; without --from, train.py begins at random."
        )
    return limits
