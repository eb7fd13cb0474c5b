"""torchvision's vision transformer, for images of any number of channels."""

import math

from torch import nn
from torchvision.models.vision_transformer import VisionTransformer


def vit(
    channels: int = 3,
    classes: int = 1000,
    size: int = 224,
    patch: int = 16,
    width: int = 384,
    depth: int = 12,
    heads: int = 6,
    mlp_ratio: int = 4,
) -> VisionTransformer:
    """torchvision's class, initialised as torchvision does: 22,050,664 parameters as the defaults stand.

    That is ViT-S/16, published as 22.05 M (Touvron et al. 2021 and timm).
    """
    model = VisionTransformer(size, patch, depth, heads, width, width * mlp_ratio, num_classes=classes)
    if channels != 3:  # which torchvision's class takes for granted
        model.conv_proj = nn.Conv2d(channels, width, patch, patch)
        nn.init.trunc_normal_(model.conv_proj.weight, std=math.sqrt(1 / (channels * patch**2)))
        nn.init.zeros_(model.conv_proj.bias)
    return model
