"""Where the inner product of consecutive updates changes its sign: simulated runs on a quadratic (App. A)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hallmarks.figures.curves import TITLES, curves, draw_lines, palette
from hallmarks.figures.panels import COLUMNS, DrawnPanel, measures_of
from hallmarks.figures.picture import Picture
from hallmarks.kernel.file import Kernel

NAMES = ["angle_updates", "top_product", "first_ratio"]
# Below this share of an update's square a product is rounding: points are stored as float32.
ROUNDING = 1e-5


def draw(panels: list[DrawnPanel]) -> Picture:
    """The angle between updates; the sign of their product along the top direction; the first product."""
    tables = [measures_of(panels)]
    for panel in panels:
        for run, kernel in zip(panel.runs, panel.kernels, strict=True):
            if len(kernel.step) < 3:  # it diverged before it made a pair of updates
                continue
            sharpness, ratio = first_pair(kernel)
            product = top_product(kernel)
            t = np.arange(1, len(product) + 1)
            rows = {"measure": "top_product", "index": t, "step": kernel.step[t], "value": product}
            firsts = {"measure": ["first_sharpness", "first_ratio"], "index": 1, "step": kernel.step[1]}
            for part in (rows, firsts | {"value": [sharpness, ratio]}):
                tables.append(pd.DataFrame(part).assign(label=panel.title, run=run))
    table = pd.concat(tables, ignore_index=True)[COLUMNS]
    titles = TITLES | {
        "top_product": "sign of ⟨Δ$_t$, Δ$_{t+1}$⟩ along the top direction",
        "first_ratio": "⟨Δ$_1$, Δ$_2$⟩ / ‖Δ$_1$‖² along the top direction",
    }
    drawers = {"angle_updates": draw_angles, "top_product": draw_signs, "first_ratio": draw_first}
    picture = curves(panels, table, NAMES, titles=titles, drawers=drawers, width=4.4)
    shown = table["measure"].isin([*NAMES, "first_sharpness"])
    return Picture(picture.figure, table[shown], panels, "Δₜ = θₜ−θₜ₋₁")


def top_product(kernel: Kernel) -> np.ndarray:
    """2⟨Δ_t, Δ_{t+1}⟩ / (‖Δ_t‖² + ‖Δ_{t+1}‖²) of the first tensor, [n−2]: −1 … 1, 0 where it is rounding."""
    gram = kernel.gram(kernel.groups[0])[1:, 1:]
    squares = np.diagonal(gram)
    product = 2 * np.diagonal(gram, 1) / (squares[1:] + squares[:-1])
    return np.where(np.abs(product) < ROUNDING, 0.0, product)


def first_pair(kernel: Kernel) -> tuple[float, float]:
    """η(λ₁+α) = ‖Δ_1‖ / ‖θ_0‖, and ⟨Δ_1, Δ_2⟩ / ‖Δ_1‖², both of the first tensor."""
    gram = kernel.gram(kernel.groups[0])
    return float(np.sqrt(gram[1, 1] / gram[0, 0])), float(gram[1, 2] / gram[1, 1])


def summary(picture: Picture) -> pd.DataFrame:
    """Of each run η(λ₁+α), the first pair's ratio, and the share of steps whose product is negative.

    `expected` is that share of heavy ball in the long run: φ/π with cos φ = (1+μ−η(λ₁+α)) / 2√μ.
    """
    rows = []
    for (label, run), part in picture.numbers.groupby(["label", "run"], sort=False):
        if "top_product" not in set(part["measure"]):
            continue
        value = {name: rows["value"].to_numpy(float) for name, rows in part.groupby("measure")}
        sharpness, ratio = value["first_sharpness"][0], value["first_ratio"][0]
        momentum = max(sharpness + ratio - 1, 0.0)
        cosine = ratio / (2 * np.sqrt(momentum)) if momentum > ROUNDING else np.inf * ratio
        expected = np.arccos(np.clip(cosine, -1, 1)) / np.pi
        negative = np.mean(value["top_product"] < 0)
        rows.append((label, run, sharpness, ratio, negative, expected))
    columns = ["variation", "run", "η(λ₁+α)", "first ratio", "negative", "expected"]
    return pd.DataFrame(rows, columns=columns).round(4)


def draw_angles(axes: Axes, table: pd.DataFrame, name: str, panels: list[DrawnPanel]) -> None:
    """Lines against the step; above 90° updates turn back."""
    rows = table[table["measure"] == name].astype({"value": float})
    draw_lines(axes, rows, "step", list(dict.fromkeys(table["label"])))
    axes.axhline(90, color="0.5", linestyle=":", linewidth=0.8, zorder=0)
    axes.set(ylabel="degrees", ylim=(0, 185), yticks=range(0, 181, 45))


def draw_signs(axes: Axes, table: pd.DataFrame, name: str, panels: list[DrawnPanel]) -> None:
    """A strip a variation, its first run: red where the product is negative, blue where it is positive."""
    rows = table[(table["measure"] == name) & table["run"].isin([panel.runs[0] for panel in panels])]
    signs = rows.drop_duplicates(["label", "step"]).pivot(index="label", columns="step", values="value")
    signs = signs.loc[list(dict.fromkeys(rows["label"]))]
    values = np.sign(signs.to_numpy(float))
    steps = [signs.columns[0] - 0.5, signs.columns[-1] + 0.5]
    axes.imshow(
        values, cmap="RdBu", vmin=-1.5, vmax=1.5, aspect="auto", extent=(*steps, len(signs) - 0.5, -0.5)
    )
    axes.hlines(np.arange(len(signs) - 1) + 0.5, *steps, color="white", linewidth=4)
    for row, part in enumerate(values):
        for step, sign in zip(signs.columns, part, strict=True):
            text = "" if np.isnan(sign) else {-1.0: "−", 0.0: "0", 1.0: "+"}[sign]
            axes.text(step, row, text, ha="center", va="center", fontsize=5, color="0.15")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set(xlabel="step", yticks=range(len(signs)))
    axes.set_yticklabels([label.replace(", ", "\n") for label in signs.index], fontsize=6)


def draw_first(axes: Axes, table: pd.DataFrame, name: str, panels: list[DrawnPanel]) -> None:
    """The first pair of each run against η(λ₁+α), on the line 1+μ−η(λ₁+α) of heavy ball."""
    labels = list(dict.fromkeys(table["label"]))
    rows = table[table["measure"].isin(["first_sharpness", name])]
    rows = rows.drop_duplicates(["label", "run", "measure"])
    rows = rows.pivot(index=["label", "run"], columns="measure", values="value").reset_index()
    colours = dict(zip(labels, palette(labels), strict=True))
    for start in sorted({round(x + y, 3) for x, y in zip(rows["first_sharpness"], rows[name], strict=True)}):
        axes.axline((start, 0), slope=-1, color="0.7", linewidth=0.8, zorder=0)
        axes.annotate(
            f"1+μ = {start:g}", (start, 0), (4, 5), textcoords="offset points", fontsize=7, color="0.4"
        )
    axes.scatter(
        rows["first_sharpness"], rows[name], c=[colours[label] for label in rows["label"]], s=24, zorder=2
    )
    axes.axhline(0, color="0.5", linestyle=":", linewidth=0.8, zorder=0)
    axes.set(xlabel="η(λ$_1$+α) = ‖Δ$_1$‖ / ‖θ$_0$‖", ylabel="", xlim=(0, None))
