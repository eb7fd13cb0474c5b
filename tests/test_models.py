"""Sizes that the paper (or torchvision) states, and every model on small images."""

import pytest
import torch
from torch import nn

from hallmarks.data.shape import ImageShape
from hallmarks.models import initialised
from hallmarks.origins.trained import MODELS
from hallmarks.training.kinds import parameter_kinds


def build(name: str, channels: int, classes: int, width: int, size: int = 224) -> nn.Module:
    return settings(name, width).build(ImageShape(channels, classes, size))


def settings(name: str, width: int):
    return MODELS[name].Settings(width=width)


@pytest.mark.parametrize(
    ("name", "classes", "width", "parameters"),
    [("resnet20", 10, 16, 269_722), ("vgg16", 10, 64, 14_728_266), ("resnet50", 1000, 64, 25_557_032)],
)
def test_parameters(name, classes, width, parameters):
    assert sum(p.numel() for p in build(name, 3, classes, width).parameters()) == parameters


def test_batchnorm_scalars_of_resnet20():
    modules = build("resnet20", 3, 10, 16).modules()
    norms = [module for module in modules if isinstance(module, nn.BatchNorm2d)]
    assert sum(p.numel() for norm in norms for p in norm.parameters()) == 1_376


def test_resnet50_of_another_width_has_its_shapes_in_proportion():
    wide, narrow = build("resnet50", 3, 10, 64), build("resnet50", 1, 10, 16)
    shapes = {name: p.shape for name, p in narrow.named_parameters()}
    for name, parameter in wide.named_parameters():
        assert parameter.shape[0] in {4 * shapes[name][0], 10}, name
    assert shapes["conv1.weight"] == (16, 1, 7, 7) and shapes["fc.weight"] == (10, 512)


@pytest.mark.parametrize("name", MODELS.names())
@pytest.mark.parametrize("size", [8, 14, 32])
def test_small_images_of_one_channel(name, size):
    model = build(name, 1, 10, 8)
    out = model(torch.randn(4, 1, size, size))
    assert out.shape == (4, 10)
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_small_images_keep_their_size_in_resnet50s_stem():
    small = build("resnet50", 1, 10, 8, 14)
    assert small.conv1.weight.shape == (8, 1, 3, 3)
    assert small.maxpool(small.conv1(torch.randn(2, 1, 14, 14))).shape == (2, 8, 14, 14)
    assert small(torch.randn(2, 1, 14, 14)).shape == (2, 10)


@pytest.mark.parametrize("name", MODELS.names())
def test_the_seed_alone_decides_the_initialisation(name):
    before = torch.random.get_rng_state()
    first, again, other = (
        initialised(settings(name, 8), ImageShape(1, 10, 14), seed).state_dict() for seed in (0, 0, 1)
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)
    assert not any(tensor.is_meta for tensor in first.values())


def test_kinds():
    kinds = parameter_kinds(build("vgg16", 3, 10, 8))
    assert kinds["features.0.weight"] == kinds["features.0.bias"] == "conv"
    assert kinds["features.1.weight"] == "norm" and kinds["classifier.bias"] == "linear"
    assert list(kinds) == [name for name, _ in build("vgg16", 3, 10, 8).named_parameters()]
    assert parameter_kinds(nn.Bilinear(2, 2, 2)) == {"weight": "other", "bias": "other"}


def test_a_model_is_as_wide_as_the_papers_where_no_width_is_said():
    assert {name: MODELS[name].Settings().width for name in MODELS.names()} == {
        "resnet20": 16,
        "resnet50": 64,
        "vgg16": 64,
    }
