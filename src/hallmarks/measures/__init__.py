"""Kernel → trajectory maps, MDS, angles, norms and spectra: the paper's measures, without torch."""

from hallmarks.kernel.file import Kernel
from hallmarks.measures.angles import angles
from hallmarks.measures.gram import points_gram, relative_gram, subsample
from hallmarks.measures.maps import (
    mean_directional_similarity,
    prefix_directional_similarity,
    relative_mean_directional_similarity,
    relative_prefix_directional_similarity,
    relative_trajectory_map,
    trajectory_map,
)
from hallmarks.measures.norms import norms
from hallmarks.measures.rounding import angle_updates_noise
from hallmarks.measures.spectra import spectra
from hallmarks.measures.table import measure

__all__ = [
    "Kernel",
    "angle_updates_noise",
    "angles",
    "mean_directional_similarity",
    "measure",
    "norms",
    "points_gram",
    "prefix_directional_similarity",
    "relative_gram",
    "relative_mean_directional_similarity",
    "relative_prefix_directional_similarity",
    "relative_trajectory_map",
    "spectra",
    "subsample",
    "trajectory_map",
]
