"""The learning rate rises linearly from 0 over a share of the run, then falls along a cosine."""

import math
from typing import Annotated, Literal

from pydantic import Field

from hallmarks.config.strict import Strict

Share = Annotated[float, Field(ge=0, le=1)]


class Settings(Strict):
    """A linear rise from 0 over the first `warm_up` of the run, then a cosine down to `final` of the rate.

    As the defaults stand, Pythia's.
    """

    name: Literal["warm-up-cosine"] = "warm-up-cosine"
    warm_up: Share = 0.01
    final: Share = 0.1

    def describe(self) -> str:
        return f"a warm-up over {100 * self.warm_up:g} % and a cosine to {100 * self.final:g} % of it"

    def drops(self) -> list[int]:
        """Where the learning rate drops: nowhere at once."""
        return []

    def check(self, length: int, unit: str) -> None:
        """Raise ValueError where a run of this length cannot follow it: it fits any."""

    def learning_rate(self, base: float, position: float, length: int) -> float:
        """Of the update at `position`, 0 … `length`, in the recipe's unit; that of the first is 0."""
        rise = self.warm_up * length
        if position < rise:
            return base * position / rise
        fallen = (position - rise) / (length - rise) if length > rise else 1.0
        return base * (self.final + (1 - self.final) * (1 + math.cos(math.pi * fallen)) / 2)
