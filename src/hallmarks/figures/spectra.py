"""Eigenvalues of the kernels K, K_0 and of the maps C, C_0 by rank (Appendix C)."""

from hallmarks.figures.curves import curves
from hallmarks.figures.panels import DrawnPanel, measures_of
from hallmarks.figures.picture import Picture


def draw(panels: list[DrawnPanel]) -> Picture:
    """The spectra of the whole model, descending, on a logarithmic axis."""
    return curves(panels, measures_of(panels), [f"eigenvalue_{name}" for name in ("K", "K0", "C", "C0")])
