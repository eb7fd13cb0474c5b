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


def phase_change(value: "np.ndarray", at: "np.ndarray", drops: list[float]) -> float:
    """The largest change of the mean from one phase of the learning rate to the next."""
    phase = sum(at >= drop for drop in drops)
    return max(
        value[phase == later].mean() - value[phase == later - 1].mean() for later in range(1, len(drops) + 1)
    )


def drop_change(value: "np.ndarray", at: "np.ndarray", drops: list[float]) -> float:
    """The largest change across a drop: the mean of the values right after it less that of those before."""
    return max(
        value[at > drop][:AROUND_DROP].mean() - value[at < drop][-AROUND_DROP:].mean() for drop in drops
    )


def unsettled(value: "np.ndarray", at: "np.ndarray", drops: list[float]) -> float:
    """The share of the last value that is still to come at the first drop."""
    return 1 - value[at <= drops[0]][-1] / value[-1]


REDUCTIONS = {
    "value": Reduction(lambda value, at, drops: value.item() if len(value) == 1 else nan),
    "mean": Reduction(lambda value, at, drops: value.mean()),
    "last": Reduction(lambda value, at, drops: value[-1]),
    "change": Reduction(lambda value, at, drops: value[-1] - value[0], "last less first"),
    "phase_change": Reduction(phase_change, "change from each phase to the next", needs_drops=True),
    "drop_change": Reduction(
        drop_change, f"change across each drop, {AROUND_DROP} points before and after", needs_drops=True
    ),
    "unsettled": Reduction(unsettled, "share still to come at the first drop", needs_drops=True),
}
