"""The map of a user's own checkpoints: its axes in steps or epochs where known, and what was understood."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from hallmarks.figures.layers import by_role, draw_rows
from hallmarks.figures.maps import draw_one
from hallmarks.figures.picture import literal
from hallmarks.kernel.file import Kernel


def draw_own(kernel: Kernel, title: str, understood: str, missing: Sequence[int] = ()) -> Figure:
    """`draw_one`'s map, with what was understood of the checkpoints as its footer.

    Points that are `missing` at some steps are grey, as what is not known is.
    """
    figure = draw_one(kernel, title)
    axes = figure.axes[0]
    position = positions(kernel)
    if missing and kernel.unit in {"step", "number"}:
        position = np.union1d(kernel.step, missing)
        leave_room(axes.images[0], np.searchsorted(position, kernel.step), len(position))
    if position is not None and len(position) > 1:
        round_numbers = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(position[0], position[-1])
        shown = [number for number in round_numbers if position[0] <= number <= position[-1]]
        places = np.interp(shown, position, np.arange(len(position)))
        labels = [f"{number:,.6g}" for number in shown]
        axes.set_xticks(places, labels)
        axes.set_yticks(places, labels)
        axes.set(xlabel=f"{kernel.unit} of point t", ylabel=f"{kernel.unit} of point s")
    figure.supxlabel(literal(fill(understood, 100)), fontsize=6, color="0.3")
    return figure


def leave_room(image: AxesImage, places: np.ndarray, n: int) -> None:
    """Show a map [m, m] at some places of one of n points, of which the others are missing."""
    whole = np.full((n, n), np.nan)
    whole[np.ix_(places, places)] = np.ma.filled(image.get_array(), np.nan)
    image.set_data(whole)
    image.set_extent((-0.5, n - 0.5, n - 0.5, -0.5))


def draw_by_depth(kernel: Kernel, title: str, understood: str, missing: Sequence[int] = ()) -> Figure:
    """The maps of the weights of queries, keys and values, layer by layer. Raises UserError without any."""
    position = positions(kernel)
    place = np.arange(len(kernel.step)) if position is None else position
    figure, _ = draw_rows(kernel, by_role(kernel.groups, title), np.asarray(place, float), [])
    figure.suptitle(f"{literal(title)}, n = {len(place)}", fontsize=9)
    unit = "points" if position is None else f"{kernel.unit}s"
    lacking = f"; {len(missing)} points are missing" if missing else ""
    line = f"axes in {unit}{lacking}; {understood}"
    figure.supxlabel(literal(fill(line, int(16 * figure.get_figwidth()))), fontsize=6, color="0.3")
    return figure


def positions(kernel: Kernel) -> np.ndarray | None:
    """Where the points lie, [n], by what tells them apart; None where that is their place alone."""
    return {"step": kernel.step, "number": kernel.step, "epoch": kernel.epoch}.get(kernel.unit)
