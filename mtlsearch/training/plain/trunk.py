"""The trunk of a plain network: the parameters that tasks share, and its branches."""

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from mtlsearch.training.batched_weighting import BatchedWeighting
from mtlsearch.training.parameter_averaging import Branches
from mtlsearch.training.plain.network import Network
from mtlsearch.training.shared_gradients import (
    STEM_LEVEL,
    SharedGradients,
    SharedRows,
    is_shared,
)


def shared_gradients_of(network: Network, weighting: BatchedWeighting) -> SharedGradients | None:
    """The gradients that a network's weighting needs.

    None where it needs no Gramian or nothing is shared.
    """
    if not weighting.weighting.needs_gramian:
        return None
    first = weighting.heads.new_zeros(1)  # a network alone: row 0 of each parameter, member 0
    shared = []
    for module in _shared_modules(network):
        for parameter in module.parameters():
            shared.append(SharedRows(parameter, 1, first, first))
    if not shared:
        return None
    return SharedGradients([weighting], shared, members=1)


def _shared_modules(network: Network) -> list[nn.Module]:
    """The stems and stages that at least two tasks use."""
    modules = []
    for index, stem in enumerate(network.stems):
        if is_shared(network.wiring, STEM_LEVEL, index):
            modules.append(stem)
    for level, stages in enumerate(network.levels):
        for index, stage in enumerate(stages):
            if is_shared(network.wiring, level, index):
                modules.append(stage)
    return modules


def branches_of(network: Network) -> Branches:
    """The branches of a network whose tasks have one each.

    They are, piece by piece, the stems of each source and the stages of each level. Numbers that
    modules keep besides weights, such as running means, belong to them.
    """
    groups = _branch_modules(network)

    def branches() -> Iterator[Sequence[Tensor]]:
        for modules in groups:
            tensors = [_floating_point_tensors(module) for module in modules]
            yield from zip(*tensors, strict=True)

    return branches


def _branch_modules(network: Network) -> list[list[nn.Module]]:
    stems: dict[str, list[nn.Module]] = {}
    for (_, source), stem in network.stems_by_stream.items():
        stems.setdefault(source, []).append(stem)
    by_source = [stems[source] for source in sorted(stems)]
    return by_source + network.levels


def _floating_point_tensors(module: nn.Module) -> list[Tensor]:
    tensors = []
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensors.append(tensor)
    return tensors
