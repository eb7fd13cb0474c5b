"""torchvision's ResNet50 of any width, and for small images."""

import torch
from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet

SMALL = 64  # pixels: below this the stem keeps the images' size


def resnet50(channels: int = 3, classes: int = 1000, width: int = 64, size: int = 224) -> ResNet:
    """torchvision's ResNet50, initialised as torchvision does: 25,557,032 parameters at width 64.

    Other widths scale every layer in proportion. For images below 64×64 the stem is a 3×3 convolution
    without stride or pooling, so that the last stage still sees more than one pixel.
    """
    if (channels, width) == (3, 64) and size >= SMALL:
        return ResNet(Bottleneck, [3, 4, 6, 3], num_classes=classes)
    with torch.device("meta"):  # a skeleton without memory: each of its layers is replaced
        model = ResNet(Bottleneck, [3, 4, 6, 3], num_classes=classes)
    for name, module in list(model.named_modules()):
        match module:
            case nn.Conv2d() if name != "conv1":
                layer = scaled_convolution(module, width)
            case nn.BatchNorm2d():
                layer = nn.BatchNorm2d(module.num_features * width // 64)
            case nn.Linear():
                layer = nn.Linear(module.in_features * width // 64, classes)
            case _:
                continue
        model.set_submodule(name, layer)
    kernel, stride = (3, 1) if size < SMALL else (7, 2)
    model.conv1 = convolution(channels, width, kernel, stride)
    if size < SMALL:
        model.maxpool = nn.Identity()
    return model


def scaled_convolution(layer: nn.Conv2d, width: int) -> nn.Conv2d:
    """The convolution with its channels multiplied by width / 64, freshly initialised."""
    inputs, outputs = (channels * width // 64 for channels in (layer.in_channels, layer.out_channels))
    return convolution(inputs, outputs, layer.kernel_size[0], layer.stride[0])


def convolution(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Conv2d:
    """A convolution as torchvision's ResNet makes and initialises it."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
