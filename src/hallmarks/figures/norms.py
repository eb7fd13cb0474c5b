"""Norms of points, updates and displacements against time (Appendix C)."""

from hallmarks.figures.curves import curves
from hallmarks.figures.panels import DrawnPanel, measures_of
from hallmarks.figures.picture import Picture


def draw(panels: list[DrawnPanel]) -> Picture:
    """‖θ_t‖, ‖θ_{t+1}−θ_t‖ and ‖θ_t−θ_0‖."""
    return curves(panels, measures_of(panels), ["norm", "update_norm", "distance_from_initialisation"])
