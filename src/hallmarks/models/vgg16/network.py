"""VGG16 with BatchNorm and one linear layer, for images of 32×32 and smaller."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STAGES = [2, 2, 3, 3, 3]


class VGG16(nn.Module):
    """14,728,266 parameters at width 64, 3 channels and 10 classes; initialised as torchvision does."""

    def __init__(self, channels: int = 3, classes: int = 10, width: int = 64, size: int = 32):
        super().__init__()
        layers, before = [], channels
        for stage, convolutions in enumerate(STAGES):
            after = width * min(2**stage, 8)
            for _ in range(convolutions):
                layers += [
                    nn.Conv2d(before, after, 3, padding=1),
                    nn.BatchNorm2d(after),
                    nn.ReLU(inplace=True),
                ]
                before = after
            # Rounded up, so that an image below 32×32 never shrinks to nothing.
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(before, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.classifier.weight, 0, 0.01)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(self.features(x), 1), 1))
