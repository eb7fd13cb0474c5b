"""The paper's networks, a folder each: settings without torch, and the network, imported once built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from hallmarks.config.strict import Strict


def initialised(settings: Strict, shape: Any, seed: int) -> nn.Module:
    """A model at θ_0, which is a function of the seed alone, channels-last, on the CPU.

    `shape` is what it must know of its inputs. The global random state stays as it was.
    """
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = settings.build(shape)
    return model.to(memory_format=torch.channels_last)
