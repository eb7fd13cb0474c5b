"""The hallmarks of a trajectory, angles and norms, as in Fig. 4."""

import numpy as np
from matplotlib.axes import Axes

from hallmarks.figures.curves import TITLES, curves
from hallmarks.figures.panels import DrawnPanel, measures_of
from hallmarks.figures.picture import Picture

ABOVE = ["angle_updates", "angle_update_location", "apex_origin", "apex_initialisation"]
BELOW = ["oscillation", "norm", "update_norm", "distance_from_initialisation"]


def draw(panels: list[DrawnPanel]) -> Picture:
    """Panels a–d and f–h; e illustrates."""
    titles = TITLES | {"oscillation": "illustration: oscillating across a valley"}
    drawers = {"oscillation": draw_oscillation}
    return curves(panels, measures_of(panels), ABOVE + BELOW, titles=titles, drawers=drawers)


def draw_oscillation(axes: Axes, *_) -> None:
    """Heavy-ball steps near the edge of stability (ηλ₁ < 2 + 2μ) in a valley that is flat the other way."""
    curvature, momentum = np.array([2.96, 0.06]), 0.5
    path = [np.array([0.8, 3.0])]
    velocity = np.zeros(2)
    for _ in range(16):
        velocity = momentum * velocity - curvature * path[-1]
        path.append(path[-1] + velocity)
    x, y = np.meshgrid(np.linspace(-2.3, 2.3, 60), np.linspace(-0.5, 3.4, 60))
    axes.contour(x, y, curvature[0] * x**2 + curvature[1] * y**2, levels=8, colors="0.8", linewidths=0.7)
    axes.plot(*np.transpose(path), color="black", linewidth=0.8, marker="o", markersize=2)
    axes.text(0, 0, "O", ha="center", va="center", fontsize=9)
    axes.set(xticks=[], yticks=[])
