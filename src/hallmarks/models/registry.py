"""Every model by its name in the configuration, and `build`, which makes one from a seed."""

from collections.abc import Callable

import torch
from torch import nn

from hallmarks.config.types import Model
from hallmarks.models.resnet import ResNet20, resnet50
from hallmarks.models.vgg import VGG16

MODELS: dict[str, Callable[..., nn.Module]] = {
    "resnet20": ResNet20,
    "resnet50": resnet50,
    "vgg16": VGG16,
}
"""`MODELS[name](channels, classes, width, size)`: for images of channels×size×size."""


def build(settings: Model, channels: int, classes: int, seed: int, size: int = 224) -> nn.Module:
    """The initialised model (θ_0, a function of the seed alone), channels-last, on the CPU.

    `size` is the images' side in pixels. The global random state stays as it was.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = MODELS[settings.name](channels, classes, settings.width, size)
    return model.to(memory_format=torch.channels_last)
