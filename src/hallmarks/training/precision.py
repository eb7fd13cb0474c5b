"""In which numbers a network computes; its parameters, the optimizer and the points stay float32."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hallmarks.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hallmarks.origins.trained import Recipe

# Kernels that are chosen, not raced against each other: a run that goes on keeps its bits.
COMPILED = {"options": {"deterministic": True}}
COMPILERS = "g++", "clang++", "c++"


def forward_of(model: nn.Module, recipe: Recipe) -> Callable[[Tensor], Tensor]:
    """What computes a model's scores, float32, as a recipe says; the model and its names stay as they are.

    Tells PyTorch, for the whole process, whether products and convolutions of float32 may be in TF32. Raises
    UserError where it cannot be compiled.
    """
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = recipe.precision == "tf32"
    network = compiled(model) if recipe.compile else model
    if recipe.precision != "bf16":
        return network
    device = next(model.parameters()).device.type

    def scores(inputs: Tensor) -> Tensor:
        with torch.autocast(device, torch.bfloat16):
            return network(inputs).float()

    return scores


def compiled(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """The model, its kernels made when it is first called. Raises UserError where nothing can make them."""
    if not any(map(shutil.which, filter(None, (os.environ.get("CXX"), *COMPILERS)))):
        raise UserError(
            f"recipe.compile: needs a C++ compiler, and none of {', '.join(COMPILERS)} is here; without it, "
            "compile: false"
        )
    return torch.compile(model, **COMPILED)


def has_tf32(device: torch.device) -> bool:
    """Whether a device computes in TF32 where it may: NVIDIA's GPUs since Ampere."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
