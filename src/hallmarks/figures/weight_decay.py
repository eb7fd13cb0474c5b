"""The schematic of weight decay turning the direction (Fig. 7)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hallmarks.figures.picture import Picture
from hallmarks.figures.schematic import (
    GREY,
    PINK,
    PURPLE,
    arc,
    arrow,
    label,
    line,
    origin,
    path,
    plane,
    table_of,
)
from hallmarks.measures.angles import angles
from hallmarks.measures.points import kernel_of
from hallmarks.trajectory.heavy_ball import heavy_ball

START = np.array([0.0, 3.0])
MINIMUM = np.array([-9.0, 0.0])  # far to the left, in a valley that is flat the other way
CURVATURES = np.array([0.1, 0.0])
STRENGTHS = (0.1, 0.3, 0.6)


def simulated(weight_decay: float) -> np.ndarray:
    """Gradient descent from the point above the origin, [9, 2]: the loss pulls left, weight decay down."""
    return heavy_ball(
        CURVATURES, START, learning_rate=0.25, weight_decay=weight_decay, minimum=MINIMUM, length=8
    )


def draw() -> Picture:
    """A panel a strength of weight decay: both forces at the start, the way that is gone, its angle at O."""
    trajectories = {f"α = {strength:g}": simulated(strength) for strength in STRENGTHS}
    figure = Figure(figsize=(7.5, 3.9), layout="compressed")
    every = figure.subplots(1, len(STRENGTHS), sharex=True, sharey=True)
    for axes, strength, (name, points) in zip(every, STRENGTHS, trajectories.items(), strict=True):
        draw_panel(axes, points, strength)
        axes.set_title(f"weight decay {name}", fontsize=9)
    note = "schematic: gradient descent on a quadratic, simulated; the angle at O measured from its kernel"
    return Picture(figure, table_of(trajectories), [], note)


def draw_panel(axes: Axes, points: np.ndarray, strength: float) -> None:
    plane(axes)
    line(axes, (0, 0), START)
    line(axes, (0, 0), points[-1])
    middle = arc(axes, (0, 0), START, points[-1], 0.8, "black")
    label(axes, f"{angles(kernel_of(points))['apex_origin'][1][-1]:.0f}°", middle, (-4, 9))
    path(axes, points, GREY)
    pull = CURVATURES * (MINIMUM - START)
    arrow(axes, START, START + pull, PURPLE)
    arrow(axes, START, START - strength * START, PINK)
    label(axes, "−∇L", START + pull, (0, 9), color=PURPLE)
    label(axes, "−αθ", START - strength * START, (12, 2), color=PINK)
    label(axes, "θ$_0$", START, (8, 7))
    label(axes, "θ$_T$", points[-1], (-9, 5))
    origin(axes)
    axes.margins(0.12)
