"""What every reading of numbers must do: the reference's values, in both engines and exported.

Parametrised over the tables of readings and of scalings.
"""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import rtdl_num_embeddings
import torch
from sklearn.preprocessing import QuantileTransformer, RobustScaler
from torch import nn

from mtlsearch.backbones import BACKBONES, Mlp
from mtlsearch.backbones.numbers import NUMBERS, Periodic, Plain, TrainingNumbers
from mtlsearch.backbones.numbers.scaling import SCALINGS
from mtlsearch.candidate import Candidate, TrainingSettings
from mtlsearch.columns import RawTable
from mtlsearch.data import Card, load
from mtlsearch.data.assembly import assemble
from mtlsearch.data.card import SourceCard, TaskCard
from mtlsearch.export.folder import export_model
from mtlsearch.export.readme import ModelCard
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.initializations import Pretrained
from mtlsearch.inputs import CodedColumn, PictureColumn, TableSchema
from mtlsearch.records import TrainingJob
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.costs import count_parameters
from mtlsearch.training.dropout import seed_dropouts
from mtlsearch.training.engine import Engine
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.stacked.stacking import Vmapped, stack
from mtlsearch.training.training_data import TrainingData
from mtlsearch.training.weights import load_model
from tests.support.exported import run_in_process
from tests.support.replicates import confirmed, searched

ROWS = 48
SHORT = TrainingSettings(epochs=2, batch_size=48, patience=2)
READINGS = {
    **{
        f"{name}, {scaling}": kind(scaling)
        for name, kind in NUMBERS.items()
        for scaling in SCALINGS
    },
    "periodic, lite": Periodic(lite=True),
}
CHANGING = {name: reading for name, reading in READINGS.items() if reading.changes}
TREE = SharingTree.decode([0, 0], [1, 0], 2)


@pytest.fixture(params=CHANGING)
def reading(request):
    return CHANGING[request.param]


@pytest.fixture(scope="module")
def penguins():
    return TrainingData(load("penguins"), 0, torch.device("cpu"))


def trained_on(columns):
    """The numbers of training rows, which are all rows."""
    values = np.column_stack(columns).astype(np.float32)
    return TrainingNumbers.of(values, np.arange(len(values)), range(values.shape[1]))


def drawn(rows=500):
    """Columns of many forms: normal, skewed, with heavy tails, whole, of one value, nearly so."""
    draw = np.random.default_rng(0)
    nearly_constant = np.zeros(rows)
    nearly_constant[:3] = [5.0, 2.0, -3.0]
    return [
        draw.normal(size=rows),
        draw.lognormal(size=rows),
        draw.standard_t(2, size=rows),
        draw.permutation(rows) % 7.0,
        np.full(rows, 3.0),
        nearly_constant,
    ]


def test_robust_scaling_is_that_of_the_reference():
    numbers = trained_on(drawn())
    x = numbers.read()
    found = SCALINGS["robust"](numbers)(torch.from_numpy(x)).numpy()
    scaled = RobustScaler().fit_transform(x[:, :4])
    # RealMLP: where the quartiles are one value, twice the inverse of the range; a constant is 0.
    scaled = np.column_stack([scaled, np.zeros(len(x)), x[:, 5] * 2 / 8.0])
    clipped = scaled / np.sqrt(1 + (scaled / 3) ** 2)
    np.testing.assert_allclose(found, clipped, rtol=1e-4, atol=1e-5)
    far = torch.full((1, 6), 1e6)
    assert SCALINGS["robust"](numbers)(far).max() <= 3.0


def test_quantiles_are_those_of_scikit_learn():
    numbers = trained_on(drawn())
    x = numbers.read()
    found = SCALINGS["quantile"](numbers)(torch.from_numpy(x)).numpy()
    sklearn = QuantileTransformer(n_quantiles=len(x), output_distribution="normal").fit(x)
    expected = sklearn.transform(x)
    np.testing.assert_allclose(found[:, :3], expected[:, :3], atol=0.05)
    inner = (x[:, 3] > 0) & (x[:, 3] < 6)
    np.testing.assert_allclose(found[inner, 3], expected[inner, 3], atol=0.05)
    new = np.column_stack(drawn(400)).astype(np.float32)[:, :3] * 1.1
    new = np.column_stack([new, np.zeros((400, 3))]).astype(np.float32)
    of_new_rows = SCALINGS["quantile"](numbers)(torch.from_numpy(new)).numpy()
    np.testing.assert_allclose(of_new_rows[:, :3], sklearn.transform(new)[:, :3], atol=0.1)


def test_values_that_many_rows_have_are_the_middle_of_their_ranks():
    """The least and the largest too, which scikit-learn puts at the end of the scale."""
    half_zero = np.array([0.0] * 50 + [1.0] * 25 + [2.0] * 25)
    scaling = SCALINGS["quantile"](trained_on([half_zero]))
    found = scaling(torch.tensor([[0.0], [1.0], [2.0], [9.0]])).flatten()
    shares = torch.tensor([24.5, 62.0, 87.0, 87.0], dtype=torch.float64) / 99
    np.testing.assert_allclose(found, torch.special.ndtri(shares), atol=0.02)


def test_a_constant_is_0_whatever_comes():
    x = torch.tensor([[3.0], [-8.0], [1e9]])
    for scaling in ("robust", "quantile"):
        made = SCALINGS[scaling](trained_on([np.full(20, 3.0)]))
        assert not made(x).any()


@pytest.mark.parametrize("lite", [False, True])
def test_periodic_vectors_are_those_of_the_reference(lite):
    ours = Periodic(frequencies=5, width=4, lite=lite).vectors(3)
    reference = rtdl_num_embeddings.PeriodicEmbeddings(
        3, 4, n_frequencies=5, frequency_init_scale=0.1, lite=lite
    )
    for parameter, other in zip(ours.parameters(), reference.parameters(), strict=True):
        assert parameter.shape == other.shape
        parameter.data.copy_(other)
    x = torch.randn(ROWS, 3)
    torch.testing.assert_close(ours(x), reference(x).flatten(1))


def test_frequencies_begin_as_in_the_reference():
    torch.manual_seed(0)
    ours = Periodic(frequencies=1000, sigma=0.5).vectors(2).waves.weight
    reference = rtdl_num_embeddings.PeriodicEmbeddings(
        2, n_frequencies=1000, frequency_init_scale=0.5, lite=False
    ).periodic.weight
    torch.testing.assert_close(ours.std(), reference.std(), rtol=0.1, atol=0.0)
    assert ours.abs().max() <= 1.5


def test_nothing_is_put_before_the_stem_unless_asked(penguins):
    signature = penguins.signature(searched(0))
    for numbers, stem in ((Plain(), nn.Sequential), (Plain("robust"), None)):
        candidate = Candidate(SharingTree.shared(3, 1), Mlp(width=8), numbers=numbers)
        network = Network(candidate.composition().components[0], signature, 1)
        assert (type(network.stems[0]) is stem) == (stem is not None)


def test_only_numbers_on_a_scale_change():
    """Neither indicators, categories, booleans, columns of two numbers, nor parts of a circle."""
    draw = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "number": draw.normal(size=80),
            "with gaps": np.where(np.arange(80) % 9 == 0, np.nan, draw.normal(size=80)),
            "two": draw.permutation(80) % 2 * 7.5,
            "truth": draw.permutation(80) % 2 == 0,
            "colour": draw.choice(["red", "green", "blue"], 80),
            "day": pd.date_range("2024-01-01", periods=80).strftime("%Y-%m-%d"),
            "y": draw.normal(size=80),
            "z": draw.normal(size=80),
        }
    )
    card = Card(
        name="t",
        sources={"t": SourceCard(path="t")},
        tasks={"y": TaskCard(), "z": TaskCard()},
    )
    dataset = assemble(card.checked("t"), {"t": RawTable(table)}, "t")
    data = TrainingData(dataset, 0, torch.device("cpu"))
    signature = data.signature(searched(0))
    schema = signature.schemas["t"]
    names = ["number", "gaps", "missing", "two", "truth", *["colour"] * 3, "elapsed", "year"]
    changing = {names[place] for place in schema.numbers}
    assert changing == {"number", "gaps", "elapsed", "year"}

    values = data.fold(searched(0)).inputs["t"].values
    seen = Plain("quantile").before(nn.Identity(), schema, signature.numbers["t"])(values)
    rest = [place for place in range(schema.features) if place not in schema.numbers]
    assert torch.equal(seen[:, len(schema.numbers) :], values[:, rest])
    assert not torch.allclose(seen[:, 0], values[:, 0], atol=0.01)


TABLES = sorted(name for name, kind in BACKBONES.items() if TableSchema in kind.takes)


@pytest.mark.parametrize("backbone", TABLES)
def test_any_backbone_takes_it_and_modules_are_stacked_to_the_last_bit(backbone, reading):
    """Beside codes and pictures, module by module; each depends on nobody stacked beside it."""
    codes = (CodedColumn(1, 9, 3),)
    schema = TableSchema(5, codes, (PictureColumn(8, 4),), numbers=(0, 2, 3))
    values = torch.randn(3, ROWS, 5)
    categories = torch.randint(0, 10, (3, ROWS, 1))
    pictures = torch.randn(3, ROWS, 3, 8, 8)
    stems = []
    for number in range(3):
        rows = values[number].numpy() * (1 + number)
        training = TrainingNumbers.of(rows, np.arange(ROWS), schema.numbers)
        stem = BACKBONES[backbone](width=8).embedded_stem(reading.schema_for_stem(schema))
        whole = reading.before(stem, schema, training)
        stems.append(seed_dropouts(whole, number).eval())
    together = stack(stems).eval()
    assert not any(isinstance(module, Vmapped) for module in together.modules())
    outputs = together(values, categories, pictures)
    for number, stem in enumerate(stems):
        inputs = (values[number], categories[number], pictures[number])
        alone = stack([stem]).eval()(*(x[None] for x in inputs))[0]
        assert torch.equal(outputs[number], alone)
        torch.testing.assert_close(outputs[number], stem(*inputs), rtol=1e-5, atol=1e-5)


def candidates(reading):
    """Some with vectors that begin otherwise, where they may."""
    others = [reading]
    if isinstance(reading, Periodic):
        others.append(dataclasses.replace(reading, sigma=0.5))
    trees = (TREE, SharingTree.shared(3, 2))
    return [
        Candidate(tree, Mlp(width=8, dropout=0.1), numbers=numbers)
        for tree in trees
        for numbers in others
    ]


def jobs(reading):
    made = []
    for candidate in candidates(reading):
        number = len(made)
        made.append(TrainingJob(number, candidate.composition(), confirmed(number % 2), 0))
    return made


def results(data, engine, trainings):
    found = [result for result in Engine(data, SHORT, engine).train(trainings) if result]
    assert not any(result.failure for result in found)
    return sorted(found, key=lambda result: result.number)


def test_both_engines_agree_and_no_bit_depends_on_the_company(penguins, reading):
    trainings = jobs(reading)
    forest = results(penguins, "forest", trainings)
    for found, expected in zip(forest, results(penguins, "serial", trainings), strict=True):
        assert found.parameters == expected.parameters
        assert found.macs_per_example == expected.macs_per_example
        for task, values in expected.predictions.items():
            np.testing.assert_allclose(found.predictions[task], values, rtol=1e-3, atol=1e-4)
    others = jobs(Plain())
    mixed = [dataclasses.replace(job, number=job.number + len(trainings)) for job in others]
    [alone] = results(penguins, "forest", trainings[-1:])
    together = results(penguins, "forest", [*trainings, *mixed])[len(trainings) - 1]
    assert together.weights == alone.weights == forest[-1].weights


def test_the_weights_of_a_trained_model_hold_its_constants(penguins, reading):
    """So that it predicts the same wherever it is loaded: on another fold's data as well."""
    job = jobs(reading)[0]
    [result] = results(penguins, "forest", [job])
    model = load_model(job, penguins, result.weights)
    elsewhere = load_model(
        dataclasses.replace(job, replicate=confirmed(7)), penguins, result.weights
    )
    inputs = penguins.fold(confirmed(0)).inputs
    for task, output in model.eval()(inputs).items():
        assert torch.equal(output, elsewhere.eval()(inputs)[task])


def test_what_is_pretrained_reads_numbers_alike(penguins, reading):
    candidate = dataclasses.replace(
        candidates(reading)[0], initialization=Pretrained(tasks="all", pretraining=0.5)
    )
    job = TrainingJob(0, candidate.composition(), searched(0), 0)
    [forest] = results(penguins, "forest", [job])
    [serial] = results(penguins, "serial", [job])
    assert forest.scores == pytest.approx(serial.scores, rel=1e-3, abs=1e-3)


def exported(data, reading, folder, formats):
    composition = candidates(reading)[0].composition()
    networks = [Network(part, data.signature(searched(0)), 7) for part in composition]
    model = TrainedModel(CompositionNetwork(composition, networks).eval(), data, searched(0))
    return export_model([model], folder, ModelCard(), formats, run_in_process)


def test_exported_code_predicts_the_same(penguins, reading, tmp_path):
    assert exported(penguins, reading, tmp_path / "model", ("code",)) <= 1e-6
    code = (tmp_path / "model" / "model.py").read_text("utf-8")
    assert "mtlsearch" not in code


@pytest.mark.slow  # takes seconds, and needs the packages of mtlsearch[onnx]
def test_further_formats(penguins, reading, tmp_path):
    formats = ("code", "torch-export", "onnx")
    assert exported(penguins, reading, tmp_path / "model", formats) <= 1e-6


def test_constants_are_no_trained_weights(penguins):
    signature = penguins.signature(searched(0))
    counts = set()
    for scaling in SCALINGS:
        candidate = Candidate(SharingTree.shared(3, 1), Mlp(width=8), numbers=Plain(scaling))
        [component] = candidate.composition()
        counts.add(count_parameters(Network(component, signature, 1)))
    assert len(counts) == 1
