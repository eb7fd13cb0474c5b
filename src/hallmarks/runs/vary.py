"""A variation: an overlay on any of a task's settings, checked again whole, and the run's name by it."""

import difflib
import re
from typing import Any

from hallmarks.config.load import explain, overlay
from hallmarks.config.types import TASKS
from hallmarks.errors import UserError
from hallmarks.runs.identity import leaves
from hallmarks.runs.origin import Origin

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def vary(task: Origin, variation: dict[str, Any], where: str) -> tuple[str, Origin]:
    """The variation's name, which lists only what differs from the task, and the settings that result.

    Equal settings have one name, whatever of them is written out.
    A key is a setting's own name where that is unambiguous, or the way to it, or the way's end: `width`,
    `model.width`, `points.every`. A mapping joins what is there, and replaces it where it names another kind
    (`optimizer: {name: adamw, …}`). Raises UserError that begins with `where`.
    """
    base, over = task.resolved(), {}
    for key, value in variation.items():
        for step in reversed(way_to(key, base, where)):
            value = {step: value}
        if twice := both(over, value):
            raise UserError(f"{where}: {'.'.join(twice)} stands twice")
        over = overlay(over, value)
    try:
        # What decides nothing, such as the reasons of choices, stays as it is.
        settings = TASKS.validate(task.model_dump(exclude=set(base)) | joined(base, over))
    except ValueError as error:
        raise UserError(f"{where}: {explain(error)}") from None
    before, now = dict(leaves(base)), dict(leaves(settings.resolved()))
    given, groups = dict(leaves(settings.given())), {way[:-1] for way in before}
    differing = [
        way
        for way, value in now.items()
        # What another kind has and the task has not is named where it is not at its default.
        if (before[way] != value if way in before else way in given or way[:-1] not in groups)
    ]
    names = {shown(way, base): text_of(now[way], f"{where}: {'.'.join(way)}") for way in differing}
    return "+".join(f"{key}={names[key]}" for key in sorted(names)) or "default", settings


def both(one: dict[str, Any], other: dict[str, Any]) -> tuple[str, ...] | None:
    """The way to a setting that both set, whole or in part; None where there is none."""
    pairs = [(way, other_way) for way, _ in leaves(one) for other_way, _ in leaves(other)]
    common = [min(pair, key=len) for pair in pairs if all(a == b for a, b in zip(*pair, strict=False))]
    return min(common, default=None)


def way_to(key: str, settings: dict[str, Any], where: str) -> tuple[str, ...]:
    """The keys that lead to a setting. Raises UserError where there is none, or several, of its name."""
    steps = tuple(key.split("."))
    if steps[0] in settings:
        return steps
    ways = [way for way in all_ways(settings) if way[-len(steps) :] == steps]
    if len(ways) == 1:
        return ways[0]
    if ways:
        raise UserError(f"{where}: {key} is one of {', '.join(map('.'.join, ways))}; say which")
    near = difflib.get_close_matches(key, [way[-1] for way in all_ways(settings)], 1)
    raise UserError(
        f"{where}: {key}: the task has no such setting" + (f"; did you mean '{near[0]}'?" if near else "")
    )


def all_ways(settings: Any, way: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The way to every setting, groups of them included."""
    if not isinstance(settings, dict):
        return []
    return [
        found for key, value in settings.items() for found in [(*way, key), *all_ways(value, (*way, key))]
    ]


def joined(before: Any, value: Any) -> Any:
    """A mapping joins the one before, unless it names another kind; anything else replaces it."""
    if not isinstance(value, dict) or not isinstance(before, dict):
        return value
    if "name" in value and value["name"] != before.get("name"):
        return value
    return before | {key: joined(before.get(key), inner) for key, inner in value.items()}


def shown(way: tuple[str, ...], settings: dict[str, Any]) -> str:
    """A setting's name as runs bear it: its own, or the way to it where its own is ambiguous."""
    same = [other for other in all_ways(settings) if other[-1] == way[-1]]
    return way[-1] if len(same) <= 1 else ".".join(way)


def text_of(value: Any, where: str) -> str:
    """A value as a part of a run's name, which is a folder's. Raises UserError where it can be none."""
    if isinstance(value, list):
        return "-".join(text_of(item, where) for item in value) or "none"
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int | float):
        return number(value).replace("+", "")
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return value
    raise UserError(f"{where}: '{value}' cannot be part of a run's name; use letters and digits")


def number(value: int | float) -> str:
    """As short as it can be read back from: 0.1, 5e-05, 0.03333333333."""
    text = f"{value:g}"
    return text if float(text) == value else repr(value)


def label(variation: dict[str, Any]) -> str:
    """What a reader sees: `momentum 0, weight decay 0.0001`."""
    said = [f"{'.'.join(way).replace('_', ' ')} {said_of(value)}" for way, value in sorted(leaves(variation))]
    return ", ".join(said) if variation else "default"


def said_of(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(map(said_of, value)) or "none"
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
