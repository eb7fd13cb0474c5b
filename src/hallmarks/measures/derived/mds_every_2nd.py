"""ω of every 2nd point of the trajectory (footnote 4)."""

from hallmarks.kernel.file import Kernel
from hallmarks.measures.gram import subsample
from hallmarks.measures.maps import mean_directional_similarity
from hallmarks.measures.phases import Phases


def derive(kernel: Kernel, phases: Phases) -> float:
    """ω of θ_0, θ_2, θ_4, …"""
    return mean_directional_similarity(subsample(kernel, 2))
