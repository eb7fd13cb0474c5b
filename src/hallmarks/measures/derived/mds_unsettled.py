"""How much of ω is still to come at the first drop of the learning rate."""

from hallmarks.kernel.file import Kernel
from hallmarks.measures.maps import prefix_directional_similarity
from hallmarks.measures.phases import Phases

NEEDS_DROPS = True
READS = "share of ω still to come at the first drop"


def derive(kernel: Kernel, phases: Phases) -> float:
    """|1 − ω(θ_0 … θ_t)/ω| with t the last point up to the first drop."""
    so_far = prefix_directional_similarity(kernel)
    (settled,) = (phases.positions(kernel) <= phases.drops[0]).nonzero()
    return float(abs(1 - so_far[settled[-1]] / so_far[-1]))
