"""From which step of its parent's to which a branch goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hallmarks.origins.branched import Settings


def span(settings: Settings) -> range:
    """Its steps, counted from the parent's beginning; none where nothing trains."""
    parent = settings.training
    first = settings.at * parent.steps_per_epoch()
    if settings.trains == "none":
        return range(first, first)
    return range(first, parent.steps() if settings.length is None else first + settings.length)
