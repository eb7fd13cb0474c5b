"""The schematic of two trajectories and the angles that tell them apart (Fig. 1)."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hallmarks.figures.picture import Picture
from hallmarks.figures.schematic import GREEN, PURPLE, arc, label, line, origin, path, plane, table_of
from hallmarks.measures.angles import angles
from hallmarks.measures.points import kernel_of
from hallmarks.trajectory.heavy_ball import heavy_ball

START = np.array([0.0, 3.0])
NAMES = {
    "updates": "∠(θ$_{t+1}$−θ$_t$, θ$_t$−θ$_{t−1}$)",
    "initialisation": "∠(θ$_T$−θ$_0$, θ$_1$−θ$_0$)",
    "origin": "∠(θ$_T$, θ$_0$)",
}


def simulated() -> dict[str, np.ndarray]:
    """Two trajectories from one start: updates that add up, and updates that turn back on each other."""
    return {
        "straight": heavy_ball(
            np.array([0.03, 0.13]),
            START,
            learning_rate=1.0,
            momentum=0.6,
            minimum=np.array([-7.0, 4.9]),
            length=7,
        ),
        "turning": heavy_ball(
            np.array([0.07, 2.6]),
            START,
            learning_rate=1.0,
            momentum=0.5,
            weight_decay=0.03,
            minimum=np.array([6.0, 2.65]),
            length=9,
        ),
    }


@dataclass(frozen=True)
class Look:
    """A trajectory's colour, the t of the turn that is shown, and where each angle's text begins."""

    colour: str
    turn: int
    texts: dict[str, tuple[float, float]]


LOOKS = {
    "straight": Look(
        PURPLE, 5, {"updates": (-1.65, 4.75), "initialisation": (-0.2, 3.8), "origin": (-1.95, 0.9)}
    ),
    "turning": Look(GREEN, 2, {"updates": (1.5, 3.3), "initialisation": (0.62, 1.86), "origin": (0.85, 0.5)}),
}


def draw() -> Picture:
    """The trajectories; of each its apex angles at the origin and the initialisation, and a turn."""
    trajectories = simulated()
    figure = Figure(figsize=(7.2, 4.8), layout="compressed")
    axes = figure.subplots()
    plane(axes)
    line(axes, (0, 0), START)
    for name, points in trajectories.items():
        draw_angles(axes, points, LOOKS[name])
        path(axes, points, LOOKS[name].colour)
        label(axes, "θ$_T$", points[-1], (0, 10), color=LOOKS[name].colour)
    label(axes, "θ$_0$", START, (9, 10))
    origin(axes)
    axes.margins(0.1)
    note = (
        "schematic: heavy-ball gradient descent on two quadratics, simulated; angles measured from its kernel"
    )
    return Picture(figure, table_of(trajectories), [], note)


def draw_angles(axes: Axes, points: np.ndarray, look: Look) -> None:
    """The three angles of the paper's section 2 on one trajectory, each with its degrees."""
    t, end, colour = look.turn, points[-1], look.colour
    before, after = points[t] - points[t - 1], points[t + 1] - points[t]
    for tip, way in [
        ((0, 0), end),
        (START, end - START),
        (points[t], 0.55 * before / np.linalg.norm(before)),
    ]:
        line(axes, tip, tip + way, colour)
    arc(axes, (0, 0), START, end, 0.7, colour)
    arc(axes, START, points[1] - START, end - START, 0.45, colour)
    arc(axes, points[t], before, after, 0.35, colour)
    measured = angles(kernel_of(points))
    degrees = {
        "updates": measured["angle_updates"][1][t - 1],
        "initialisation": measured["apex_initialisation"][1][-1],
        "origin": measured["apex_origin"][1][-1],
    }
    for name, at in look.texts.items():
        label(axes, f"{NAMES[name]} = {degrees[name]:.0f}°", at, ha="left", color=colour, fontsize=8)
