"""Tied weights count once: tensors that are the same in every point, shared, copied or transposed."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hallmarks.trajectory.others.values import equal, sampled, transposed
from hallmarks.trajectory.tensor import Tensor

SAMPLES = 12
AT_ONCE = 16


def untie(points: Sequence[dict[str, Tensor]]) -> tuple[list[dict[str, Tensor]], dict[str, str]]:
    """The points without what is tied to another tensor, and of each such tensor which one it is tied to.

    Told by a few values of the first and last points, then by all values of every point. Tensors that
    hold one number alone, as biases do at the start, are not tied by being equal.
    """
    first, last = points[0], points[-1]
    seen: dict[tuple, str] = {}
    tied: dict[str, str] = {}
    for name in candidates(first, last):
        tensor = first[name]
        key = signature(tensor, last[name])
        if key is None:
            key = ("place", tensor.file, tensor.offset, tensor.shape, tensor.dtype)
        other = seen.get(key)
        flip = False
        if other is None and len(tensor.shape) == 2:
            turned = signature(transposed(tensor), transposed(last[name]))
            other, flip = seen.get(turned), True
        if other and same(points, name, other, flip):
            tied[name] = other
        else:
            seen.setdefault(key, name)
    return [{name: tensor for name, tensor in point.items() if name not in tied} for point in points], tied


def candidates(first: dict[str, Tensor], last: dict[str, Tensor]) -> list[str]:
    """Those that may be tied to another, sorted: of its shape, turned or not, and with the same two corners.

    The first and the last element stay where they are in a transposed tensor. Of far points many
    are asked for at once.
    """
    names = [name for name in sorted(first) if first[name].numel]
    shapes = Counter(tuple(sorted(first[name].shape)) for name in names)
    names = [name for name in names if shapes[tuple(sorted(first[name].shape))] > 1]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = list(pool.map(lambda name: corners(first[name]) + corners(last[name]), names))
    keys = [(tuple(sorted(first[name].shape)), *found) for name, found in zip(names, ends, strict=True)]
    counts = Counter(keys)
    return [name for name, key in zip(names, keys, strict=True) if counts[key] > 1]


def corners(tensor: Tensor) -> tuple[bytes, ...]:
    """The first and the last element of a tensor, in float64."""
    ends = [(0,) * len(tensor.shape), tuple(length - 1 for length in tensor.shape)]
    return tuple(value.tobytes() for value in sampled(tensor, ends).astype(np.float64))


def tied_in_some(points: Sequence[dict[str, Tensor]]) -> tuple[list[dict[str, Tensor]], dict[str, str]]:
    """The points without tensors that only some hold, tied to one that all hold, and to which."""
    names = dict.fromkeys(name for point in points for name in point)
    common = [name for name in names if all(name in point for point in points)]
    tied: dict[str, str] = {}
    for name in names.keys() - set(common):
        holding = [point for point in points if name in point]
        alike = [other for other in common if all(p[other].shape == p[name].shape for p in holding)]
        if signature(holding[0][name], holding[-1][name]) is None:
            alike = [other for other in alike if all(p[name].offset == p[other].offset for p in holding)]
        twin = next((other for other in alike if all(equal(p[name], p[other]) for p in holding)), None)
        if twin:
            tied[name] = twin
    return [{name: tensor for name, tensor in point.items() if name not in tied} for point in points], tied


def same(points: Sequence[dict[str, Tensor]], name: str, other: str, flip: bool) -> bool:
    return all(equal(transposed(point[name]) if flip else point[name], point[other]) for point in points)


def signature(first: Tensor, last: Tensor) -> tuple | None:
    """Shape and a few values, by which tied tensors are found; None where these are all one number."""
    generator = np.random.default_rng(first.numel)
    at = [tuple(int(generator.integers(length)) for length in first.shape) for _ in range(SAMPLES)]
    values = [sampled(tensor, at).astype(np.float64) for tensor in (first, last)]
    if all((each == each[0]).all() for each in values):
        return None
    return first.shape, *(each.tobytes() for each in values)
