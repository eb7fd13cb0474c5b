"""ResNet20 for small images, and torchvision's ResNet50 of any width."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import Bottleneck, ResNet


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
    """He et al.'s ResNet20: 269,722 parameters at width 16, 3 channels and 10 classes."""

    def __init__(self, channels: int = 3, classes: int = 10, width: int = 16):
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


def resnet50(channels: int = 3, classes: int = 1000, width: int = 64) -> ResNet:
    """torchvision's ResNet50, initialised as torchvision does: 25,557,032 parameters at width 64.

    Other widths scale every layer in proportion.
    """
    model = ResNet(Bottleneck, [3, 4, 6, 3], num_classes=classes)
    if (channels, width) == (3, 64):
        return model
    for name, module in list(model.named_modules()):
        parent = model.get_submodule(name.rpartition(".")[0])
        replacement = scaled(module, channels if name == "conv1" else None, width)
        if replacement is not None:
            setattr(parent, name.rpartition(".")[2], replacement)
    return model


def scaled(module: nn.Module, channels: int | None, width: int) -> nn.Module | None:
    """The layer with its widths multiplied by width / 64, freshly initialised; None where it has none."""
    match module:
        case nn.Conv2d():
            inputs = module.in_channels * width // 64 if channels is None else channels
            layer = nn.Conv2d(
                inputs,
                module.out_channels * width // 64,
                module.kernel_size,
                module.stride,
                module.padding,
                bias=False,
            )
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            return layer
        case nn.BatchNorm2d():
            return nn.BatchNorm2d(module.num_features * width // 64)
        case nn.Linear():
            return nn.Linear(module.in_features * width // 64, module.out_features)
    return None
