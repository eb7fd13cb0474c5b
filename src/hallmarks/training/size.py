"""How large a network is, counted by PyTorch without computing."""

import functools
from dataclasses import dataclass
from typing import Any

from hallmarks.config.strict import Strict


@dataclass(frozen=True)
class Size:
    """Parameters, parameter tensors, and FLOPs of an example, forward and backward (a multiply-add is 2)."""

    parameters: int
    tensors: int
    flops: float


@functools.cache
def size_of(model: Strict, shape: Any) -> Size:
    """The size of a model for inputs of a shape."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils.flop_counter import FlopCounterMode

    # Shapes only. What looks at a tensor's numbers to save work, as transformers' masks do, is told by the
    # fake tensors that there are none.
    with FakeTensorMode():
        with torch.device("meta"):
            network = model.build(shape)
            examples = shape.examples(2)
        with FlopCounterMode(display=False) as counter:
            network(examples).sum().backward()
    sizes = [parameter.numel() for parameter in network.parameters()]
    return Size(sum(sizes), len(sizes), counter.get_total_flops() / len(examples))
