"""The training of a branch: from its parent's state, of what of it trains, to where it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from hallmarks.training import statistics
from hallmarks.training.entries import gathered
from hallmarks.training.setup import fresh, set_up
from hallmarks.training.span import span
from hallmarks.training.start import Start
from hallmarks.training.trainable import TRAINABLE

if TYPE_CHECKING:
    from torch import nn

    from hallmarks.origins.branched import Settings
    from hallmarks.training.loop import Training
    from hallmarks.training.trainable import Trained


def branch(
    settings: Settings, state: Callable[[int], dict[str, Any]], data: Path, seed: int, device: torch.device
) -> tuple[Training, Trained]:
    """The training of a branch, and what of its model trains; `state` gives its parent's after a step."""
    steps = span(settings)
    before = state(steps.start)
    fixed = state(settings.training.steps())["model"] if settings.statistics == "trained" else None
    start, batches = fresh(settings.training, data, seed, device)
    start, trained = started(start.model, before, steps.start, settings.trains, seed, fixed)
    training = set_up(settings.recipe, start, batches, steps.stop)
    if not trained:  # no gradient is wanted
        start.model.requires_grad_(False)
    if settings.statistics == "refreshed":
        statistics.refresh(training, settings.at)
    return training, trained


def started(
    model: nn.Module, state: dict[str, Any], step: int, trains: str, seed: int, fixed: dict[str, Any] | None
) -> tuple[Start, Trained]:
    """The start from the parent's `state` after `step` of its steps, and what of the model trains.

    `fixed` is the model's state whose BatchNorm statistics it keeps to, if any.
    """
    model.load_state_dict(state["model"])
    if fixed is not None:
        statistics.fix(model, fixed)
    trained = TRAINABLE[trains](model, seed)
    if not trained:  # no update is made
        return Start(model, step=step), trained
    names = [name for name, _ in model.named_parameters()]
    optimizer = restricted(state["optimizer"], names, trained)
    places = [where for where in trained.values() if where is not None]
    return Start(model, frozenset(trained), step, optimizer, places or None), trained


def restricted(state: dict[str, Any], names: list[str], trained: Trained) -> dict[str, Any]:
    """An optimizer's state for those of a model's parameters that train; entries become one vector."""
    kept = [index for index, name in enumerate(names) if name in trained]
    places = [trained[names[index]] for index in kept]
    (group,) = state["param_groups"]
    values = [state["state"].get(index, {}) for index in kept]
    if any(where is not None for where in places):
        first = values[0].items()  # a count of steps is the same for all
        values = [
            {
                key: gathered([each[key] for each in values], places)
                if torch.is_tensor(one) and one.dim()
                else one
                for key, one in first
            }
        ]
    found = {index: value for index, value in enumerate(values) if value}
    return {"state": found, "param_groups": [group | {"params": list(range(len(values)))}]}
