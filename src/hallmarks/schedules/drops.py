"""The learning rate is multiplied by a factor at each drop."""

from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from hallmarks.config.strict import Strict


class Settings(Strict):
    """The learning rate is multiplied by `factor` at each of `at`."""

    name: Literal["drops"] = "drops"
    at: list[PositiveInt]
    """Rising, all before the end, in the recipe's unit."""
    factor: PositiveFloat = 0.1

    def drops(self) -> list[int]:
        """Where the learning rate drops, in the recipe's unit."""
        return self.at

    def check(self, length: int, unit: str) -> None:
        """Raise ValueError where a run of this length cannot follow it."""
        if self.at != sorted(set(self.at)):
            raise ValueError(f"drops at {self.at} do not rise; list them in order")
        if self.at and self.at[-1] >= length:
            raise ValueError(f"a drop at {self.at[-1]} is past the end, {length} {unit}; end it before")

    def learning_rate(self, base: float, position: float, length: int) -> float:
        """Of the update at `position`, 0 … `length`, in the recipe's unit."""
        passed = [at for at in self.at if at <= position]
        return base * self.factor ** len(passed) if passed else base
