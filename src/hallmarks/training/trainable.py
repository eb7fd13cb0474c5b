"""What of a network trains: kinds of parameters by name, each a function of the model and the run's seed.

It gives, by parameter in the model's order, None for the whole tensor, or the places, int64, of those of its
entries that train.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    Trained = dict[str, Tensor | None]

ENTRIES = 2  # a stream of random numbers beside those of the data


def norms(model: nn.Module, seed: int) -> Trained:
    """Scales and shifts of the normalisation layers."""
    from hallmarks.training.kinds import parameter_kinds

    return {name: None for name, kind in parameter_kinds(model).items() if kind == "norm"}


def norms_and_classifier(model: nn.Module, seed: int) -> Trained:
    """These, and the last linear layer."""
    from torch import nn

    last = [path for path, module in model.named_modules() if isinstance(module, nn.Linear)][-1:]
    wanted = norms(model, seed) | {f"{path}.{name}": None for path in last for name in ("weight", "bias")}
    return {name: None for name, _ in model.named_parameters() if name in wanted}


def random_weights(model: nn.Module, seed: int) -> Trained:
    """As many entries of convolutions' and linear layers' weights as `norms` has scalars, drawn evenly."""
    import torch

    from hallmarks.data.draws import generator
    from hallmarks.training.kinds import parameter_kinds

    kinds, parameters = parameter_kinds(model), dict(model.named_parameters())
    count = sum(parameters[name].numel() for name in norms(model, seed))
    weights = [name for name, p in parameters.items() if kinds[name] in {"conv", "linear"} and p.dim() > 1]
    sizes = [parameters[name].numel() for name in weights]
    drawn = torch.randperm(sum(sizes), generator=generator(ENTRIES, seed))[:count].sort().values
    first, places = 0, {}
    for name, size in zip(weights, sizes, strict=True):
        here = drawn[(drawn >= first) & (drawn < first + size)] - first
        first += size
        if len(here):
            places[name] = here
    return places


def everything(model: nn.Module, seed: int) -> Trained:
    """Every parameter."""
    return {name: None for name, _ in model.named_parameters()}


def nothing(model: nn.Module, seed: int) -> Trained:
    """No parameter: the run stops where it begins."""
    return {}


TRAINABLE: dict[str, Callable[[nn.Module, int], Trained]] = {
    "norms": norms,
    "norms-and-classifier": norms_and_classifier,
    "random-weights": random_weights,
    "all": everything,
    "none": nothing,
}
