"""Random numbers that depend on nothing but a key, so that resuming needs no generator's state."""

import numpy as np
import torch
from torch import Tensor

ORDER, AUGMENTATION = 0, 1  # streams that share nothing


def derived_seed(stream: int, *key: int) -> int:
    """A seed of 64 bits for a key of non-negative integers."""
    return int(np.random.SeedSequence([stream, *key]).generate_state(1, np.uint64)[0])


def generator(stream: int, *key: int) -> torch.Generator:
    """A generator on the CPU, so that every device draws the same."""
    return torch.Generator().manual_seed(derived_seed(stream, *key))


def epoch_order(seed: int, epoch: int, n: int) -> Tensor:
    """The order of an epoch: a permutation of 0 … n−1, int64."""
    return torch.randperm(n, generator=generator(ORDER, seed, epoch))
