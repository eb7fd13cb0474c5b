"""What schematics of points in the plane are drawn with: paths, arrows, angles, the origin."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

Point = Sequence[float] | np.ndarray

PURPLE, PINK, GREEN, GREY = "#5b3a8e", "#d6437f", "#1f8a70", "0.45"
COLUMNS = ["trajectory", "t", "x", "y"]


def table_of(trajectories: dict[str, np.ndarray]) -> pd.DataFrame:
    """The points of trajectories [n, 2] by name: COLUMNS."""
    rows = [(name, t, *point) for name, points in trajectories.items() for t, point in enumerate(points)]
    return pd.DataFrame(rows, columns=COLUMNS)


def plane(axes: Axes) -> None:
    """Equal units both ways, and nothing but what is drawn."""
    axes.set_aspect("equal")
    axes.set_axis_off()


def origin(axes: Axes, offset: Point = (0, -9)) -> None:
    """The origin O."""
    axes.plot(0, 0, "o", color="black", markersize=4, zorder=4)
    label(axes, "O", (0, 0), offset, weight="bold")


def path(axes: Axes, points: np.ndarray, colour: str) -> None:
    """A trajectory: an arrow an update, a dot a point."""
    for start, end in zip(points, points[1:], strict=False):
        arrow(axes, start, end, colour, width=1.2, head=7)
    axes.plot(*points.T, "o", color=colour, markersize=3, zorder=3)


def arrow(axes: Axes, start: Point, end: Point, colour: str, *, width: float = 2, head: float = 13) -> None:
    """An arrow from one point to another."""
    style = {"arrowstyle": "-|>", "mutation_scale": head, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(
        FancyArrowPatch(tuple(start), tuple(end), color=colour, linewidth=width, zorder=2.5, **style)
    )
    axes.update_datalim([start, end])


def line(axes: Axes, start: Point, end: Point, colour: str = GREY) -> None:
    """A dashed line that helps the eye."""
    axes.plot(*np.transpose([start, end]), color=colour, linestyle=(0, (4, 3)), linewidth=0.9, zorder=1)


def arc(axes: Axes, apex: Point, one: Point, other: Point, radius: float, colour: str) -> np.ndarray:
    """The smaller angle at `apex` between the directions `one` and `other`; where its middle is."""
    first, second = (np.arctan2(*np.asarray(side, float)[::-1]) for side in (one, other))
    span = (second - first + np.pi) % (2 * np.pi) - np.pi
    angle = first + np.linspace(0, span, 50)
    outline = np.asarray(apex)[:, None] + radius * np.array([np.cos(angle), np.sin(angle)])
    axes.plot(*outline, color=colour, linewidth=1.3, zorder=2)
    axes.fill(*np.column_stack([apex, outline]), color=colour, alpha=0.12, linewidth=0, zorder=0.5)
    return outline[:, 25]


def label(axes: Axes, text: str, at: Point, offset: Point = (0, 0), **style) -> None:
    """Text beside a point, `offset` points away."""
    style = {"fontsize": 9, "ha": "center", "va": "center"} | style
    axes.annotate(text, tuple(at), tuple(offset), textcoords="offset points", zorder=5, **style)
