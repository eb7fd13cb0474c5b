"""Sizes that the paper (or torchvision) states, and every model on small images."""

import pytest
import torch
from torch import nn

from hallmarks.models import MODELS


@pytest.mark.parametrize(
    ("name", "classes", "width", "parameters"),
    [("resnet20", 10, 16, 269_722), ("vgg16", 10, 64, 14_728_266), ("resnet50", 1000, 64, 25_557_032)],
)
def test_parameters(name, classes, width, parameters):
    assert sum(p.numel() for p in MODELS[name](3, classes, width).parameters()) == parameters


def test_batchnorm_scalars_of_resnet20():
    modules = MODELS["resnet20"](3, 10, 16).modules()
    norms = [module for module in modules if isinstance(module, nn.BatchNorm2d)]
    assert sum(p.numel() for norm in norms for p in norm.parameters()) == 1_376


def test_resnet50_of_another_width_has_its_shapes_in_proportion():
    wide, narrow = MODELS["resnet50"](3, 10, 64), MODELS["resnet50"](1, 10, 16)
    shapes = {name: p.shape for name, p in narrow.named_parameters()}
    for name, parameter in wide.named_parameters():
        assert parameter.shape[0] in {4 * shapes[name][0], 10}, name
    assert shapes["conv1.weight"] == (16, 1, 7, 7) and shapes["fc.weight"] == (10, 512)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [8, 14, 32])
def test_small_images_of_one_channel(name, size):
    model = MODELS[name](1, 10, 8)
    out = model(torch.randn(4, 1, size, size))
    assert out.shape == (4, 10)
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
