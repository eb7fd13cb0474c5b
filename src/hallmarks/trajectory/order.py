"""The order of checkpoints and their steps, told from the numbers in their names."""

import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from hallmarks.errors import UserError

NUMBER = re.compile(r"\d+(?:\.\d+)?")


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """Sort by the numbers in the names. Raises UserError where the names do not tell the order."""
    paths = list(paths)
    if len(paths) < 2:
        return paths

    def refuse(one: Path, other: Path) -> UserError:
        return UserError(
            f"{one} and {other}: their order cannot be told from their names; list the files in order "
            "and give --as-given"
        )

    texts = {}
    for path in paths:
        texts.setdefault(NUMBER.sub("#", stem(path)), path)
    if len(texts) > 1:
        raise refuse(*list(texts.values())[:2])
    decimal = sorted(paths, key=decimals)
    for one, other in zip(decimal, sorted(paths, key=whole_numbers), strict=True):
        if one != other:
            raise refuse(one, other)
    for one, other in itertools.pairwise(decimal):
        if decimals(one) == decimals(other):
            raise refuse(one, other)
    return decimal


def steps_of(paths: Sequence[Path]) -> list[int]:
    """The first number that varies among the names, if it grows and is whole; else the place in the list."""
    for steps in zip(*map(whole_numbers, paths), strict=False):
        if all(one < other for one, other in itertools.pairwise(steps)):
            return list(steps)
    return list(range(len(paths)))


def stem(path: Path) -> str:
    return path.name if path.is_dir() else path.name.removesuffix(path.suffix)


def decimals(path: Path) -> list[float]:
    return [float(number) for number in NUMBER.findall(stem(path))]


def whole_numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", stem(path))]
