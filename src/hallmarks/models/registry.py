"""Every model by its name in the configuration: `MODELS[name](channels, classes, width)`."""

from collections.abc import Callable

from torch import nn

from hallmarks.models.resnet import ResNet20, resnet50
from hallmarks.models.vgg import VGG16

MODELS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "resnet20": ResNet20,
    "resnet50": resnet50,
    "vgg16": VGG16,
}
