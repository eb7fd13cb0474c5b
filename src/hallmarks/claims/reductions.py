"""How values [k] along a trajectory, at epochs or steps `at` [k], become one number."""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Points before and after a drop of the learning rate that are compared (a choice).
AROUND_DROP = 2


@dataclass(frozen=True)
class Reduction:
    """`number` of (value, at, drops); `reads` says, beside a bound, what that number is."""

    number: Callable[["np.ndarray", "np.ndarray", list[float]], float]
    reads: str = ""
    needs_drops: bool = False


def phase_trend(value: "np.ndarray", at: "np.ndarray", drops: list[float]) -> float:
    """The largest change within a phase of the learning rate: the mean of its last half less its first's."""
    phase = sum(at >= drop for drop in drops)
    halves = [(value[phase == each], (phase == each).sum() // 2) for each in range(len(drops) + 1)]
    return largest([within[-half:].mean() - within[:half].mean() if half else nan for within, half in halves])


def drop_change(value: "np.ndarray", at: "np.ndarray", drops: list[float]) -> float:
    """The largest change across a drop: the mean of the values right after it less that of those before."""
    return largest(
        [value[at > drop][:AROUND_DROP].mean() - value[at < drop][-AROUND_DROP:].mean() for drop in drops]
    )


def largest(numbers: list[float]) -> float:
    """NaN where one of them is."""
    return nan if any(number != number for number in numbers) else max(numbers)


def unsettled(value: "np.ndarray", at: "np.ndarray", drops: list[float]) -> float:
    """How far the value at the first drop is from the last, as a share of the last."""
    return abs(1 - value[at <= drops[0]][-1] / value[-1])


REDUCTIONS = {
    "value": Reduction(lambda value, at, drops: value.item() if len(value) == 1 else nan),
    "mean": Reduction(lambda value, at, drops: value.mean()),
    "last": Reduction(lambda value, at, drops: value[-1]),
    "change": Reduction(lambda value, at, drops: value[-1] - value[0], "last less first"),
    "phase_trend": Reduction(phase_trend, "change within each phase, half to half", needs_drops=True),
    "drop_change": Reduction(
        drop_change, f"change across each drop, {AROUND_DROP} points before and after", needs_drops=True
    ),
    "unsettled": Reduction(
        unsettled, "distance from the end at the first drop, as a share", needs_drops=True
    ),
}
