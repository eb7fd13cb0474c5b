"""Sizes that the paper (or torchvision) states, and every model on small images."""

import json

import pytest
import torch
from torch import nn

from hallmarks import cli
from hallmarks.data.shape import ImageShape
from hallmarks.data.tokens import TokenShape
from hallmarks.models import initialised
from hallmarks.origins.trained import MODELS, inputs_of
from hallmarks.training.kinds import parameter_kinds
from hallmarks.training.size import size_of

# Of width 8, for images of 8×8.
SMALL = {"vit": {"patch": 2, "depth": 2, "heads": 2}, "gpt-neox": {"depth": 2, "head_size": 8}}
OF_IMAGES = [name for name in MODELS.names() if inputs_of(MODELS[name].Settings()) == "images"]


def build(name: str, channels: int, classes: int, width: int, size: int = 224) -> nn.Module:
    return settings(name, width).build(ImageShape(channels, classes, size))


def settings(name: str, width: int):
    return MODELS[name].Settings(width=width, **SMALL.get(name, {}) if width == 8 else {})


@pytest.mark.parametrize(
    ("name", "classes", "width", "parameters"),
    [
        ("resnet20", 10, 16, 269_722),
        ("vgg16", 10, 64, 14_728_266),
        ("resnet50", 1000, 64, 25_557_032),
        ("vit", 1000, 384, 22_050_664),  # ViT-S/16, published as 22.05 M
    ],
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


def test_every_model_takes_images_or_tokens():
    of_tokens = [name for name in MODELS.names() if inputs_of(MODELS[name].Settings()) == "tokens"]
    assert of_tokens == ["gpt-neox"] and {*OF_IMAGES, *of_tokens} == {*MODELS.names()}


@pytest.mark.parametrize("name", OF_IMAGES)
@pytest.mark.parametrize("size", [8, 14, 32])
def test_small_images_of_one_channel(name, size):
    model = build(name, 1, 10, 8, size)
    out = model(torch.randn(4, 1, size, size))
    assert out.shape == (4, 10)
    (out + 1).square().sum().backward()  # a vision transformer's scores begin at 0
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_small_images_keep_their_size_in_resnet50s_stem():
    small = build("resnet50", 1, 10, 8, 14)
    assert small.conv1.weight.shape == (8, 1, 3, 3)
    assert small.maxpool(small.conv1(torch.randn(2, 1, 14, 14))).shape == (2, 8, 14, 14)
    assert small(torch.randn(2, 1, 14, 14)).shape == (2, 10)


@pytest.mark.parametrize("name", MODELS.names())
def test_the_seed_alone_decides_the_initialisation(name):
    shape = ImageShape(1, 10, 14) if name in OF_IMAGES else TokenShape(vocabulary=10, length=14)
    before = torch.random.get_rng_state()
    first, again, other = (initialised(settings(name, 8), shape, seed).state_dict() for seed in (0, 0, 1))
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
        "gpt-neox": 128,  # Pythia 14M
        "resnet20": 16,
        "resnet50": 64,
        "vgg16": 64,
        "vit": 384,
    }


def test_kinds_of_a_vision_transformer():
    kinds = parameter_kinds(build("vit", 1, 10, 8, 14))
    layer = "encoder.layers.encoder_layer_0"
    assert kinds[f"{layer}.self_attention.in_proj_weight"] == "attention"
    assert kinds[f"{layer}.self_attention.in_proj_bias"] == "attention"
    assert kinds[f"{layer}.self_attention.out_proj.weight"] == kinds[f"{layer}.mlp.0.weight"] == "linear"
    assert kinds[f"{layer}.ln_1.weight"] == "norm" and kinds["conv_proj.weight"] == "conv"
    assert kinds["class_token"] == kinds["encoder.pos_embedding"] == "embedding"
    assert "other" not in kinds.values()


def test_patches_of_any_channels_are_initialised_as_torchvision_does():
    weights = {channels: build("vit", channels, 10, 384).conv_proj.weight for channels in (1, 3)}
    for channels, weight in weights.items():
        assert weight.shape == (384, channels, 16, 16)
        assert weight.std().item() == pytest.approx((channels * 16**2) ** -0.5, rel=0.02)


def test_the_flops_of_a_vision_transformer_are_those_of_its_products():
    tokens, d, depth = 197, 384, 12
    attention = 2 * tokens**2 * d  # scores, and what they weigh
    products = depth * (12 * d**2 * tokens + attention) + 1000 * d
    patches = 196 * d * 3 * 16**2  # whose inputs have no gradient
    size = size_of(MODELS["vit"].Settings(), ImageShape(3, 1000, 224))
    assert size.flops == pytest.approx(2 * (3 * products + 2 * patches), rel=1e-3)


def test_the_flops_of_a_language_model_are_those_of_its_products():
    vocabulary, tokens, d, depth = 50304, 2048, 128, 6  # Pythia 14M
    attention = 2 * tokens**2 * d  # scores, and what they weigh; all pairs are counted, causal or not
    products = depth * (12 * d**2 * tokens + attention) + vocabulary * d * tokens
    size = size_of(MODELS["gpt-neox"].Settings(), TokenShape(vocabulary, tokens))
    assert size.flops == pytest.approx(2 * 3 * products, rel=1e-3) and size.parameters == 14_067_712
    assert size.tensors == 76  # 12 a block, and the first embedding, the last norm and the last product


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"patch": 16},
            "model.patch: 16 pixels do not divide the image's side, 8 pixels; take one of 1, 2, 4",
        ),
        ({"heads": 5}, "model: heads: 5 heads do not divide the width, 384"),
    ],
)
def test_a_vision_transformer_that_does_not_fit_is_one_line(tmp_path, capsys, changes, line):
    task = {
        "data": {"name": "digits"},
        "model": {"name": "vit", "patch": 2} | changes,
        "recipe": {"optimizer": {"learning_rate": 0.1}, "batch_size": 32, "length": 1},
    }
    folders = ["--data", tmp_path / "data", "--scratch", tmp_path / "scratch", "-o", tmp_path / "run"]
    words = ["train", "t/default/seed0", "--settings", json.dumps(task), *map(str, folders)]
    assert cli.main(words) == 2
    told = capsys.readouterr().err
    assert line in told and told.count("\n") == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
