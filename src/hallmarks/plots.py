"""Drawing: seaborn, the paper's notation on the axes."""

from pathlib import Path

import seaborn as sns
from matplotlib.figure import Figure

from hallmarks.measures import (
    Kernel,
    mean_directional_similarity,
    relative_mean_directional_similarity,
    trajectory_map,
)


def draw_map(kernel: Kernel, output: Path, title: str) -> None:
    """Draw the trajectory map C of the whole model, with ω and ω_0 in the title."""
    mds = f"ω = {mean_directional_similarity(kernel):.3f}"
    if len(kernel.step) > 1:
        mds += f", ω₀ = {relative_mean_directional_similarity(kernel):.3f}"
    figure = Figure(figsize=(5, 4.2), layout="constrained")
    axes = figure.subplots()
    sns.heatmap(
        trajectory_map(kernel),
        ax=axes,
        square=True,
        cmap="viridis",
        vmax=1,
        xticklabels=max(1, len(kernel.step) // 6),
        yticklabels=max(1, len(kernel.step) // 6),
        cbar_kws={"label": "cosine of θ$_s$ and θ$_t$"},
    )
    axes.set(title=f"{title}\n{mds}, n = {len(kernel.step)}", xlabel="point t", ylabel="point s")
    figure.savefig(output, dpi=120)
