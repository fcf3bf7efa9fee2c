"""Modules with backbones of the user's own: where they are found, what they may hold, and one line
for every mistake.
"""

import json
import pickle
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
import torch
from optuna.samplers import RandomSampler

from mtlsearch.backbones import BACKBONES
from mtlsearch.backbones.plugins import Plugin, forget_plugins
from mtlsearch.candidate import Candidate
from mtlsearch.errors import SpaceError, StudyError
from mtlsearch.export.constructors import Constructors
from mtlsearch.inputs import TableSchema
from mtlsearch.space import SearchSpace, load_space
from mtlsearch.training.stacked.stacking import stack

EXAMPLE = Path(__file__).parent.parent / "examples" / "my_backbone.py"
GOOD = EXAMPLE.read_text("utf-8")
PLAIN = GOOD[: GOOD.index("BACKBONES =")]  # without a table
README = (EXAMPLE.parent.parent / "search_spaces" / "README.md").read_text("utf-8")
HEAD = GOOD[GOOD.index("    def head") : GOOD.index("BACKBONES =")]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Nothing that a test loads is there for the next one."""
    forget_plugins()
    yield
    forget_plugins()
    sys.modules.pop("own_installed", None)  # imported as any other module


def space_of(folder: Path, text: str, **modules: str) -> SearchSpace:
    for name, code in modules.items():
        (folder / f"{name}.py").write_text(code, "utf-8")
    (folder / "a.yaml").write_text(text, "utf-8")
    return load_space(str(folder / "a.yaml"), 3)


def sampled(space: SearchSpace) -> Candidate:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return space.sample(optuna.create_study(sampler=RandomSampler(seed=0)).ask())


@pytest.mark.parametrize(
    "text", ["plugins: [own]\nbackbone: {name: crossed}", "backbone: {name: own:Crossed}"]
)
def test_a_module_beside_the_file_is_named_and_its_candidates_survive_json(
    tmp_path: Path, text: str
) -> None:
    space = space_of(tmp_path, text, own=GOOD)
    candidate = sampled(space)
    assert type(candidate.backbone).__module__ == "own"
    assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate
    again = SearchSpace.from_mapping(json.loads(json.dumps(space.to_mapping())), 3)
    assert again == space
    assert ("plugin", str(tmp_path / "own.py")) in space.parameters()
    assert "crossed" not in BACKBONES


def test_a_module_in_the_working_directory_or_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "installed").mkdir()
    (tmp_path / "here" / "own_here.py").write_text(GOOD, "utf-8")
    (tmp_path / "installed" / "own_installed.py").write_text(
        GOOD.replace("crossed", "other"), "utf-8"
    )
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend(tmp_path / "installed")
    space = space_of(
        tmp_path,
        "plugins: [own_here, own_installed]\nbackbone: {choice: [{name: crossed}, {name: other}]}",
    )
    assert [plugin.file for plugin in space.plugins] == [
        str(tmp_path / "here" / "own_here.py"),
        None,
    ]
    assert {option.name for option in space.options["backbone"]} == {"crossed", "other"}
    monkeypatch.chdir(tmp_path)
    assert SearchSpace.from_mapping(space.to_mapping(), 3) == space


def test_a_worker_needs_no_file(tmp_path: Path) -> None:
    """What a worker on another machine gets is the text."""
    candidate = sampled(space_of(tmp_path, "backbone: {name: own:Crossed}", own=GOOD)).to_json()
    sent = pickle.dumps(Plugin.find("own", [tmp_path], "a.yaml"))
    (tmp_path / "own.py").unlink()
    forget_plugins()
    assert "own" not in sys.modules
    pickle.loads(sent).load()
    assert Candidate.from_json(candidate).to_json() == candidate


def test_a_module_that_has_changed_since(tmp_path: Path) -> None:
    space = space_of(tmp_path, "plugins: [own]\nbackbone: {name: crossed}", own=GOOD)
    (tmp_path / "own.py").write_text(GOOD.replace("tanh", "relu"), "utf-8")
    with pytest.raises(
        StudyError, match=r"a\.yaml: plugins: .*own\.py has changed since the study was made"
    ):
        SearchSpace.from_mapping(space.to_mapping(), 3, "a.yaml")
    edited = load_space(str(tmp_path / "a.yaml"), 3)
    assert edited.plugins[0].digest != space.plugins[0].digest
    assert edited.options["backbone"][0].kind is not space.options["backbone"][0].kind


def test_the_example_is_stacked(tmp_path: Path) -> None:
    backbone = sampled(
        space_of(tmp_path, "backbone: {name: own:Crossed, width: 8}", own=GOOD)
    ).backbone
    torch.manual_seed(0)
    stages, x = [backbone.stage(0) for _ in range(3)], torch.randn(3, 5, 8)
    for stage, own, found in zip(stages, x, stack(stages)(x), strict=True):
        torch.testing.assert_close(found, stage(own))


def test_the_written_code_holds_what_a_module_uses_of_the_package(tmp_path: Path) -> None:
    code = GOOD.replace(
        "from torch import",
        "from mtlsearch.backbones.masking import zero_absent\nfrom torch import",
    )
    code = code.replace("return h + self", "return zero_absent(h, None) + self")
    backbone = sampled(space_of(tmp_path, "backbone: {name: own:Crossed}", own=code)).backbone
    constructors = Constructors()
    assert (
        constructors.call(backbone.stage(0)).on_one_line().startswith("Products(first=nn.Linear(")
    )
    assert [text.splitlines()[0] for text in constructors.definitions] == [
        "def zero_absent(vectors: Tensor, mask: Tensor | None) -> Tensor:",
        "class Products(nn.Module):",
    ]


def test_the_one_on_the_page_runs(tmp_path: Path) -> None:
    """Its text stands in the page on search spaces, indented."""
    block = re.search(r"(?m)^    # my_backbone\.py\n(?:    .*\n|\n(?=    ))+", README)
    assert block is not None
    space = space_of(
        tmp_path,
        "plugins: [my_backbone]\nbackbone: {name: crossed}",
        my_backbone=textwrap.dedent(block[0]),
    )
    backbone = sampled(space).backbone
    network = torch.nn.Sequential(
        backbone.stem(TableSchema(4)), backbone.stage(0), backbone.stage(1), backbone.head(3, 2)
    )
    assert network(torch.randn(5, 4)).shape == (5, 3)


OWN, LISTED = "backbone: {name: own:Crossed}", "plugins: [own]"
MISTAKES = [
    ("plugins: own", GOOD, "a.yaml: plugins: found 'own'; it should be a list of modules"),
    (
        "plugins: [own, 3]",
        GOOD,
        "a.yaml: plugins: found ['own', 3]; each entry should be the name of a module, given once",
    ),
    (
        "plugins: [own, own]",
        GOOD,
        "a.yaml: plugins: found ['own', 'own']; each entry should be the name of a module",
    ),
    ("plugins: [owm]", GOOD, "a.yaml: plugins: owm.py is not found in "),
    ("backbone: {name: owm:Crossed}", GOOD, "a.yaml: backbone.name: owm.py is not found in "),
    (
        "backbone: {name: own:Croset}",
        GOOD,
        'a.yaml: backbone.name: class of own: "Croset" is unknown; did you mean "Crossed"?',
    ),
    ("backbone: {name: own-a:Crossed}", GOOD, 'a.yaml: backbone.name: "own-a:Crossed" is unknown'),
    (
        "plugins: [own]\nbackbone: {name: crosed}",
        GOOD,
        'a.yaml: backbone.name: "crosed" is unknown; did you mean "crossed"?',
    ),
    (
        f"{OWN[:-1]}, widht: 3}}",
        GOOD,
        'a.yaml: backbone: "widht" is unknown; did you mean "width"?',
    ),
    (
        LISTED,
        GOOD.replace("BACKBONES", "TABLE"),
        'a.yaml: plugins: own has no table BACKBONES = {"name": Class}',
    ),
    (
        LISTED,
        GOOD.replace('{"crossed": Crossed}', "[Crossed]"),
        "a.yaml: plugins: own: BACKBONES should be a dictionary",
    ),
    (
        LISTED,
        GOOD.replace('{"crossed"', '{"mlp"'),
        'own: the name "mlp" is taken by mtlsearch.backbones.mlp; choose another',
    ),
    (
        LISTED,
        GOOD.replace("frozen=True", ""),
        'own: BACKBONES["crossed"] is no frozen dataclass: it needs @dataclass(frozen=True)',
    ),
    (
        OWN,
        PLAIN.replace("@dataclass(frozen=True)", ""),
        "a.yaml: backbone.name: own:Crossed is no frozen dataclass",
    ),
    (
        OWN,
        PLAIN.replace("(Backbone)", ""),
        "own:Crossed is no backbone: it needs to derive from mtlsearch.backbones.Backbone",
    ),
    ("backbone: {name: own:nn}", GOOD, "a.yaml: backbone.name: own:nn is no frozen dataclass"),
    (
        LISTED,
        GOOD.replace(HEAD, ""),
        'BACKBONES["crossed"] lacks head; a backbone has takes, head, stage, stem',
    ),
    (
        OWN,
        PLAIN.replace("(TableSchema,)", '("table",)'),
        "own:Crossed.takes: found ('table',); it should be a tuple of some of TableSchema, ",
    ),
    (
        OWN,
        PLAIN.replace("width: int = 32", "width: int"),
        "own:Crossed cannot be made with defaults alone: TypeError: ",
    ),
    (
        OWN,
        GOOD.replace("from torch import", "from touch import"),
        "line 6: ModuleNotFoundError: No module named 'touch'",
    ),
    (OWN, "def (", "line 1: SyntaxError: invalid syntax"),
    (OWN, "raise SystemExit(3)", "own.py fails when it is imported: line 1: SystemExit: 3"),
]


@pytest.mark.parametrize(("text", "code", "message"), MISTAKES)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, code: str, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        space_of(tmp_path, text, own=code)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).startswith("a.yaml: ")


def test_two_modules_do_not_share_a_name(tmp_path: Path) -> None:
    with pytest.raises(
        SpaceError, match=r'own_other: the name "crossed" is taken by own; choose another'
    ):
        space_of(tmp_path, "plugins: [own, own_other]", own=GOOD, own_other=GOOD)


@pytest.mark.parametrize("name", ["torch", "json", "mtlsearch"])
def test_a_module_is_not_named_as_one_that_there_is(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        SpaceError, match=rf'"{name}" is the name of another module already; rename .*{name}\.py'
    ):
        space_of(tmp_path, f"plugins: [{name}]", **{name: GOOD})
