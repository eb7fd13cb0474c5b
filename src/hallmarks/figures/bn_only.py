"""Accuracy where only the BatchNorm scalars train from epoch t on, with its controls; from logs alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from hallmarks.errors import UserError
from hallmarks.figures.panels import DrawnPanel, seed_of, some
from hallmarks.figures.picture import Picture, grid
from hallmarks.trajectory.log import read_log
from hallmarks.trajectory.reader import read_trajectory

FULL, BN, STOP = "everything, never frozen", "BatchNorm scalars", "nothing: stop at t"
# By what trains and what the statistics do, in the order of the legend.
CONTROLS = {
    ("norms", "moving"): BN,
    ("norms-and-classifier", "moving"): "BatchNorm scalars and classifier",
    ("random-weights", "moving"): "as many random weights",
    ("norms", "trained"): "BatchNorm scalars, by a trained network's statistics",
    ("none", "moving"): STOP,
    ("none", "refreshed"): "nothing: stop at t, statistics refreshed",
    ("all", "moving"): "everything, branched",
    (
        "norms-and-classifier",
        "trained",
    ): "BatchNorm scalars and classifier, by a trained network's statistics",
    ("random-weights", "trained"): "as many random weights, by a trained network's statistics",
    ("all", "trained"): "everything, branched, by a trained network's statistics",
    ("none", "trained"): "nothing: stop at t, a trained network's statistics",
}
NOTE = "line: mean over seeds, band: ± sd; grey: everything trains to the end"


def accuracies(panels: list[DrawnPanel]) -> pd.DataFrame:
    """A row a run: control, t (`at`), seed, test accuracy at its end, and what `branch.json` says of it.

    Of the parent, where everything trains, one row of its end, and one of each t at which others branch: to
    stop there is what its log says. The accuracy of a run that diverged is NaN.
    """
    rows, parents = [], []
    for panel in some(panels):
        for run in panel.runs:
            folder = panel.results / "runs" / run
            log = read_log(folder / "log.csv")
            if (folder / "branch.json").exists():
                said = json.loads((folder / "branch.json").read_text())
                own = {"control": CONTROLS[said["trains"], said["statistics"]], "seed": seed_of(run)}
                own |= {"run": run, "test_accuracy": accuracy_at_the_end(folder, log)}
                rows.append(own | said)
            else:
                parents.append((run, log))
    if not parents:
        raise UserError("panels: none of the runs trains everything; name the parent's experiment too")
    if not rows:
        raise UserError("panels: none of the runs is a branch; name the experiment that branches too")
    stops = {row["at"] for row in rows} - {row["at"] for row in rows if row["control"] == STOP}
    for run, log in parents:
        last = {"control": FULL, "at": np.nan, "seed": seed_of(run), "run": run}
        rows.append(last | {"test_accuracy": accuracy_at_the_end(panel.results / "runs" / run, log)})
        there = {row["epoch"]: row["test_accuracy"] for row in log}
        rows += [
            {"control": STOP, "at": at, "seed": seed_of(run), "run": run, "test_accuracy": there[at]}
            for at in sorted(stops & there.keys())
        ]
    # An experiment may list a variation twice.
    return pd.DataFrame(rows).drop_duplicates(["control", "at", "run"], ignore_index=True)


def accuracy_at_the_end(folder: Path, log: list[dict[str, float]]) -> float:
    """Of a run in `folder`; NaN where it diverged."""
    return np.nan if read_trajectory(folder / "trajectory").diverged else log[-1]["test_accuracy"]


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """A row a control and t: seeds, those that diverged, mean and deviation of the others, and the savings.

    `step_seconds`, `optimizer_bytes` and `gradient_bytes` are means over seeds, and `share_…` theirs of those
    where everything trains.
    """
    table = table.assign(step_seconds=table.get("seconds", np.nan) / table.get("steps", np.nan))
    # Of a run that diverged it is not known of how many.
    table["step_seconds"] = table["step_seconds"].where(table["test_accuracy"].notna())
    costs = [name for name in ("step_seconds", "optimizer_bytes", "gradient_bytes") if name in table]
    found = table.groupby(["control", "at"], dropna=False, sort=False).agg(
        seeds=("test_accuracy", "size"),
        diverged=("test_accuracy", lambda values: values.isna().sum()),
        mean=("test_accuracy", "mean"),
        sd=("test_accuracy", "std"),
        trained=("trained", "first"),
        **{name: (name, "mean") for name in costs},
    )
    found = found.reset_index()
    whole = found[found["control"] == CONTROLS["all", "moving"]]
    for name in costs:
        found[f"share_{name}"] = found[name] / (whole[name].mean() if len(whole) else np.nan)
    order = [FULL, *CONTROLS.values()]
    return found.sort_values(["control", "at"], key=lambda column: column.map(rank(order)), ignore_index=True)


def rank(order: list[str]):
    """Controls in this order, numbers as they are."""
    return lambda value: order.index(value) if value in order else value


def matching_from(rows: pd.DataFrame) -> float:
    """The smallest t from which on, at each later t too, the BatchNorm scalars alone match: their mean is not
    below the mean of full training by more than its standard deviation over seeds. NaN where there is none.
    """
    full = rows[rows["control"] == FULL].iloc[0]
    curve = rows[rows["control"] == BN].sort_values("at")
    matches = (curve["mean"] >= full["mean"] - full["sd"]) & (curve["diverged"] == 0)
    matches = matches.to_numpy()[::-1]
    last = np.flatnonzero(np.logical_and.accumulate(matches))
    return float(curve["at"].to_numpy()[::-1][last[-1]]) if len(last) else np.nan


def told(rows: pd.DataFrame) -> str:
    """From when on the BatchNorm scalars alone match, in words."""
    if np.isnan(rows.loc[rows["control"] == FULL, "sd"].iloc[0]):
        return "full training has one seed, and no spread to compare with"
    start = matching_from(rows)
    if np.isnan(start):
        return "BatchNorm scalars alone do not reach full training within its spread over seeds"
    return f"BatchNorm scalars alone reach full training, within its spread over seeds, from t = {start:g} on"


def draw(panels: list[DrawnPanel]) -> Picture:
    """The accuracy against t: all of it, and near where everything trains."""
    table = accuracies(panels)
    rows = summary(table)
    figure, axes = grid(2, 2, 4.6, 3.6)
    for letter, axis in zip("ab", axes, strict=True):
        draw_axis(axis, table, legend=letter == "a")
        axis.set_title(f"({letter}) test accuracy{'' if letter == 'a' else ', the upper part'}", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].get_legend().remove()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, fontsize=8)
    full = rows[rows["control"] == FULL].iloc[0]
    ends = 100 * rows.loc[rows["control"].isin([FULL, BN]), "mean"]
    low = max(ends.min(), 100 * full["mean"] - 15)
    axes[1].set_ylim(low - 1, 100 * max(rows["mean"].max(), full["mean"]) + 2)
    seeds = ", ".join(sorted(set(table["seed"]), key=int))
    return Picture(figure, table, [], f"seeds {seeds} · {NOTE} · {told(rows)}")


def draw_axis(axes: Axes, table: pd.DataFrame, legend: bool) -> None:
    percent = table.assign(percent=100 * table["test_accuracy"])
    full = percent.loc[percent["control"] == FULL, "percent"]
    axes.axhline(full.mean(), color="0.5", linewidth=1)
    if len(full) > 1:
        axes.axhspan(full.mean() - full.std(), full.mean() + full.std(), color="0.85", zorder=0)
    colours = sns.color_palette("colorblind", 10)
    labels = [label for label in CONTROLS.values() if label in set(percent["control"])]
    sns.lineplot(
        percent[percent["control"] != FULL],
        x="at",
        y="percent",
        hue="control",
        style="control",
        hue_order=labels,
        style_order=labels,
        palette=dict(zip(CONTROLS.values(), [*colours[:6], "black", *colours[6:]], strict=True)),
        markers=True,
        dashes=True,
        errorbar="sd",
        linewidth=1.3,
        markersize=5,
        legend="full" if legend else False,
        ax=axes,
    )
    axes.set(xlabel="epoch t from which on only this trains", ylabel="test accuracy, %")
    axes.tick_params(labelsize=8)


def shown(rows: pd.DataFrame) -> pd.DataFrame:
    """The summary as a reader sees it."""
    full = rows[rows["control"] == FULL].iloc[0]
    columns = {
        "trains from t on": rows["control"],
        "t": rows["at"].map(lambda t: "" if np.isnan(t) else f"{t:g}"),
        "seeds": rows["seeds"],
        "test accuracy, %": [spread(row) for row in rows.itertuples()],
        "against full": [
            "" if np.isnan(mean) else f"{100 * (mean - full['mean']):+.2f}" for mean in rows["mean"]
        ],
        "scalars": rows["trained"].map(lambda n: "" if np.isnan(n) else f"{int(n):,}"),
        "ms a step": cost(rows, "step_seconds", 1e3, ".1f"),
        "optimizer, kB": cost(rows, "optimizer_bytes", 1e-3, ",.1f"),
        "gradients, kB": cost(rows, "gradient_bytes", 1e-3, ",.1f"),
    }
    return pd.DataFrame(columns)


def spread(row) -> str:
    """Mean and standard deviation over the seeds that did not diverge."""
    if row.diverged == row.seeds:
        return "diverged"
    said = f"{100 * row.mean:.2f}" + ("" if np.isnan(row.sd) else f" ± {100 * row.sd:.2f}")
    return said + (f", {row.diverged} of {row.seeds} diverged" if row.diverged else "")


def cost(rows: pd.DataFrame, name: str, factor: float, form: str) -> list[str]:
    """A cost, and its share of what it is where everything trains."""
    if name not in rows:
        return [""] * len(rows)
    values, shares = rows[name].where(rows["step_seconds"].notna()), rows[f"share_{name}"]
    return [
        "" if np.isnan(value) else f"{factor * value:{form}}" + ("" if np.isnan(share) else f" ({share:.0%})")
        for value, share in zip(values, shares, strict=True)
    ]
