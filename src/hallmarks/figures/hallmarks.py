"""The hallmarks of a trajectory, angles and norms, as in Fig. 4."""

import numpy as np
from matplotlib.axes import Axes

from hallmarks.figures.curves import TITLES, curves
from hallmarks.figures.panels import DrawnPanel, measures_of
from hallmarks.figures.picture import Picture
from hallmarks.figures.schematic import GREY, PINK, PURPLE, arrow, label, line, origin, path
from hallmarks.measures.angles import angles
from hallmarks.measures.points import kernel_of
from hallmarks.trajectory.heavy_ball import heavy_ball

ABOVE = ["angle_updates", "angle_update_location", "apex_origin", "apex_initialisation"]
BELOW = ["oscillation", "norm", "update_norm", "distance_from_initialisation"]
# A valley: curved across, flat along, where weight decay alone moves the point.
VALLEY, MOMENTUM, DECAY = np.array([2.91, 0.0]), 0.5, 0.06


def draw(panels: list[DrawnPanel]) -> Picture:
    """Panels a–d and f–h, and the schematic e."""
    titles = TITLES | {"oscillation": "oscillation at the edge of stability"}
    drawers = {"oscillation": draw_oscillation}
    return curves(panels, measures_of(panels), ABOVE + BELOW, titles=titles, drawers=drawers)


def oscillating() -> np.ndarray:
    """Heavy ball with η(λ₁+α) = 2.97, at its edge 2(1+μ) = 3: it turns back, and drifts to the origin."""
    start = np.array([-0.9, 3.3])
    return heavy_ball(VALLEY, start, learning_rate=1.0, momentum=MOMENTUM, weight_decay=DECAY, length=14)


def draw_oscillation(axes: Axes, *_) -> None:
    """The updates oscillate across the valley, and drift along it to the origin, since weight decay pulls."""
    points = oscillating()
    for height in (-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2):
        axes.axvline(height, color="0.88", linewidth=0.8, zorder=0)
    line(axes, (0, 0), (0, 3.4))
    path(axes, points, PURPLE)
    arrow(axes, (2.8, 2.4), (2.8, 1.2), PINK)
    label(axes, "−αθ", (2.8, 2.4), (0, 7), color=PINK, fontsize=8)
    label(axes, "θ$_0$", points[0], (-7, 5), fontsize=8)
    mean = np.nanmean(angles(kernel_of(points))["angle_updates"][1])
    label(axes, f"between updates\n{mean:.0f}° on average", (1.75, 0.05), color=GREY, fontsize=7)
    origin(axes)
    axes.set(xticks=[], yticks=[], xlim=(-2.7, 3.3), ylim=(-0.7, 3.9))
