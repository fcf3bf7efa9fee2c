"""Search spaces: the grammar, what a trial is asked, what is fixed, and every mistake."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import optuna
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import FixedTrial
from pydantic import Field

from mtlsearch.backbones import BACKBONES
from mtlsearch.backbones.mlp import Mlp
from mtlsearch.backbones.numbers import NUMBERS
from mtlsearch.candidate import Candidate, OptimizerSettings, TrainingSettings
from mtlsearch.errors import SpaceError
from mtlsearch.initializations import INITIALIZATIONS
from mtlsearch.inputs import TableSchema, kinds_taken
from mtlsearch.sharing import SHARINGS
from mtlsearch.sharing.l2_sharing import L2Sharing
from mtlsearch.sharing.none import NoSharing
from mtlsearch.space import (
    DEFAULTS,
    SearchSpace,
    TreeLimits,
    describe_space,
    known_spaces,
    load_space,
)
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import WEIGHTINGS
from mtlsearch.weightings.fixed import Fixed

ROOT = Path(__file__).resolve().parent.parent
SPACES = sorted(known_spaces())


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def study():
    return optuna.create_study(sampler=RandomSampler(seed=0))


def test_every_backbone_is_described_with_its_settings():
    readme = (ROOT / "search_spaces" / "README.md").read_text()
    for name, kind in BACKBONES.items():
        [row] = [line for line in readme.splitlines() if line.startswith(f"| `{name}` | ")]
        assert all(taken.removesuffix("s") in row for taken in kinds_taken(kind.takes))
        assert all(f"`{field.name}`" in row for field in dataclasses.fields(kind))


def test_the_shipped_spaces():
    assert SPACES == [
        "branching",
        "cross_stitch",
        "default",
        "everything",
        "hard_sharing",
        "images",
        "loss_weighting",
        "mmoe",
        "ple",
        "quick",
        "sequences",
        "soft_sharing",
        "tokens",
    ]
    readme = (ROOT / "search_spaces" / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in SPACES)
    assert all(path.read_text().startswith("# ") for path in known_spaces().values())


@pytest.mark.parametrize("tasks", [1, 2, 5])
@pytest.mark.parametrize("name", SPACES)
def test_samples_are_valid(name, tasks):
    space, searched = load_space(name, tasks), study()
    for _ in range(200):
        trial = searched.ask()
        candidate = space.sample(trial)
        assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate
        assert (candidate.tree.tasks, candidate.tree.depth) == (tasks, space.tree.levels)
        assert len(candidate.tree.levels[-1]) <= (space.tree.max_branches or tasks)
        assert space.sample(FixedTrial(trial.params)) == candidate


@pytest.mark.parametrize("name", SPACES)
def test_a_sample_is_a_function_of_the_trials_parameters(name):
    first, second = study(), study()
    space = load_space(name, 4)
    assert [space.sample(first.ask()) for _ in range(20)] == [
        space.sample(second.ask()) for _ in range(20)
    ]


@pytest.mark.parametrize("tasks", [1, 3])
@pytest.mark.parametrize("name", SPACES)
def test_mapping_round_trip(name, tasks):
    space = load_space(name, tasks)
    assert SearchSpace.from_mapping(json.loads(json.dumps(space.to_mapping())), tasks) == space
    assert (
        SearchSpace.from_mapping(space.with_fixed(sharing=NoSharing()).to_mapping(), tasks) == space
    )


def test_defaults():
    space = SearchSpace.from_mapping({}, 2)
    assert (space.tree, space.training, space.cost) == (
        TreeLimits(4, None),
        TrainingSettings(),
        "none",
    )
    candidate = space.sample(FixedTrial({"host_1": 0, "split_1": 4}))
    assert candidate == Candidate(SharingTree.shared(2, 4), Mlp(), NoSharing(), Fixed())
    assert load_space(None, 2) == load_space("default", 2)


def test_epochs_are_averaged_where_a_space_says_so_and_a_stored_space_without_it_averages_none():
    space = SearchSpace.from_mapping({"training": {"averaged_epochs": 10}}, 2)
    assert space.training == TrainingSettings(averaged_epochs=10)
    assert space.training.for_verdict().averaged_epochs == 10
    assert ("training.averaged_epochs", "10") in space.parameters()
    stored = space.to_mapping()
    del stored["training"]["averaged_epochs"]
    assert SearchSpace.from_mapping(stored, 2).training.averaged_epochs == 1


def test_settings_of_training_are_searched_and_stored_spaces_without_them_have_none():
    settings = {
        "schedule": {"choice": ["constant", "cosine"]},
        "warm_up": {"range": [0.0, 0.2]},
        "label_smoothing": {"choice": [0.0, 0.1]},
        "batch_size": {"choice": [64, 256, "auto"]},
    }
    mapping = {"optimizer": settings, "training": {"batch_size": "auto", "stop_on": "metric"}}
    space = SearchSpace.from_mapping(mapping, 1)
    assert SearchSpace.from_mapping(space.to_mapping(), 1) == space
    drawn = {"schedule": "cosine", "warm_up": 0.1, "label_smoothing": 0.1, "batch_size": "auto"}
    trial = FixedTrial({f"optimizer.{name}": value for name, value in drawn.items()})
    candidate = space.sample(trial)
    assert candidate.optimizer == OptimizerSettings(**drawn)
    assert Candidate.from_json(candidate.to_json()) == candidate

    stored, written = space.to_mapping(), candidate.to_json()
    for name in drawn:
        del stored["optimizer"][name], written["optimizer"][name]
    del stored["training"]["stop_on"]
    assert SearchSpace.from_mapping(stored, 1).training == TrainingSettings(batch_size="auto")
    assert Candidate.from_json(written).optimizer == OptimizerSettings()


def test_parameter_names():
    mapping = {
        "tree": {"levels": 2},
        "backbone": {"name": "mlp", "width": {"choice": [8, 16]}},
        "sharing": {
            "choice": [{"name": "none"}, {"name": "l2_sharing", "strength": {"log": [1e-3, 1]}}]
        },
        "weighting": {
            "choice": [{"name": "fixed", "weights": {"log": [0.1, 10]}}, {"name": "uncertainty"}]
        },
    }
    params = {
        "host_1": 0,
        "split_1": 1,
        "backbone.width": 16,
        "sharing": "l2_sharing",
        "sharing.l2_sharing.strength": 0.1,
        "weighting": "fixed",
        "weighting.fixed.weights.0": 1.0,
        "weighting.fixed.weights.1": 3.0,
    }
    space, trial = SearchSpace.from_mapping(mapping, 2), FixedTrial(params)
    candidate = space.sample(trial)
    assert trial.params == params
    assert candidate.backbone == Mlp(width=16)
    assert candidate.sharing == L2Sharing(strength=0.1)
    assert candidate.weighting == Fixed((1.0, 3.0))
    other = FixedTrial({**params, "sharing": "none", "weighting": "uncertainty"})
    space.sample(other)
    assert not [name for name in other.distributions if name.startswith(("sharing.", "weighting."))]


def test_distributions():
    mapping = {
        "backbone": {"name": "mlp", "width": {"log": [8, 64]}, "dropout": {"range": [0, 0.5]}},
        "optimizer": {"learning_rate": {"log": [1e-4, 1]}},
    }
    trial = study().ask()
    SearchSpace.from_mapping(mapping, 3).sample(trial)
    found = trial.distributions
    assert found["backbone.width"] == optuna.distributions.IntDistribution(8, 64, log=True)
    assert found["backbone.dropout"] == optuna.distributions.FloatDistribution(0.0, 0.5)
    assert found["optimizer.learning_rate"] == optuna.distributions.FloatDistribution(
        1e-4, 1.0, log=True
    )
    assert found["host_2"] == optuna.distributions.IntDistribution(0, 1)
    assert found["split_2"] == optuna.distributions.IntDistribution(0, 4)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (2, (2.0, 2.0, 2.0)),
        ([1, 2, 3], (1.0, 2.0, 3.0)),
        ([], ()),
        ([1, {"log": [0.5, 2]}, 3], (1.0, 1.5, 3.0)),
    ],
)
def test_one_value_per_task(weights, expected):
    mapping = {"weighting": {"name": "fixed", "weights": weights}}
    space = SearchSpace.from_mapping(mapping, 3)
    tree = {f"{word}_{task}": 0 for word in ("host", "split") for task in (1, 2)}
    assert space.sample(FixedTrial({**tree, "weighting.weights.1": 1.5})).weighting == Fixed(
        expected
    )
    assert SearchSpace.from_mapping(space.to_mapping(), 3) == space


def test_a_field_of_several_kinds(monkeypatch):
    @dataclass(frozen=True)
    class Mixed(Mlp):
        mode: Literal["a", "b"] | bool | None = None
        size: Annotated[int, Field(ge=1)] | None = None
        kernels: tuple[int, ...] = (3, 5)

    monkeypatch.setitem(BACKBONES, "mixed", Mixed)
    given: dict[str, Any] = {
        "name": "mixed",
        "mode": {"choice": ["a", True, None]},
        "size": {"range": [1, 3]},
        "kernels": [7],
    }
    space = SearchSpace.from_mapping({"backbone": given}, 1)
    drawn = [
        space.sample(trial).backbone
        for searched in [study()]
        for trial in (searched.ask() for _ in range(60))
    ]
    assert {backbone.mode for backbone in drawn} == {"a", True, None}
    assert {backbone.size for backbone in drawn} == {1, 2, 3}
    assert {backbone.kernels for backbone in drawn} == {(7,)}
    assert SearchSpace.from_mapping(json.loads(json.dumps(space.to_mapping())), 1) == space
    with pytest.raises(SpaceError, match="plain values"):
        SearchSpace.from_mapping(
            {"backbone": {"name": "mixed", "kernels": {"choice": [[1], [2]]}}}, 1
        )


def test_a_fixed_tree_and_fixed_settings_are_not_asked_for():
    space = load_space("default", 3)
    separate = SharingTree.separate(3, 3)
    fixed = space.with_fixed(tree=separate, sharing=NoSharing())
    trial = study().ask()
    candidate = fixed.sample(trial)
    assert (candidate.tree, candidate.sharing) == (separate, NoSharing())
    assert not [name for name in trial.params if name.startswith(("host", "split", "sharing"))]
    assert fixed.with_fixed(weighting=Fixed()).sample(study().ask()).tree == separate
    assert not space.fixed


def test_what_does_not_fit_cannot_be_fixed():
    space = load_space("default", 3)
    with pytest.raises(ValueError, match="3 tasks on 3 levels"):
        space.with_fixed(tree=SharingTree.separate(2, 3))
    with pytest.raises(ValueError, match="is no sharing"):
        space.with_fixed(sharing=Fixed())
    with pytest.raises(ValueError, match="is no nonsense"):
        space.with_fixed(nonsense=Fixed())
    with pytest.raises(ValueError, match="at least one task"):
        SearchSpace.from_mapping({}, 0)


def test_parameters_for_people():
    space = load_space("default", 3)
    rows = dict(space.parameters())
    assert rows["tree.levels"] == "3"
    assert rows["sharing.l2_sharing.strength"] == "{log: [1e-05, 1.0]}"
    assert rows["backbone.mlp.width"] == "{choice: [32, 64, 128]}"
    assert rows["training.epochs"] == "150"
    assert rows["cost"] == "none"
    fixed = dict(
        space.with_fixed(tree=SharingTree.shared(3, 3), sharing=L2Sharing(0.5)).parameters()
    )
    assert fixed["sharing"] == "fixed: L2Sharing(strength=0.5, first_level=1, last_level=None)"
    assert fixed["tree"].startswith("fixed: ")
    assert not [name for name in fixed if name.startswith(("sharing.", "tree."))]


def test_the_default_of_every_section_is_in_its_table():
    assert SearchSpace.from_mapping(
        {part: {"name": name} for part, name in DEFAULTS.items()}, 2
    ) == SearchSpace.from_mapping({}, 2)


def aliases_of_aliases(levels):
    """Some lines of YAML that stand for 8 to the power of `levels` values."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1]"]
    for level in range(1, levels):
        repeated = ", ".join(8 * [f"*a{level - 1}"])
        lines.append(f"a{level}: &a{level} [{repeated}]")
    return "\n".join(lines)


MISTAKES = [
    ("", "my.yaml: found null; it should be a mapping"),
    ("- 1", "my.yaml: found [1]; it should be a mapping"),
    (
        "tre: {}",
        'my.yaml: "tre" is unknown; did you mean "tree"? Known: backbone, cost, for_conclusions',
    ),
    ("1: {}", 'my.yaml: "1" is unknown. Known: backbone'),
    ("a: [", "my.yaml: line 1: not valid YAML:"),
    ("tree: {}\na:\n\t- b", "my.yaml: line 3: not valid YAML: found character"),
    ("tree: {levels: 1, levels: 2}", 'my.yaml: line 1: not valid YAML: "levels" is given twice'),
    ("cost: &a [*a]", "my.yaml: line 1: not valid YAML: a value inside itself"),
    (aliases_of_aliases(9), "my.yaml: line 6: not valid YAML: stands for more than 100,000 values"),
    ("tree: {2020-01-01: 1}", "my.yaml: cannot be read: "),
    ("cost: 2020-13-45", "my.yaml: cannot be read: "),
    ("tree: !!timestamp soon", "my.yaml: line 1: not valid YAML: the value does not fit its tag"),
    ("tree: !!bool x", "my.yaml: line 1: not valid YAML: the value does not fit its tag"),
    ("tree: !!int ''", "my.yaml: line 1: not valid YAML: the value does not fit its tag"),
    ("tree:", "my.yaml: tree: found null; it should be a mapping"),
    ("tree: [4]", "my.yaml: tree: found [4]; it should be a mapping"),
    (
        "tree: {level: 4}",
        'my.yaml: tree: "level" is unknown; did you mean "levels"? Known: levels, max_branches',
    ),
    (
        "tree: {levels: 0}",
        "my.yaml: tree.levels: found 0; input should be greater than or equal to 1",
    ),
    (
        "tree: {levels: {choice: [2, 3]}}",
        'my.yaml: tree.levels: found {"choice": [2, 3]}; input should be a valid integer',
    ),
    (
        "tree: {max_branches: 0}",
        "my.yaml: tree.max_branches: found 0; input should be greater than or equal to 1",
    ),
    (
        "training: {epochs: 0}",
        "my.yaml: training.epochs: found 0; input should be greater than or equal to 1",
    ),
    (
        'training: {epochs: "60"}',
        'my.yaml: training.epochs: found "60"; input should be a valid integer',
    ),
    (
        "training: {batch_size: true}",
        "my.yaml: training.batch_size: found true; input should be a valid integer",
    ),
    (
        "training: {patience: null}",
        "my.yaml: training.patience: found null; input should be a valid integer",
    ),
    (
        "training: {averaged_epochs: 0}",
        "my.yaml: training.averaged_epochs: found 0; input should be greater than or equal to 1",
    ),
    (
        "training: {averaged_epochs: all}",
        'my.yaml: training.averaged_epochs: found "all"; input should be a valid integer',
    ),
    (
        "training: {averaged_epochs: {choice: [1, 10]}}",
        'my.yaml: training.averaged_epochs: found {"choice": [1, 10]}; input should be a valid',
    ),
    (
        "training: {batch_size: 0.5}",
        "my.yaml: training.batch_size: found 0.5; input should be a valid integer or 'auto'",
    ),
    (
        "training: {batch_size: {choice: [64, 256]}}",
        'my.yaml: training.batch_size: found {"choice": [64, 256]}; here it does not vary; it may '
        "as optimizer.batch_size",
    ),
    (
        "optimizer: {label_smoothing: 1.0}",
        "my.yaml: optimizer.label_smoothing: found 1.0; input should be less than 1",
    ),
    (
        "training: {stop_on: accuracy}",
        "my.yaml: training.stop_on: found \"accuracy\"; input should be 'loss' or 'metric'",
    ),
    (
        "cost: maccs",
        'my.yaml: cost: "maccs" is unknown; did you mean "macs"? Known: macs, none, parameters',
    ),
    ("cost: [macs]", "my.yaml: cost: \"['macs']\" is unknown"),
    ("cost:", 'my.yaml: cost: "None" is unknown'),
    ("sharing: none", 'my.yaml: sharing: found "none"; it should be a mapping'),
    ("sharing:", "my.yaml: sharing: found null; it should be a mapping"),
    ("sharing: {strength: 1}", 'my.yaml: sharing.name: "(missing)" is unknown. Known: '),
    ("sharing: {name: [pull]}", "my.yaml: sharing.name: \"['pull']\" is unknown"),
    ("sharing: {name: null}", 'my.yaml: sharing.name: "None" is unknown'),
    (
        "weighting: {name: uncertain}",
        'my.yaml: weighting.name: "uncertain" is unknown; did you mean "uncertainty"? Known: ',
    ),
    ("optimizer: {name: sgd}", 'my.yaml: optimizer.name: "sgd" is unknown. Known: adamw'),
    (
        "optimizer: {learning_rat: 1}",
        'my.yaml: optimizer: "learning_rat" is unknown; did you mean "learning_rate"?',
    ),
    (
        "sharing: {choice: none}",
        'my.yaml: sharing.choice: found "none"; it should be a list with at least one entry',
    ),
    (
        "sharing: {choice: []}",
        "my.yaml: sharing.choice: found []; it should be a list with at least one entry",
    ),
    ("sharing: {choice: [none]}", 'my.yaml: sharing: found "none"; it should be a mapping'),
    ("sharing: {choice: [{name: none}], x: 1}", 'my.yaml: sharing: "x" is unknown. Known: choice'),
    (
        "sharing: {choice: [{name: none}, {name: none}]}",
        'my.yaml: sharing.choice: "none" is given twice',
    ),
    (
        "backbone: {name: mlp, widht: 1}",
        'my.yaml: backbone: "widht" is unknown; did you mean "width"?',
    ),
    (
        'backbone: {name: mlp, width: "64"}',
        'my.yaml: backbone.width: found "64"; input should be a valid integer',
    ),
    (
        "backbone: {name: mlp, width: 6.5}",
        "my.yaml: backbone.width: found 6.5; input should be a valid integer",
    ),
    (
        "backbone: {name: mlp, dropout: true}",
        "my.yaml: backbone.dropout: found true; input should be a valid number",
    ),
    (
        "backbone: {name: mlp, dropout: [0]}",
        "my.yaml: backbone.dropout: found [0]; input should be a valid number",
    ),
    (
        "backbone: {name: mlp, dropout: null}",
        "my.yaml: backbone.dropout: found null; input should be a valid number",
    ),
    (
        "backbone: {name: mlp, dropout: .nan}",
        "my.yaml: backbone.dropout: found NaN; input should be",
    ),
    (
        "optimizer: {weight_decay: .inf}",
        "my.yaml: optimizer.weight_decay: found Infinity; input should be a finite number",
    ),
    (
        "optimizer: {sampling: even}",
        "my.yaml: optimizer.sampling: found \"even\"; input should be 'none' or 'balanced'",
    ),
    (
        "optimizer: {sampling_temperature: {range: [0.5, 2.0]}}",
        "my.yaml: optimizer.sampling_temperature.range: found 0.5; input should be greater than or "
        "equal to 1",
    ),
    (
        "backbone: {name: mlp, width: {choise: [1]}}",
        'my.yaml: backbone.width: "choise" is unknown; did you mean "choice"?',
    ),
    (
        "backbone: {name: mlp, width: {}}",
        "my.yaml: backbone.width: found {}; it should hold one of choice, range, log",
    ),
    (
        "backbone: {name: mlp, width: {range: [1, 2], log: [1, 2]}}",
        "it should hold one of choice, range, log",
    ),
    (
        "backbone: {name: mlp, width: {choice: []}}",
        "my.yaml: backbone.width.choice: found []; it should be a list",
    ),
    (
        "backbone: {name: mlp, width: {choice: 3}}",
        "my.yaml: backbone.width.choice: found 3; it should be a list",
    ),
    (
        "backbone: {name: mlp, width: {choice: [8, 8]}}",
        "my.yaml: backbone.width.choice: found [8, 8]; entries should be",
    ),
    (
        "backbone: {name: mlp, width: {choice: [8, big]}}",
        'my.yaml: backbone.width.choice: found "big"; input should be a valid int',
    ),
    (
        "backbone: {name: mlp, width: {choice: [{log: [1, 2]}]}}",
        "my.yaml: backbone.width.choice: found {",
    ),
    (
        "backbone: {name: mlp, width: {range: [8]}}",
        "my.yaml: backbone.width.range: found [8]; it should be [low, high]",
    ),
    (
        "backbone: {name: mlp, width: {range: [8, 8]}}",
        "found [8, 8]; it should be [low, high], two numbers with low < high",
    ),
    (
        "backbone: {name: mlp, width: {range: [9, 8]}}",
        "found [9, 8]; it should be [low, high], two numbers with low < high",
    ),
    (
        "backbone: {name: mlp, width: {range: [1, 8.5]}}",
        "my.yaml: backbone.width.range: found 8.5; input should be a valid int",
    ),
    (
        "backbone: {name: mlp, dropout: {range: [0, 1]}}",
        "my.yaml: backbone.dropout.range: found 1; input should be less than 1",
    ),
    (
        "backbone: {name: mlp, layer_norm: {range: [false, true]}}",
        "it should be [low, high], two numbers",
    ),
    (
        "backbone: {name: mlp, dropout: {log: [0, 0.5]}}",
        "found [0, 0.5]; it should be [low, high], two numbers with 0 < low < high",
    ),
    (
        "optimizer: {learning_rate: {log: [-1, 0.5]}}",
        "my.yaml: optimizer.learning_rate.log: found -1; input should be greater",
    ),
    (
        "weighting: {name: fixed, weights: [1, 2]}",
        "my.yaml: weighting.weights: found 2 values for 3 tasks",
    ),
    (
        "weighting: {name: fixed, weights: [1, 2, -3]}",
        "my.yaml: weighting.weights: found -3; input should be greater than 0",
    ),
    (
        "weighting: {name: fixed, weights: {log: [0, 3]}}",
        "my.yaml: weighting.weights.log: found 0; input should be greater than 0",
    ),
    (
        "weighting: {name: fixed, weights: heavy}",
        'my.yaml: weighting.weights: found "heavy"; input should be a valid number',
    ),
    (
        "weighting: {name: fixed, weights: null}",
        "my.yaml: weighting.weights: found null; input should be a valid number",
    ),
    (
        "initialization: {name: pretrained, pretraining: 1}",
        "my.yaml: initialization.pretraining: found 1; input should be less than 1",
    ),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_one_line(tmp_path, text, message):
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(SpaceError) as caught:
        load_space(str(path), 3)
    found = str(caught.value)
    assert message in found
    assert found.startswith("my.yaml: ")
    assert "\n" not in found


def test_a_missing_file_lists_the_known_spaces(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        SpaceError,
        match=r'"quik" is unknown; did you mean "quick"\? Known: branching, cross_stitch, default',
    ):
        load_space("quik", 2)
    with pytest.raises(
        SpaceError,
        match=r'no such file\): "my.yaml" is unknown\. Known: branching, cross_stitch, default',
    ):
        load_space("my.yaml", 2)
    with pytest.raises(SpaceError, match="no such file"):
        load_space(str(tmp_path), 2)
    with pytest.raises(SpaceError, match="no such file"):
        load_space("x" * 300, 2)


def test_an_unreadable_file_is_one_line(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(SpaceError, match=r"^my\.yaml: cannot be read: "):
        load_space(str(path), 2)


def test_a_file_goes_before_a_name_and_the_package_before_the_repository(tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, levels in ((first, 1), (second, 2)):
        folder.mkdir()
        (folder / "toy.yaml").write_text(f"tree: {{levels: {levels}}}")
    folders = (first, second, tmp_path / "absent")
    assert known_spaces(folders) == {"toy": first / "toy.yaml"}
    assert load_space("toy", 2, folders).tree.levels == 1
    monkeypatch.chdir(second)
    assert load_space("toy.yaml", 2, folders).tree.levels == 2


def test_everything_names_every_method_for_tables():
    space = load_space("everything", 3)
    named = {part: {option.name for option in options} for part, options in space.options.items()}
    assert named["sharing"] == {*SHARINGS}
    assert named["weighting"] == {*WEIGHTINGS}
    assert named["initialization"] == {*INITIALIZATIONS}
    assert named["numbers"] == {*NUMBERS}
    assert named["backbone"] == {
        name for name, kind in BACKBONES.items() if TableSchema in kind.takes
    }


def test_what_may_be_null_may_be_chosen_once_only():
    twice = {"sharing": {"name": "l2_sharing", "last_level": {"choice": [None, None]}}}
    with pytest.raises(SpaceError, match="each given once"):
        SearchSpace.from_mapping(twice, 2)
    once = {"sharing": {"name": "l2_sharing", "last_level": {"choice": [None, 1]}}}
    space = SearchSpace.from_mapping(once, 2)
    assert {option.sample(study().ask()).last_level for option in space.options["sharing"]} <= {
        None,
        1,
    }


def test_a_former_name_and_its_present_one_are_the_same_method():
    entries = [{"name": "pull"}, {"name": "l2_sharing"}]
    with pytest.raises(SpaceError, match=r'sharing\.choice: "l2_sharing" is given twice'):
        SearchSpace.from_mapping({"sharing": {"choice": entries}}, 2)


def test_a_former_name_is_an_alias():
    former = SearchSpace.from_mapping({"sharing": {"name": "pull", "strength": 0.1}}, 3)
    space = SearchSpace.from_mapping({"sharing": {"name": "l2_sharing", "strength": 0.1}}, 3)
    assert former == space


def test_a_space_may_be_marked_as_one_that_nothing_is_concluded_from():
    marked = [name for name in SPACES if not load_space(name, 2).for_conclusions]
    assert marked == ["quick"]
    space = load_space("quick", 2)
    assert not SearchSpace.from_mapping(space.to_mapping(), 2).for_conclusions
    assert "for_conclusions" not in load_space("default", 2).to_mapping()
    paths = known_spaces()
    assert describe_space(paths["quick"]).endswith("Not for conclusions.")
    assert "Not for conclusions" not in describe_space(paths["default"])
    with pytest.raises(
        SpaceError, match=r'for_conclusions: found "no"; input should be a valid bool'
    ):
        SearchSpace.from_mapping({"for_conclusions": "no"}, 2)
