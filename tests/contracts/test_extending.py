"""Adding a method is one file and one line in a table (with its import): the contract tests then
test it unedited.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mtlsearch

PACKAGE, CONTRACTS = Path(mtlsearch.__file__).parent, Path(__file__).parent

BACKBONE = '''"""A toy: one tanh layer."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from mtlsearch.backbones.contract import Backbone
from mtlsearch.inputs import TableSchema


@dataclass(frozen=True)
class Toy(Backbone):
    """Linear - Tanh."""

    takes: ClassVar = (TableSchema,)

    width: int = 16

    def stem(self, schema: TableSchema) -> nn.Module:
        """[B, features] -> [B, width]."""
        return nn.Linear(schema.features, self.width)

    def stage(self, level: int) -> nn.Module:
        """[B, width] -> [B, width]."""
        return nn.Sequential(nn.Linear(self.width, self.width), nn.Tanh())

    def head(self, outputs: int, levels: int) -> nn.Module:
        """[B, width] -> [B, outputs]."""
        return nn.Linear(self.width, outputs)
'''
SHARING = '''"""A toy: L1 ties, and learned shares."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.sharing.contract import Level, Sharing, SharingState


@dataclass(frozen=True)
class Toy(Sharing):
    """strength * |w_n - w_m| for each edge, and the share of each other branch that is learned."""

    strength: float = 0.1
    first_level: Level = 1
    last_level: Level | None = None

    def initial_state(self, nodes: int, edges: Tensor) -> SharingState:
        """`strength[E]`."""
        return {"strength": torch.full((edges.shape[1],), self.strength)}

    def trainable_state(self, nodes: tuple[int, int], features: int) -> SharingState:
        """`share[2]`, of both directions."""
        return {"share": self.strength / torch.tensor(nodes)}

    def mix(self, h: Tensor, edges: Tensor, state: SharingState, feature_axis: int) -> Tensor:
        """[N, B, *F]."""
        to, by = edges.flip(0).flatten(), edges.flatten()
        share = state["share"].to(h.dtype).T.reshape(-1, *(1,) * (h.dim() - 1))
        return h.index_add(0, to, share * (h[by] - h[to]))

    def penalty(self, weights: Tensor, edges: Tensor, state: SharingState) -> Tensor:
        """[E]."""
        return state["strength"] * (weights[edges[0]] - weights[edges[1]]).abs().flatten(1).sum(1)
'''
WEIGHTING = '''"""A toy: the softmax of the losses."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState


@dataclass(frozen=True)
class Toy(Weighting):
    """Larger losses weigh more."""

    temperature: float = 1.0

    def initial_state(self, seeds: Sequence[int]) -> WeightingState:
        """`temperature[T]`."""
        return {"temperature": torch.full((len(seeds),), self.temperature)}

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: WeightingState) -> Tensor:
        """[K, T]."""
        return losses.shape[-1] * (losses.detach() / state["temperature"]).softmax(-1)
'''
INITIALIZATION = '''"""A toy: branches go on from the median."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from mtlsearch.initializations.contract import Initialization, Pretraining


@dataclass(frozen=True)
class Toy(Initialization):
    """Each number is that of one task."""

    pretraining: Pretraining = 0.3
    frozen: float = 0.0

    def pretraining_tasks(self, component_tasks: Sequence[int], tasks: int) -> tuple[int, ...]:
        """All."""
        return tuple(range(tasks))

    @property
    def local_steps(self) -> int:
        """Two."""
        return 2

    def average(self, common: Tensor, branches: Tensor) -> Tensor:
        """[*P]."""
        return branches.median(0).values
'''


def add_toy(package, folder, source):
    (package / folder / "toy.py").write_text(source)
    table = package / folder / "__init__.py"
    lines = table.read_text().splitlines()
    last_import = max(i for i, line in enumerate(lines) if line.startswith("from "))
    closing = max(i for i, line in enumerate(lines) if line == "}")
    lines.insert(closing, '    "toy": Toy,')
    lines.insert(last_import + 1, f"from mtlsearch.{folder}.toy import Toy")
    table.write_text("\n".join(lines) + "\n")


@pytest.fixture
def copied(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "mtlsearch", ignore=shutil.ignore_patterns("__pycache__"))
    own = Path(__file__).name
    shutil.copytree(
        CONTRACTS, tmp_path / "contracts", ignore=shutil.ignore_patterns("__pycache__", own)
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return tmp_path


def run_contracts(copied, *arguments):
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command,
        cwd=copied,
        env={**os.environ, "PYTHONPATH": f"{copied}{os.pathsep}{PACKAGE.parent}"},
        capture_output=True,
        text=True,
    )


def add_toys(copied, sharing=SHARING):
    add_toy(copied / "mtlsearch", "backbones", BACKBONE)
    add_toy(copied / "mtlsearch", "sharing", sharing)
    add_toy(copied / "mtlsearch", "weightings", WEIGHTING)
    add_toy(copied / "mtlsearch", "initializations", INITIALIZATION)


def assert_passed(ran, *expected):
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert set(expected) <= {
        line.split(" PASSED")[0] for line in ran.stdout.splitlines() if " PASSED" in line
    }


def test_a_toy_of_each_kind_is_picked_up(copied):
    add_toys(copied)
    ran = run_contracts(
        copied,
        *(
            f"contracts/test_{name}.py"
            for name in ("backbones", "sharings", "weightings", "initializations")
        ),
    )
    assert_passed(
        ran,
        "contracts/test_backbones.py::test_shapes[64-toy]",
        "contracts/test_backbones.py::test_gradients_reach_every_parameter[8-toy]",
        "contracts/test_backbones.py::test_json_round_trip[24-toy]",
        "contracts/test_sharings.py::test_nan_does_not_leak_where_there_is_no_edge[toy]",
        "contracts/test_sharings.py::test_untied_means_no_penalty_and_no_mixing[toy]",
        "contracts/test_sharings.py::test_the_tie_grows_with_the_strength[toy-3]",
        "contracts/test_sharings.py::test_the_levels_that_are_tied_can_be_chosen[toy]",
        "contracts/test_weightings.py::test_permuting_the_tasks_permutes_the_weights[toy]",
        "contracts/test_weightings.py::test_json_round_trip[toy]",
        "contracts/test_initializations.py::test_json_round_trip[toy]",
        "contracts/test_initializations.py::test_the_forest_equals_the_serial_engine[toy-parting]",
        "contracts/test_initializations.py::test_it_comes_to_the_same_alone_again_and_beside_others[toy-forest]",
    )


def test_a_toy_of_each_kind_is_stacked(copied):
    add_toys(copied)
    ran = run_contracts(copied, "contracts/test_stacking.py", "-k", "toy and penguins")
    equal = "contracts/test_stacking.py::test_outputs_and_gradients_equal_those_of_each_network"
    assert_passed(
        ran,
        f"{equal}[penguins-toy-toy-fixed]",
        f"{equal}[penguins-residual-toy-fixed]",
        f"{equal}[penguins-mlp-toy-toy]",
        "contracts/test_stacking.py::test_fifty_steps_lead_to_the_same_weights[penguins-toy]",
        "contracts/test_stacking.py::test_an_extracted_network_puts_out_what_the_forest_does[penguins-toy]",
    )


def test_a_toy_that_breaks_the_contract_fails(copied):
    add_toy(
        copied / "mtlsearch",
        "weightings",
        WEIGHTING.replace("losses.shape[-1] *", "-losses.shape[-1] *"),
    )
    ran = run_contracts(copied, "contracts/test_weightings.py")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "test_weights_of_losses_are_positive_and_need_no_gradients[toy] FAILED" in ran.stdout


def test_a_toy_that_reads_a_setting_fails_when_it_is_stacked(copied):
    add_toys(copied, SHARING.replace('return state["strength"] *', "return self.strength *"))
    ran = run_contracts(copied, "contracts/test_stacking.py", "-k", "penguins-mlp-toy-fixed")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "each_network[penguins-mlp-toy-fixed] FAILED" in ran.stdout
