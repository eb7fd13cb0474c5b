"""The same learning rate throughout."""

from typing import Literal

from hallmarks.config.strict import Strict


class Settings(Strict):
    """The same learning rate throughout."""

    name: Literal["constant"] = "constant"

    def drops(self) -> list[int]:
        """Where the learning rate drops, in the recipe's unit."""
        return []

    def check(self, length: int, unit: str) -> None:
        """Raise ValueError where a run of this length cannot follow it."""

    def learning_rate(self, base: float, position: float, length: int) -> float:
        """Of the update at `position`, 0 … `length`, in the recipe's unit."""
        return base
