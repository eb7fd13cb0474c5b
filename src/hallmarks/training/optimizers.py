"""Every optimizer by its name in the configuration: `OPTIMIZERS[name](parameters, settings)`."""

from collections.abc import Callable, Iterable

from torch import nn, optim

from hallmarks.config.types import Sgd


def sgd(parameters: Iterable[nn.Parameter], settings: Sgd) -> optim.Optimizer:
    """PyTorch's SGD, one fused loop over all parameters."""
    return optim.SGD(
        parameters,
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        fused=True,
    )


OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {"sgd": sgd}
