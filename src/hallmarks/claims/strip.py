"""A claim's numbers as a small picture: a row a variation, on one axis each seed, the mean and its spread.

Inline SVG whose horizontal places are percents, so that it is as wide as its column on any screen and its
points stay round. Readable in grey: what breaks an order is dashed, not only red.
"""

import html
import math
from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

EDGE = 4  # percent of the width that stays free on either side
TICKS = 4  # at most so many round numbers on an axis


def strip(
    rows: dict[str, pd.Series],
    *,
    rising: bool = False,
    limits: tuple[float | None, float | None] = (None, None),
    marks: dict[str, float] | None = None,
) -> str:
    """The picture of `rows`, by label a value a seed.

    `rising`: means are joined, and a pair that does not rise is dashed. `limits` are what the values are
    claimed to lie above and below. `marks` are the paper's numbers by label.
    """
    known = [*(value for value in limits if value is not None), *(marks or {}).values()]
    values = [value for series in rows.values() for value in series if math.isfinite(value)]
    if not values:
        return ""
    axis = Axis(min(values + known), max(values + known))
    parts = [
        *axis.grid(),
        *shade(axis, limits),
        *(joined(axis, rows) if rising else []),
        *(
            part
            for at, (label, series) in enumerate(rows.items())
            for part in row(axis, at, len(rows), label, series)
        ),
    ]
    parts += [
        f'<text class="paper" x="{axis.x(marks[label])}" y="{height(at, len(rows))}">◇'
        f"<title>the paper: {marks[label]:g}</title></text>"
        for at, label in enumerate(rows)
        if label in (marks or {})
    ]
    said = "; ".join(f"{label}: {series.mean():.4g}" for label, series in rows.items())
    return (
        f'<svg class="strip" role="img" aria-label="{html.escape(said)}">{"".join(parts)}</svg>'
        f'<div class="ticks">{"".join(axis.ticks())}</div>'
    )


class Axis:
    """From the smallest to the largest number, with a few round ones marked."""

    def __init__(self, low: float, high: float):
        margin = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
        self.low, self.high = low - margin, high + margin
        step = round_step((self.high - self.low) / TICKS)
        self.places = [n * step for n in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]

    def x(self, value: float) -> str:
        return f"{EDGE + (100 - 2 * EDGE) * (value - self.low) / (self.high - self.low):.2f}%"

    def grid(self) -> Iterator[str]:
        for place in self.places:
            yield f'<line class="grid" x1="{self.x(place)}" x2="{self.x(place)}" y1="0" y2="100%"/>'

    def ticks(self) -> Iterator[str]:
        for place in self.places:
            yield f'<span style="left:{self.x(place)}">{place:.6g}</span>'


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, … that is not below `least`, of any size."""
    unit = 10.0 ** math.floor(math.log10(least))
    return next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= least)


def height(at: int, count: int) -> str:
    """The middle of a row."""
    return f"{100 * (at + 0.5) / count:.2f}%"


def row(axis: Axis, at: int, count: int, label: str, series: pd.Series) -> Iterator[str]:
    """A variation: a ring a seed, a bar for the mean, a line for ± sd."""
    y, mean, spread = height(at, count), series.mean(), series.std()
    if math.isfinite(spread):
        ends = axis.x(max(mean - spread, axis.low)), axis.x(min(mean + spread, axis.high))
        yield f'<line class="spread" x1="{ends[0]}" x2="{ends[1]}" y1="{y}" y2="{y}"/>'
    for seed, value in series.items():
        if math.isfinite(value):
            said = html.escape(f"{label}, {seed}: {value:.4f}")
            yield f'<circle cx="{axis.x(value)}" cy="{y}" r="3.5"><title>{said}</title></circle>'
    if math.isfinite(mean):
        yield (
            f'<svg x="{axis.x(mean)}" y="{y}" overflow="visible"><line class="mean" y1="-7" y2="7"/></svg>'
        )


def joined(axis: Axis, rows: dict[str, pd.Series]) -> Iterator[str]:
    """Lines from mean to mean, dashed where the second is not above the first."""
    means = [series.mean() for series in rows.values()]
    for at, (one, other) in enumerate(pairwise(means)):
        if math.isfinite(one) and math.isfinite(other):
            kind = "rises" if one < other else "falls"
            places = f'x1="{axis.x(one)}" y1="{height(at, len(means))}"'
            places += f' x2="{axis.x(other)}" y2="{height(at + 1, len(means))}"'
            yield f'<line class="{kind}" {places}/>'


def shade(axis: Axis, limits: tuple[float | None, float | None]) -> Iterator[str]:
    """Where the values are claimed to lie, and its edges."""
    low, high = limits
    if limits != (None, None):
        left = EDGE if low is None else float(axis.x(low)[:-1])
        right = 100 - EDGE if high is None else float(axis.x(high)[:-1])
        yield f'<rect class="claimed" x="{left:.2f}%" width="{right - left:.2f}%" y="0" height="100%"/>'
        for edge in (value for value in (low, high) if value is not None):
            yield f'<line class="limit" x1="{axis.x(edge)}" x2="{axis.x(edge)}" y1="0" y2="100%"/>'
