"""What every backbone must do.

Parametrised over the table: a new backbone is tested without an edit here.
"""

import dataclasses
import inspect
import json

import pytest
import torch

from mtlsearch.backbones import BACKBONES, Mlp, Residual
from mtlsearch.candidate import Candidate
from mtlsearch.inputs import (
    CodedColumn,
    ImageSchema,
    PictureColumn,
    SequenceSchema,
    TableSchema,
    TokenSchema,
    WordSchema,
)
from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.sharing import SHARINGS
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import WEIGHTINGS

OUTPUTS, ROWS = 3, 16
SCHEMAS = {
    TableSchema: [
        TableSchema(5),
        TableSchema(2, (CodedColumn(1, 9, 3), CodedColumn(4, 20, 2))),
        TableSchema(0, (), (PictureColumn(21, 4),)),
        TableSchema(2, (CodedColumn(1, 9, 3),), (PictureColumn(8, 4), PictureColumn(8, 3))),
    ],
    ImageSchema: [ImageSchema(1, 8, 8), ImageSchema(3, 9, 14), ImageSchema(2, 40, 33)],
    SequenceSchema: [SequenceSchema(1, 1), SequenceSchema(7, 2)],
    TokenSchema: [TokenSchema(1, 1), TokenSchema(7, 11)],
    WordSchema: [WordSchema(7, 11)],
}


@pytest.fixture(params=sorted(BACKBONES))
def kind(request):
    return BACKBONES[request.param]


def inputs(schema, rows=ROWS):
    """Inputs as the preparation makes them: sequences and texts of random lengths, with zeros
    beyond them.
    """
    draw = torch.Generator().manual_seed(1)
    example = NetworkInput.of(schema.example(rows), torch.device("cpu"))
    mask = example.mask
    if mask is not None:
        mask = torch.arange(mask.shape[1]) < torch.randint(
            1, mask.shape[1] + 1, (rows, 1), generator=draw
        )
    pictures = None
    if example.pictures is not None:
        pictures = torch.randn(example.pictures.shape, generator=draw)
    if example.categories is not None:
        shape = example.categories.shape
        if mask is not None:
            tokens = torch.randint(1, schema.vocabulary + 1, shape, generator=draw)
            return NetworkInput(categories=tokens * mask, mask=mask)
        smallest = min(column.vocabulary for column in schema.coded)
        codes = torch.randint(0, smallest + 1, shape, generator=draw)
        values = torch.randn(example.values.shape, generator=draw)
        return NetworkInput(values, codes, pictures=pictures)
    values = torch.randn(example.values.shape, generator=draw)
    if mask is not None:
        values = values * mask[..., None]
    return NetworkInput(values=values, mask=mask, pictures=pictures)


class Chain(torch.nn.Module):
    """Stem, stages and head of a backbone, called as a network calls them."""

    def __init__(self, backbone, modules):
        super().__init__()
        self.backbone = backbone
        self.chain = torch.nn.ModuleList(modules)

    def forward(self, inputs):
        stem, *others = self.chain
        h = stem(*self.backbone.stem_arguments(inputs))
        for module in others:
            h = module(*self.backbone.arguments(h, inputs.mask))
        return h


def chain(backbone, schema, levels=2, head=True):
    torch.manual_seed(0)
    stages = [backbone.stage(level) for level in range(levels)]
    heads = [backbone.head(OUTPUTS, levels)] if head else []
    return Chain(backbone, [backbone.embedded_stem(schema), *stages, *heads])


def output_shape(backbone):
    """Of a network; of an ensemble with an axis for its members."""
    members = getattr(backbone, "members", None)
    return (ROWS, OUTPUTS) if members is None else (ROWS, members, OUTPUTS)


@pytest.fixture(params=[8, 24, 64])
def backbone(kind, request):
    return (
        kind(width=request.param)
        if "width" in {field.name for field in dataclasses.fields(kind)}
        else kind()
    )


@pytest.fixture
def taken(backbone):
    """Every kind and size of input that the backbone takes."""
    return [schema for kind in backbone.takes for schema in SCHEMAS[kind]]


def test_it_takes_known_schemas(kind):
    assert set(kind.takes) <= set(SCHEMAS)
    assert kind.takes


def test_defaults_and_frozen(kind):
    assert kind() == kind()
    assert hash(kind()) == hash(kind())
    assert kind.__dataclass_params__.frozen


def test_shapes(backbone, taken):
    for schema in taken:
        x = inputs(schema)
        before = chain(backbone, schema, 0, head=False)(x)
        after = chain(backbone, schema, 1, head=False)(x)
        assert before.shape[0] == ROWS
        assert after.shape[0] == ROWS
        assert after.dim() == before.dim()
        assert chain(backbone, schema)(x).shape == output_shape(backbone)


def test_the_features_are_where_the_backbone_says(backbone, taken):
    """All inputs that it takes become the same number of features, on however many positions."""
    widths = set()
    for schema in taken:
        h = chain(backbone, schema, 1, head=False)(inputs(schema))
        assert -h.dim() < backbone.feature_axis < 0
        widths.add(h.shape[backbone.feature_axis])
    assert len(widths) == 1


@pytest.mark.parametrize("levels", [1, 2, 9])
def test_any_number_of_levels(backbone, taken, levels):
    for schema in taken:
        outputs = chain(backbone, schema, levels)(inputs(schema))
        assert outputs.shape == output_shape(backbone)
        assert outputs.isfinite().all()


def test_gradients_reach_every_parameter(backbone):
    for schema in (SCHEMAS[kind][-1] for kind in backbone.takes):
        network = chain(backbone, schema).train()
        network(inputs(schema)).square().sum().backward()
        assert [
            name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()
        ] == []


def test_each_call_makes_new_modules_of_one_shape(backbone):
    first, second = backbone.stage(0), backbone.stage(0)
    assert first is not second
    assert {n: p.shape for n, p in first.named_parameters()} == {
        n: p.shape for n, p in second.named_parameters()
    }
    assert not {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()}


def test_evaluation_is_deterministic(backbone, taken):
    for schema in taken:
        network = chain(backbone, schema).eval()
        x = inputs(schema)
        assert torch.equal(network(x), network(x))


def test_rows_do_not_influence_each_other_in_evaluation(backbone, taken):
    for schema in taken:
        network = chain(backbone, schema).eval()
        x = inputs(schema)
        torch.testing.assert_close(network(x)[:3], network(x.take(slice(3))))


def masked(taken):
    return [schema for schema in taken if inputs(schema).mask is not None]


def test_what_lies_beyond_the_end_of_a_sequence_or_text_changes_nothing(backbone, taken):
    for schema in masked(taken):
        network = chain(backbone, schema).eval()
        x = inputs(schema)
        longer = x.map(lambda tensor: torch.cat([tensor, torch.zeros_like(tensor)], 1))
        torch.testing.assert_close(network(longer), network(x))


def test_absent_positions_stay_0(backbone, taken):
    """So that soft sharing, which adds multiples of features to each other, leaves them so."""
    for schema in masked(taken) if backbone.masked else ():
        x = inputs(schema)
        for levels in range(3):
            h = chain(backbone, schema, levels, head=False)(x)
            assert h.shape[:2] == x.mask.shape
            assert not h[~x.mask].any()


def test_modules_of_our_own_keep_their_children_under_the_arguments_name(backbone, taken):
    modules = [module for schema in taken for module in chain(backbone, schema).chain]
    for module in modules:
        for own in module.modules():
            if not type(own).__module__.startswith("torch.nn"):
                arguments = {
                    name: getattr(own, name) for name in inspect.signature(type(own)).parameters
                }
                children = [
                    name for name, value in arguments.items() if isinstance(value, torch.nn.Module)
                ]
                assert children == [name for name, _ in own.named_children()]


def test_json_round_trip(backbone):
    candidate = Candidate(
        SharingTree.shared(2, 2), backbone, SHARINGS["none"](), WEIGHTINGS["fixed"]()
    )
    assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate


@pytest.mark.parametrize("kind", [Mlp, Residual])
def test_the_sizes_of_vectors_can_be_searched(kind):
    codes = (CodedColumn(1, 9, 3), CodedColumn(4, 20, 2))
    schema = TableSchema(2, codes, (PictureColumn(8, 5),))
    sizes = {}
    for factor in (0.1, 1.0, 2.0):
        stem = kind(embedding_factor=factor).embedded_stem(schema)
        of_codes = [embedding.embedding_dim for embedding in stem.stem.embeddings]
        of_pictures = [encoder.linear.out_features for encoder in stem.encoders]
        sizes[factor] = of_codes + of_pictures
    assert sizes == {0.1: [1, 1, 1], 1.0: [3, 2, 5], 2.0: [6, 4, 10]}
