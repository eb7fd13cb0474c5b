"""How far hidden weights turn against width, with the fitted exponents (App. B)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from hallmarks.figures.curves import palette
from hallmarks.figures.picture import Picture

# What the argument of Appendix B gives for the deviation ∝ n^exponent.
ARGUED = {"standard": -2, "maximal-update": -1}
MARKERS = {"standard": "o", "maximal-update": "s"}


@dataclass(frozen=True)
class PowerLaw:
    """deviation ∝ n^exponent by least squares in logarithms, about their means; each network an observation.

    `error` is the standard error of the exponent, `level` that of the mean; `factor` times either is half a
    95% interval, of the scatter about a line, not of what larger widths would give.
    """

    mean_width: float
    mean_deviation: float
    exponent: float
    error: float
    level: float
    factor: float

    @classmethod
    def fit(cls, table: pd.DataFrame) -> "PowerLaw":
        """Of a table's `width` and `deviation`; with two rows there is no interval, NaN."""
        from scipy.stats import t

        x, y = np.log(table["width"].to_numpy(float)), np.log(table["deviation"].to_numpy(float))
        across, free = x - x.mean(), len(x) - 2
        slope = (across @ y) / (across @ across)
        residual = y - y.mean() - slope * across
        scatter = residual @ residual / free if free else np.nan
        errors = np.sqrt(scatter / (across @ across)), np.sqrt(scatter / len(x))
        return cls(x.mean(), y.mean(), slope, *errors, t.ppf(0.975, free) if free else np.nan)

    def at(self, width: np.ndarray, exponent: float | None = None) -> np.ndarray:
        """The line at these widths, or one of another exponent through the same middle."""
        slope = self.exponent if exponent is None else exponent
        return np.exp(self.mean_deviation + slope * (np.log(width) - self.mean_width))

    def band(self, width: np.ndarray) -> np.ndarray:
        """The factor by which the line's 95% interval reaches up and down."""
        return np.exp(self.factor * np.hypot(self.level, self.error * (np.log(width) - self.mean_width)))


def draw(table: pd.DataFrame) -> Picture:
    """Deviation 1 − cos(W_T, W_0) against width, both logarithmic: networks, fits and their 95% intervals."""
    figure = Figure(figsize=(5.8, 4.0), layout="compressed")
    axes = figure.subplots()
    fits = exponents(table)
    for fit, colour in zip(fits.itertuples(), palette(list(fits["parametrisation"])), strict=True):
        rows = table[table["parametrisation"] == fit.parametrisation]
        width, law = np.geomspace(rows["width"].min(), rows["width"].max(), 50), PowerLaw.fit(rows)
        interval = f"{fit.exponent:.2f} [{fit.low:.2f}, {fit.high:.2f}], argument {fit.argued:g}"
        text = f"{fit.parametrisation}: {interval.replace('-', '−')}"
        marker = MARKERS[fit.parametrisation]
        axes.plot(rows["width"], rows["deviation"], marker, color=colour, markersize=4, alpha=0.7)
        axes.plot(
            width,
            law.at(width),
            color=colour,
            linewidth=1.2,
            marker=marker,
            markersize=4,
            markevery=(0, 100),
            label=text,
        )
        band = law.at(width) / law.band(width), law.at(width) * law.band(width)
        axes.fill_between(width, *band, color=colour, alpha=0.2, linewidth=0)
        axes.plot(width, law.at(width, fit.argued), color=colour, linewidth=1, linestyle=":")
    axes.set(xscale="log", yscale="log", xlabel="width n", ylabel="1 − cos(W$_T$, W$_0$)")
    axes.xaxis.set_major_locator(FixedLocator(sorted(table["width"].unique())))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.tick_params(which="both", labelsize=7)
    axes.legend(fontsize=7, frameon=False, title="exponent [95% interval]", title_fontsize=7)
    seeds = table["seed"].nunique()
    note = (
        f"{seeds} seed{'s' * (seeds > 1)}; line, band: fit and 95% interval; dotted: the argument's exponent"
    )
    return Picture(figure, table, [], note)


def exponents(table: pd.DataFrame) -> pd.DataFrame:
    """The fitted exponents, a row a parametrisation: exponent, its 95% interval low and high, widest, argued.

    `widest` is the exponent between the two largest widths alone: where it is another, the line bends.
    """
    rows = []
    for name, part in table.groupby("parametrisation", sort=False):
        law = PowerLaw.fit(part)
        half = law.factor * law.error
        widest = PowerLaw.fit(part[part["width"].isin(sorted(part["width"].unique())[-2:])]).exponent
        rows.append((name, law.exponent, law.exponent - half, law.exponent + half, widest, ARGUED[name]))
    return pd.DataFrame(rows, columns=["parametrisation", "exponent", "low", "high", "widest", "argued"])
