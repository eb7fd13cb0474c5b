"""By how much the queries, keys and values of the middle layers settle later than those of the others."""

import numpy as np

from hallmarks.kernel.file import Kernel
from hallmarks.measures.layers import layer_of, qkv_weights, settled_from
from hallmarks.measures.maps import trajectory_map
from hallmarks.measures.phases import Phases

READS = "share of the run by which Q, K, V of the middle third of layers settle after the others"


def derive(kernel: Kernel, phases: Phases) -> float:
    """The mean, over the weights of Q, K and V, of when cos(θ_t, θ_T) is 0.95 for good: middle less others.

    In shares of the run. The middle third of six layers is the 3rd and the 4th. NaN of fewer than three.
    """
    names = list(qkv_weights(kernel.groups).values())
    layers = np.array([layer_of(name) for name in names])
    depth = len(set(layers))
    if depth < 3:
        return float("nan")
    place = (np.searchsorted(sorted(set(layers)), layers) + 0.5) / depth
    middle = (place > 1 / 3) & (place < 2 / 3)
    share = kernel.step / kernel.step[-1]
    when = np.array([settled_from(trajectory_map(kernel, name), share) for name in names])
    return float(when[middle].mean() - when[~middle].mean())
