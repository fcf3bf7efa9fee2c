"""ResNet-18 is the paper's network, and its pooling stem, which small images do not have, is
stacked as well.
"""

import pytest
import torch
from torch import nn

from mtlsearch.backbones import ResNet18
from mtlsearch.inputs import ImageSchema
from mtlsearch.training.stacked.stacking import stack


def test_four_levels_are_the_network_of_the_paper() -> None:
    """Which has 11 689 512 parameters, 513 000 of them in its head of 1000 classes (as counted by
    torchvision).
    """
    with torch.device("meta"):
        backbone, photos = ResNet18(), torch.empty(2, 3, 224, 224)
        trunk = nn.Sequential(
            backbone.stem(ImageSchema(3, 224, 224)), *map(backbone.stage, range(4))
        )
        assert trunk(photos).shape == (2, 512, 7, 7)
        assert sum(p.numel() for p in trunk.parameters()) == 11_689_512 - 513_000
        assert sum(p.numel() for p in backbone.head(1000, 4).parameters()) == 513_000


@pytest.mark.parametrize(
    ("side", "stem", "last"), [(8, 8, 1), (31, 31, 4), (32, 16, 2), (63, 32, 4), (64, 16, 2)]
)
def test_small_images_are_not_pooled_away(side: int, stem: int, last: int) -> None:
    backbone = ResNet18(width=8)
    h = backbone.stem(ImageSchema(1, side, side))(torch.randn(2, 1, side, side))
    assert h.shape == (2, 8, stem, stem)
    assert nn.Sequential(*map(backbone.stage, range(4)))(h).shape == (2, 64, last, last)


def test_the_stem_that_pools_is_stacked_to_the_last_bit() -> None:
    torch.manual_seed(0)
    stems = [ResNet18(width=8).stem(ImageSchema(2, 64, 70)) for _ in range(3)]
    x = torch.randn(3, 4, 2, 64, 70)
    together = stack(stems)(x)
    for stem, own, found in zip(stems, x, together, strict=True):
        assert torch.equal(found, stack([stem])(own[None])[0])
        torch.testing.assert_close(found, stem(own))
