"""Which space is searched for which inputs, and what happens where they do not fit."""

from pathlib import Path

import numpy as np
import pytest

from mtlsearch.errors import SpaceError
from mtlsearch.search.batch_sizes import batch_size_notices
from mtlsearch.search.study_loading import load_problem
from mtlsearch.space import SearchSpace

TASKS = ["y", "z"]


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "a.npz",
        x=rng.normal(size=(40, 1, 8, 8)),
        y=rng.normal(size=40),
        z=rng.choice(["a", "b"], 40),
    )
    return str(tmp_path / "a.npz")


def test_a_table_gets_the_default_space_and_other_inputs_their_own(images):
    assert {
        option.name for option in load_problem(None, [], None, None)[1].options["backbone"]
    } == {"mlp", "residual", "tabm"}
    assert [
        option.name for option in load_problem(images, TASKS, None, 3)[1].options["backbone"]
    ] == ["conv"]


@pytest.mark.parametrize(
    ("given", "space", "message"),
    [
        (
            None,
            "quick",
            'quick: backbone.name: "mlp" takes table, but source data holds images. '
            "Known for images: conv",
        ),
        (
            ("penguins", []),
            "images",
            'images: backbone.name: "conv" takes images, but source penguins holds table.',
        ),
    ],
)
def test_a_backbone_that_does_not_take_the_input_is_refused_before_anything_is_trained(
    images, given, space, message
):
    data, tasks = given or (images, TASKS)
    with pytest.raises(SpaceError) as caught:
        load_problem(data, tasks, space, None)
    assert str(caught.value).startswith(message)


def test_a_backbone_that_cannot_be_made_begins_no_study(tmp_path, monkeypatch):
    code = (Path(__file__).parents[2] / "examples" / "my_backbone.py").read_text("utf-8")
    wrong = code.replace(
        "first, second = nn.Linear(", "first, second = nn.Linear(3 // (self.width - 8) or "
    )
    (tmp_path / "own_wrong.py").write_text(wrong, "utf-8")
    (tmp_path / "own.yaml").write_text(
        "backbone: {name: own_wrong:Crossed, width: {choice: [16, 8]}}", "utf-8"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpaceError) as caught:
        load_problem("penguins", [], "own.yaml", None)
    words = (
        "own.yaml: backbone own_wrong:Crossed cannot be made with "
        "{'width': 8, 'dropout': 0.0}: ZeroDivisionError: "
    )
    assert str(caught.value).startswith(words)


def test_a_backbone_is_made_without_its_numbers(tmp_path):
    """Tens of gigabytes otherwise."""
    (tmp_path / "large.yaml").write_text("backbone: {name: mlp, width: 65536}")
    [option] = load_problem("penguins", [], str(tmp_path / "large.yaml"), None)[1].options[
        "backbone"
    ]
    assert [settings["width"] for settings in option.examples()] == [65536]


def test_a_backbone_may_read_numbers_that_it_computes(tmp_path, monkeypatch):
    code = (Path(__file__).parents[2] / "examples" / "my_backbone.py").read_text("utf-8")
    reading = code.replace(
        "nn.Dropout(self.dropout)", "nn.Dropout(torch.linspace(0, self.dropout, 2)[1].item())"
    )
    (tmp_path / "own_reading.py").write_text(
        reading.replace("from torch import", "import torch\nfrom torch import"), "utf-8"
    )
    (tmp_path / "own.yaml").write_text(
        "backbone: {name: own_reading:Crossed, dropout: 0.5}", "utf-8"
    )
    monkeypatch.chdir(tmp_path)
    assert (
        load_problem("penguins", [], "own.yaml", None)[1].options["backbone"][0].name
        == "own_reading:Crossed"
    )


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        ("tecator", "sampling: balanced", "sampling: found balanced, but no task has classes"),
        ("tecator", "sampling: {choice: [none, balanced]}", "sampling: found balanced, but no"),
        ("iris+breast_cancer", "sampling_temperature: 5", "sampling_temperature: found 5, but the"),
        ("tecator", "sampling_temperature: {range: [1, 2]}", "sampling_temperature: found 2, but"),
        ("iris+breast_cancer", "sampling: balanced", None),
        ("penguins", "sampling: balanced, sampling_temperature: {log: [1.0, 9.0]}", None),
        ("tecator", "sampling: none, sampling_temperature: 1", None),
    ],
)
def test_a_sampling_that_never_evens_out_anything_is_refused(tmp_path, data, settings, message):
    space = tmp_path / "own.yaml"
    space.write_text(f"optimizer: {{{settings}}}\n")
    if message is None:
        assert load_problem(data, [], str(space), None)[1].tree.levels == 4
        return
    with pytest.raises(SpaceError) as caught:
        load_problem(data, [], str(space), None)
    assert f"own.yaml: optimizer.{message}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sharing", "message"),
    [
        (
            "{name: pull, first_level: 3}",
            "l2_sharing ties none of the 2 levels with strength 0.01, first_level 3, "
            "last_level None",
        ),
        (
            "{name: gate, private: true}",
            "gate ties none of the 2 levels with strength 0.5, first_level 1, last_level None",
        ),
        (
            "{choice: [{name: none}, {name: sluice, first_level: 2, last_level: 1}]}",
            "sluice ties none of the 2 levels",
        ),
        ("{name: gate, private: true, experts: {choice: [0, 1]}}", None),
        ("{name: pull, strength: {choice: [0, 0.1]}, first_level: {choice: [9, 1]}}", None),
        ("{name: none}", None),
    ],
)
def test_a_soft_sharing_that_never_ties_anything_is_refused(tmp_path, sharing, message):
    space = tmp_path / "own.yaml"
    space.write_text(f"tree: {{levels: 2}}\nsharing: {sharing}\n")
    if message is None:
        assert load_problem("penguins", [], str(space), None)[1].tree.levels == 2
        return
    with pytest.raises(SpaceError) as caught:
        load_problem("penguins", [], str(space), None)
    assert f"own.yaml: sharing: {message}" in str(caught.value)


def test_all_epochs_are_averaged_where_there_are_fewer_than_asked_for(tmp_path):
    space = tmp_path / "averaged.yaml"
    space.write_text("training: {averaged_epochs: 10}")
    for epochs in (10, 9):
        _, loaded = load_problem(None, [], str(space), epochs)
        assert (loaded.training.epochs, loaded.training.averaged_epochs) == (epochs, 10)


def test_a_reading_of_numbers_is_refused_where_there_is_no_table(images, tmp_path):
    space = tmp_path / "robust.yaml"
    space.write_text("{numbers: {name: plain, scaling: robust}, backbone: {name: conv}}")
    with pytest.raises(SpaceError) as caught:
        load_problem(images, TASKS, str(space), None)
    assert str(caught.value) == (
        f"{space}: numbers: it says how numbers of tables are read, but no source is a table; "
        "leave it out"
    )
    space.write_text("{numbers: {name: plain}, backbone: {name: conv}}")
    load_problem(images, TASKS, str(space), None)


@pytest.mark.parametrize(("cells", "notices"), [("01", 1), ("012", 0)])
def test_a_table_without_numbers_on_a_scale_has_a_notice(tmp_path, cells, notices):
    table = tmp_path / "t.csv"
    lines = ["a,colour,y,z"]
    for row in range(60):
        lines.append(f"{cells[row % len(cells)]},{'rgb'[row // 20]},{row % 7}.5,{row % 5}.5")
    table.write_text("\n".join(lines))
    space = tmp_path / "robust.yaml"
    space.write_text("numbers: {name: plain, scaling: robust}")
    dataset, _ = load_problem(str(table), TASKS, str(space), None)
    found = [notice for notice in dataset.notices if "more than two numbers" in notice]
    assert len(found) == notices


def test_what_an_automatic_batch_size_comes_to_is_said():
    dataset, plain = load_problem("penguins", [], "quick", None)
    assert batch_size_notices(dataset, plain, 0) == []
    for mapping in (
        {"training": {"batch_size": "auto"}},
        {"optimizer": {"batch_size": {"choice": [64, "auto"]}}},
    ):
        space = SearchSpace.from_mapping(mapping, 3)
        [notice] = batch_size_notices(dataset, space, 0)
        assert notice.startswith("batch size auto: 32 rows a step for 239 training rows; another")
