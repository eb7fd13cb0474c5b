"""ResNet20 for small images, and torchvision's ResNet50 of any width."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import Bottleneck, ResNet

SMALL = 64  # pixels: below this ResNet50's stem keeps the images' size


class Block(nn.Module):
    """Two 3×3 convolutions and a shortcut without parameters: strided, the new channels zero.

    This shortcut gives ResNet20 the 1,376 BatchNorm scalars that the paper counts; one by 1×1 convolutions
    would have 1,568.
    """

    def __init__(self, channels: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride = stride
        self.added = width - channels

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        return F.relu(out + F.pad(shortcut, (0, 0, 0, 0, 0, self.added)))


class ResNet20(nn.Module):
    """He et al.'s ResNet20: 269,722 parameters at width 16, 3 channels and 10 classes; images of any size."""

    def __init__(self, channels: int = 3, classes: int = 10, width: int = 16, size: int = 32):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        blocks, before = [], width
        for stage in range(3):
            for block in range(3):
                after = width * 2**stage
                blocks.append(Block(before, after, stride=2 if stage and not block else 1))
                before = after
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(before, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        features = self.blocks(F.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(features, 1), 1))


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
