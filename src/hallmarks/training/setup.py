"""Settings → everything that updates need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from hallmarks.models import initialised
from hallmarks.training.entries import OfEntries
from hallmarks.training.loop import Batches, Training
from hallmarks.training.precision import forward_of
from hallmarks.training.start import Start
from hallmarks.training.timeline import Timeline

if TYPE_CHECKING:
    from hallmarks.origins.trained import Recipe, Settings


def fresh(settings: Settings, data: Path, seed: int, device: torch.device) -> tuple[Start, Batches]:
    """A start at the model's own initialisation, and the batches of a prepared data set."""
    batches = settings.data.batches(data, settings.recipe.batch_size, seed, device)
    return Start(initialised(settings.model, batches.shape, seed).to(device)), batches


def set_up(recipe: Recipe, start: Start, batches: Batches, until: int | None = None) -> Training:
    """The training that a recipe says, from a start to its end, or to the step `until`."""
    parameters = start.parameters()
    if start.entries is None:
        optimizer = recipe.optimizer.build(parameters)
    else:
        optimizer = OfEntries(parameters, start.entries, recipe.optimizer.build)
    if start.optimizer is not None:
        optimizer.load_state_dict(start.optimizer)
    timeline = Timeline(recipe, batches.steps_per_epoch, until)
    forward = forward_of(start.model, recipe)
    return Training(start.model, forward, optimizer, recipe.objective, batches, timeline)
