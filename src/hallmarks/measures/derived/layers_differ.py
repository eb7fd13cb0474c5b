"""How much the layers of a model differ in the directional similarity of their queries, keys and values."""

import numpy as np

from hallmarks.kernel.file import Kernel
from hallmarks.measures.layers import ROLES, qkv_weights
from hallmarks.measures.maps import mean_directional_similarity
from hallmarks.measures.phases import Phases

READS = "deviation of ω over layers, mean of Q, K, V"


def derive(kernel: Kernel, phases: Phases) -> float:
    """The standard deviation over layers of ω of the weights of Q, K and V each, and of these the mean.

    NaN of fewer than two layers.
    """
    names = qkv_weights(kernel.groups)
    spreads = []
    for role in ROLES:
        omega = [mean_directional_similarity(kernel, name) for (of, _), name in names.items() if of == role]
        spreads.append(np.std(omega, ddof=1) if len(omega) > 1 else np.nan)
    return float(np.mean(spreads))
