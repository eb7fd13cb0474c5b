"""The map of a user's own checkpoints: its axes in steps or epochs where known, and what was understood."""

from textwrap import fill

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hallmarks.figures.layers import by_role, draw_rows
from hallmarks.figures.maps import draw_one
from hallmarks.figures.picture import literal
from hallmarks.kernel.file import Kernel
from hallmarks.measures.steps import every_step


def draw_own(kernel: Kernel, title: str, understood: str) -> Figure:
    """`draw_one`'s map, with what was understood of the checkpoints as its footer."""
    figure = draw_one(kernel, title)
    axes = figure.axes[0]
    position = positions(kernel)
    if position is not None and len(position) > 1:
        round_numbers = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(position[0], position[-1])
        shown = [number for number in round_numbers if position[0] <= number <= position[-1]]
        places = np.interp(shown, position, np.arange(len(position)))
        labels = [f"{number:,.6g}" for number in shown]
        axes.set_xticks(places, labels)
        axes.set_yticks(places, labels)
        axes.set(xlabel=f"{kernel.unit} of point t", ylabel=f"{kernel.unit} of point s")
    line = f"{understood}{grey(kernel)}"
    figure.supxlabel(literal(fill(line, 100)), fontsize=6, color="0.3")
    return figure


def draw_by_depth(kernel: Kernel, title: str, understood: str) -> Figure:
    """The maps of the weights of queries, keys and values, layer by layer. Raises UserError without any."""
    position = positions(kernel)
    n = len(kernel.step)
    place = np.arange(n + len(kernel.missing)) if position is None else position
    figure, _ = draw_rows(kernel, by_role(kernel.groups, title), np.asarray(place, float), [])
    figure.suptitle(f"{literal(title)}, n = {n}", fontsize=9)
    unit = "points" if position is None else f"{kernel.unit}s"
    line = f"axes in {unit}; {understood}{grey(kernel)}"
    figure.supxlabel(literal(fill(line, int(16 * figure.get_figwidth()))), fontsize=6, color="0.3")
    return figure


def grey(kernel: Kernel) -> str:
    """What to say of points that are missing."""
    return f"; grey: {len(kernel.missing)} points that are missing" if kernel.missing else ""


def positions(kernel: Kernel) -> np.ndarray | None:
    """Where the points lie, those that are missing too, by what tells them apart; None: their place alone."""
    steps = every_step(kernel)
    epochs = np.interp(steps, kernel.step, kernel.epoch) if kernel.missing else kernel.epoch
    return {"step": steps, "number": steps, "epoch": epochs}.get(kernel.unit)
