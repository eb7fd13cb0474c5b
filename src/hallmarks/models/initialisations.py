"""How alike two random initialisations are (the paper's section 3: 0.374 for ResNet50)."""

import itertools

import torch

from hallmarks.config.types import Model
from hallmarks.models.registry import build


def initial_cosines(
    settings: Model, channels: int, classes: int, seeds: list[int]
) -> dict[tuple[int, int], float]:
    """The cosine of θ_0 and θ_0' for each pair of seeds: learnable parameters, float64 sums."""
    points = {}
    for seed in seeds:
        parameters = build(settings, channels, classes, seed).parameters()
        point = torch.cat([parameter.detach().reshape(-1) for parameter in parameters]).double()
        points[seed] = point / point.norm()
    return {(a, b): float(points[a] @ points[b]) for a, b in itertools.combinations(seeds, 2)}
