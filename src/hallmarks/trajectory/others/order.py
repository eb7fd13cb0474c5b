"""The order of points and their steps: told by a key of their names, by the files themselves, or refused."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.others.by_names import ADVICE, LARGEST, Order, by_names, grows, numbered
from hallmarks.trajectory.others.names import Name, parse, stem
from hallmarks.trajectory.pickles.state_dict import EPOCHS, STEPS


def order(paths: Sequence[Path], progress: Sequence[dict[str, float]], as_given: bool) -> Order:
    """The order of points, of which `progress` is what each file says of itself. Raises UserError."""
    n, names = len(paths), [parse(name) for name in named(paths)]
    if as_given or n == 1:
        return numbered(list(range(n)), names, "as listed" if n > 1 else "")
    said = _said(progress)
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        groups.setdefault(name.text, []).append(place)
    if len(groups) > 1:
        if _by_files_alone(said, names):
            return _by_files(said, progress, n)
        listed = [
            f"{paths[found[0]]} ({len(found)} so named)" for found in sorted(groups.values(), key=len)[::-1]
        ]
        raise UserError(
            f"{' and '.join(listed[:4])}: their order cannot be told from their names; give those of one "
            f"run, leave others out by --skip PATTERN, or {ADVICE}"
        )
    try:
        found = by_names(paths, names)
    except UserError:
        if _by_files_alone(said, names):
            return _by_files(said, progress, n)
        raise
    if said:
        word, values = said
        backwards = next(((a, b) for a, b in itertools.pairwise(found.places) if values[a] > values[b]), None)
        if backwards:
            one, other = backwards
            raise UserError(
                f"{paths[one]} and {paths[other]}: by their names in this order, but they say {word} "
                f"{values[one]:g} and {values[other]:g}; {ADVICE}"
            )
    return found if found.epochs_known else replace(found, epochs=_epochs(progress, found.places))


def named(paths: Sequence[Path]) -> list[str]:
    """What tells points apart: their names, or those of their folders where all are called alike."""
    if len(paths) > 1 and len({path.name for path in paths}) == 1 and all(path.parent.name for path in paths):
        return named([path.parent for path in paths])
    return [stem(path) for path in paths]


def _by_files(said: tuple[str, list[float]], progress: Sequence[dict[str, float]], n: int) -> Order:
    word, values = said
    places = sorted(range(n), key=lambda place: values[place])
    epochs = _epochs(progress, places)
    ordered = [values[place] for place in places]
    whole = word in STEPS and all(float(value).is_integer() and abs(value) <= LARGEST for value in ordered)
    steps = [int(value) for value in ordered] if whole and grows(ordered) else list(range(n))
    return Order(places, steps, epochs, f"by the {word} that the files say", "step" if whole else "point")


def _epochs(progress: Sequence[dict[str, float]], places: Sequence[int]) -> list[float]:
    """The epochs that the files say, where every one does; else NaN."""
    word = next((name for name in EPOCHS if all(name in each for each in progress)), None)
    return [float(progress[place][word]) if word else math.nan for place in places]


def _said(progress: Sequence[dict[str, float]]) -> tuple[str, list[float]] | None:
    """The first word by which every file tells its own step, or epoch, and by which some differ."""
    for word in (*STEPS, *EPOCHS):
        if all(word in each for each in progress):
            values = [each[word] for each in progress]
            if len(set(values)) > 1:
                return word, values
    return None


def _by_files_alone(said: tuple[str, list[float]] | None, names: Sequence[Name]) -> bool:
    """Whether what files say orders them: each says another step, and no name tells of more runs."""
    words: dict[tuple[str, str], set[float]] = {}
    for number in (number for name in names for number in name.numbers):
        words.setdefault((number.kind, number.word), set()).add(number.value)
    series = {name.text for name in names if name.numbers}
    runs = any(len(values) > 1 for (kind, _), values in words.items() if kind in {"part", "run"})
    return said is not None and len(set(said[1])) == len(names) and len(series) < 2 and not runs
