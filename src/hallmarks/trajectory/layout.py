"""How the elements of a tensor lie in memory, for every type that a checkpoint may hold."""

import math
from collections.abc import Sequence

from hallmarks.trajectory.tensor import ITEM_BYTES

INTEGERS = {f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)} | {"bool": 1}
COMPLEX = {"complex64": "float32", "complex128": "float64"}
SIZES = ITEM_BYTES | INTEGERS | {name: 2 * ITEM_BYTES[part] for name, part in COMPLEX.items()}


def dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements fill one stretch of memory, in any order of the axes."""
    expected = 1
    for stride, length in sorted(zip(strides, shape, strict=True)):
        if length == 1:
            continue
        if stride != expected:
            return False
        expected *= length
    return True


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of elements that lie in the order of the axes."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def plain_strides(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    """Strides that say the order of the elements alone: along an axis of length 1 any would do."""
    usual = contiguous(shape)
    return tuple(
        own if length != 1 else other for length, own, other in zip(shape, strides, usual, strict=True)
    )
