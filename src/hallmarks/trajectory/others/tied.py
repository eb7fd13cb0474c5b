"""Tied weights count once: by what the file shares, by what moves alike, by names of embeddings and heads.

That tensors are equal is not enough. In a model with parallel branches, as GPT-NeoX, the biases of attention
and of the MLP begin at zero and get the same gradient at each step: they are equal in every point, and are
two parameters. So of tensors that are equal in every point, in all values, these are tied:

- those that share their storage, in some point;
- matrices that move, transposed or not: two of them do not get the same values by training;
- the input embedding and the head, or the head's biases, by their names.

What holds one number alone is tied only by a shared storage.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np

from hallmarks.trajectory.others.values import equal, sampled, transposed
from hallmarks.trajectory.tensor import Tensor

SAMPLES = 12
AT_ONCE = 16
# What the module that has an embedding, or the head that repeats it, is called.
EMBEDDING = re.compile(r"emb|^wte$|^shared$|head|^output$|^decoder$|^predictions$|^proj_out$", re.IGNORECASE)
# Of heads alone, which may have one bias twice: `cls.predictions.bias`, `cls.predictions.decoder.bias`.
HEAD = re.compile(r"^lm_head$|^decoder$|^predictions$", re.IGNORECASE)

Point = dict[str, Tensor]


def untie(points: Sequence[Point]) -> tuple[list[Point], dict[str, str]]:
    """The points without what is tied to another tensor, and of each such tensor which one it is tied to."""
    tied: dict[str, str] = {}
    for other, name in candidates(points):
        if name not in tied and other not in tied and is_tied(points, name, other):
            tied[name] = other
    return [{name: tensor for name, tensor in point.items() if name not in tied} for point in points], tied


def tied_in_some(points: Sequence[Point]) -> tuple[list[Point], dict[str, str]]:
    """The points without tensors that only some hold, tied to one that all hold, and to which."""
    names = dict.fromkeys(name for point in points for name in point)
    common = [name for name in names if all(name in point for point in points)]
    tied: dict[str, str] = {}
    for name in [name for name in names if name not in common]:
        holding = [point for point in points if name in point]
        if twin := next((other for other in common if is_tied(holding, name, other)), None):
            tied[name] = twin
    return [{name: tensor for name, tensor in point.items() if name not in tied} for point in points], tied


def candidates(points: Sequence[Point]) -> Iterator[tuple[str, str]]:
    """Pairs that may be tied, by name: of one place in some point, or with the same two corners.

    The first and the last element stay where they are in a transposed tensor. Of far points many are asked
    for at once.
    """
    first, last = points[0], points[-1]
    names = [name for name in sorted(first) if first[name].numel]
    keys: dict[str, set[tuple]] = {name: {place_of(point[name]) for point in points} for name in names}
    told = [name for name in names if may_be_told(name, first)]
    shapes = Counter(tuple(sorted(first[name].shape)) for name in told)
    looked = [name for name in told if shapes[tuple(sorted(first[name].shape))] > 1]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = list(pool.map(lambda name: corners(first[name]) + corners(last[name]), looked))
    for name, found in zip(looked, ends, strict=True):
        if len(set(found)) > 1:  # else it is likely of one number, as many are at the start
            keys[name].add((tuple(sorted(first[name].shape)), *found))
    alike: dict[tuple, list[str]] = {}
    for name in names:
        for key in keys[name]:
            alike.setdefault(key, []).append(name)
    return iter(sorted({pair for group in alike.values() for pair in combinations(group, 2)}))


def may_be_told(name: str, point: Point) -> bool:
    """Whether a tensor may be tied by its values: a matrix, or a head's bias."""
    return len(point[name].shape) > 1 or bool(HEAD.search(owner(name)))


def is_tied(points: Sequence[Point], name: str, other: str) -> bool:
    """Whether two tensors are one parameter in these points, by the rule above."""
    one, two = points[0][name], points[0][other]
    flips = [False] if one.shape == two.shape else []
    flips += [True] if len(one.shape) == 2 and one.shape == two.shape[::-1] else []
    shared = any(place_of(point[name]) == place_of(point[other]) for point in points)
    axes = len(one.shape)
    if not shared and not named_alike(name, other, axes) and not (axes > 1 and moves(points, name)):
        return False
    for flip in flips:
        turned = [transposed(point[name]) if flip else point[name] for point in points]
        values = signature(turned[0], turned[-1])
        if not shared and (values is None or values != signature(two, points[-1][other])):
            continue
        there = [point[other] for point in points]
        if all(a.shape == b.shape and equal(a, b) for a, b in zip(turned, there, strict=True)):
            return True
    return False


def place_of(tensor: Tensor) -> tuple:
    """What tensors share that lie at the same place, transposed or not."""
    layout = tensor.shape, tensor.strides
    if len(tensor.shape) == 2:
        layout = min(layout, (tensor.shape[::-1], tensor.strides[::-1]))
    return tensor.file, tensor.offset, tensor.dtype, layout


def named_alike(name: str, other: str, axes: int) -> bool:
    """Whether names say that these are an embedding and its head, or the same bias of a head."""
    known = EMBEDDING if axes == 2 else HEAD
    return bool(known.search(owner(name)) and known.search(owner(other)))


def owner(name: str) -> str:
    """The module that has a parameter: lm_head of lm_head.weight; of a name without one, itself."""
    parts = name.split(".")
    return parts[-2] if len(parts) > 1 else name


def moves(points: Sequence[Point], name: str) -> bool:
    """Whether some values differ between the first and the last point."""
    first, last = points[0][name], points[-1][name]
    return len(points) > 1 and bool((few(first) != few(last)).any())


def corners(tensor: Tensor) -> tuple[bytes, ...]:
    """The first and the last element of a tensor, in float64."""
    ends = [(0,) * len(tensor.shape), tuple(length - 1 for length in tensor.shape)]
    return tuple(value.tobytes() for value in sampled(tensor, ends).astype(np.float64))


def few(tensor: Tensor) -> np.ndarray:
    """A few values of a tensor, the same places for the same size, in float64."""
    generator = np.random.default_rng(tensor.numel)
    at = [tuple(int(generator.integers(length)) for length in tensor.shape) for _ in range(SAMPLES)]
    return sampled(tensor, at).astype(np.float64)


def signature(first: Tensor, last: Tensor) -> tuple | None:
    """Shape and a few values, by which tied tensors are found; None where these are all one number."""
    values = [few(tensor) for tensor in (first, last)]
    if all((each == each[0]).all() for each in values):
        return None
    return first.shape, *(each.tobytes() for each in values)
