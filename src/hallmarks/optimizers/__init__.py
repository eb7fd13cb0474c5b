"""Optimizers, a file or a folder each: `Settings` are a recipe's `optimizer`, and build it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import optim

# What PyTorch wraps, so that its compiler leaves it alone.
WRAPPED = ["add_param_group", "load_state_dict", "state_dict", "zero_grad"]


def uncompiled(optimizer: type[optim.Optimizer]) -> type[optim.Optimizer]:
    """PyTorch's optimizer without its compiler: the same updates, bit for bit.

    The wrappers of its methods import the compiler when they are first called, more than a second of CPU for
    each run, though none compiles its optimizer.
    """
    from torch import no_grad

    methods = {name: inspect.unwrap(getattr(optimizer, name)) for name in WRAPPED}
    methods["step"] = no_grad()(inspect.unwrap(optimizer.step))
    return type(optimizer.__name__, (optimizer,), methods)
