"""How much more alike points of one phase of the learning rate are than points of different phases."""

from hallmarks.kernel.file import Kernel
from hallmarks.measures.maps import trajectory_map
from hallmarks.measures.phases import Phases

NEEDS_DROPS = True
READS = "mean cosine within phases less across"


def derive(kernel: Kernel, phases: Phases) -> float:
    """The mean cosine within phases less that across; positive where the map shows a block each."""
    phase = phases.of_points(kernel)
    same = phase[:, None] == phase
    pairs = trajectory_map(kernel)
    return float(pairs[same].mean() - pairs[~same].mean())
