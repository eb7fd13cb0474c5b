"""The order that names tell: by one key of theirs, such as the step, and of one run alone."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.others.names import Name, Number

LARGEST = 2**63 - 1
ADVICE = "list the files in order and give --as-given"
BY = {"step": "step", "epoch": "epoch", "": "the number in their names", "date": "the date in their names"}


@dataclass(frozen=True)
class Order:
    """The points in order, each one's step and epoch (NaN where unknown), and in words why.

    `unit` is what their steps are: step; number, of the names; or point, places in this list.
    """

    places: list[int]
    steps: list[int]
    epochs: list[float]
    why: str
    unit: str = "point"

    @property
    def epochs_known(self) -> bool:
        return not all(map(math.isnan, self.epochs))


def by_names(paths: Sequence[Path], names: Sequence[Name]) -> Order:
    """Sort by the numbers of names that are otherwise alike. Raises UserError."""
    columns = [column for column in zip(*(name.numbers for name in names), strict=True) if _varies(column)]
    one, other = paths[0], paths[1]

    def refuse(why: str) -> UserError:
        return UserError(f"{one} and {other}: their order cannot be told from their names ({why}); {ADVICE}")

    kinds = [kind_of(column) for column in columns]
    for kind, column in zip(kinds, columns, strict=True):
        listed = ", ".join(f"{value:g}" for value in sorted({number.value for number in column})[:4])
        if kind == "part":
            raise UserError(
                f"{one} and {other}: parts of one model, by {column[0].word or 'their numbers'} {listed}, "
                "not points; put them together first, or give those of one part alone"
            )
        if kind == "run":
            raise refuse(f"{column[0].word} {listed}: more than one run; give those of one")
        if kind == "day_first":
            raise refuse("dates with the day or the month first")
    timed = [column for wanted in ("epoch", "step") for column in columns if kind_of(column) == wanted]
    plain = [column for column in columns if kind_of(column) in {"", "date"}]
    keys = timed or plain
    if not keys:
        metrics = [column[0].word for column in columns if kind_of(column) == "metric"]
        raise refuse(f"only {', '.join(metrics)} differ" if any(metrics) else "no number in them says it")
    places = sorted(range(len(paths)), key=lambda place: [column[place].value for column in keys])
    for a, b in itertools.pairwise(places):
        if all(column[a].value == column[b].value for column in keys):
            one, other = paths[a], paths[b]
            raise refuse("they give the same " + (BY[kind_of(keys[-1])] if timed else "number"))
    for column in plain:
        if len(keys) + len(timed) > 1 and any(
            column[a].value > column[b].value for a, b in itertools.pairwise(places)
        ):
            raise refuse(f"they hold several numbers, {_example(names[0])}, that do not grow together")
    if grows([keys[-1][place].value for place in places]):
        keys = keys[-1:]
    return numbered(
        places, names, f"by {' and '.join(dict.fromkeys(BY[kind_of(column)] for column in keys))}"
    )


def numbered(places: list[int], names: Sequence[Name], why: str) -> Order:
    """Steps and epochs from the names where these say them, else places in the list."""
    epochs = [math.nan] * len(places)
    found: dict[str, list[int]] = {}
    alike = len({name.text for name in names}) == 1
    for column in zip(*(names[place].numbers for place in places), strict=True) if alike else []:
        kind, values = kind_of(column), [number.value for number in column]
        if kind == "epoch" and grows(values, strictly=False):
            epochs = [float(value) for value in values]
        whole = all(float(value).is_integer() and value <= LARGEST for value in values)
        if kind in {"step", ""} and whole and grows(values):
            found.setdefault("step" if kind else "number", [int(value) for value in values])
    unit = next((unit for unit in ("step", "number") if unit in found and len(places) > 1), "point")
    steps = next((found[unit] for unit in ("step", "number") if unit in found), list(range(len(places))))
    return Order(places, steps, epochs, why, unit)


def kind_of(column: Sequence[Number]) -> str:
    """What a number counts in names that are alike, by any of them that says it."""
    return next((number.kind for number in column if number.kind), "")


def _varies(column: Sequence[Number]) -> bool:
    return kind_of(column) == "commit" or len({number.value for number in column}) > 1


def grows(values: Sequence[float], strictly: bool = True) -> bool:
    return all(a < b or (a == b and not strictly) for a, b in itertools.pairwise(values))


def _example(name: Name) -> str:
    return ", ".join(f"{number.word} {number.value:g}".strip() for number in name.numbers)
