"""When: the steps of a run, the learning rate of each, and which end in a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hallmarks.origins.trained import Recipe


@dataclass(frozen=True)
class Timeline:
    """A recipe counted in steps. Step t is the update from θ_t to θ_{t+1}.

    A run may end after `until` steps, before the recipe's end; the schedule stays that of the whole.
    """

    recipe: Recipe
    steps_per_epoch: int
    until: int | None = None

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.in_steps(self.recipe.length, self.recipe.unit) if self.until is None else self.until

    def learning_rate(self, step: int) -> float:
        """The learning rate of step `step`, as the recipe's schedule says."""
        position = step / self.in_steps(1, self.recipe.unit)
        base = self.recipe.optimizer.learning_rate
        return self.recipe.schedule.learning_rate(base, position, self.recipe.length)

    def is_point(self, steps_done: int) -> bool:
        """Whether θ after so many steps is a point: the first, each k-th, the last, and all in windows."""
        points = self.recipe.points
        every = self.in_steps(points.every, points.unit)
        in_window = any(first <= steps_done <= last for first, last in points.windows)
        return steps_done % every == 0 or steps_done == self.steps or in_window

    def points(self) -> set[int]:
        """The steps done at each point of the whole run."""
        points = self.recipe.points
        regular = range(0, self.steps, self.in_steps(points.every, points.unit))
        windows = [range(first, last + 1) for first, last in points.windows]
        return {self.steps}.union(regular, *windows)

    def ends_epoch(self, steps_done: int) -> bool:
        """Whether a line of the log ends here: at each epoch and at the end."""
        return steps_done % self.steps_per_epoch == 0 or steps_done == self.steps

    def epoch(self, steps_done: int) -> float:
        """Epochs done, fractions included."""
        return steps_done / self.steps_per_epoch

    def in_steps(self, length: int, unit: str) -> int:
        """A length in epochs or steps, as steps."""
        return length * self.steps_per_epoch if unit == "epochs" else length
