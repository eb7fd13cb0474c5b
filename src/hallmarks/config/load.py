"""YAML files → Config: overlays merged in order, every mistake one line that says what would be right."""

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hallmarks.config.strict import Strict
from hallmarks.config.types import Config
from hallmarks.errors import UserError


def load(paths: list[Path]) -> Config:
    """Read and check a configuration and its overlays. Raises UserError."""
    merged: dict[str, Any] = {}
    for path in paths:
        merged = overlay(merged, read(path))
    return check(merged, " + ".join(map(str, paths)))


def read(path: Path) -> dict[str, Any]:
    """One YAML file that holds a mapping."""
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: a configuration is a mapping of keys, such as 'tasks:'")
    return content


def overlay(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`: mappings join key by key, all else is replaced."""
    joined = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(joined.get(key), dict):
            value = overlay(joined[key], value)
        joined[key] = value
    return joined


def check(content: dict[str, Any], source: str) -> Config:
    """The typed configuration. Raises UserError that names the first wrong key."""
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        while first["type"] == "nested":  # of settings whose type their name asked for
            inner = first["ctx"]["errors"][0]
            first = inner | {"loc": (*first["loc"], *inner["loc"])}
        where = ".".join(str(part) for part in first["loc"] if part != "[key]")
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(first["loc"][-1]), sorted(all_keys()), 1)
            message = f"unknown key; did you mean '{near[0]}'?" if near else "unknown key"
        elif first["type"] == "string_pattern_mismatch":
            message = "a name is lower-case letters, digits and hyphens, since it becomes a file in results/"
        elif "input" in first and not isinstance(first["input"], dict):
            message += f", not {first['input']!r}"
        raise UserError(f"{source}: {where + ': ' if where else ''}{message}") from None


def all_keys() -> set[str]:
    """Every key that some part of a configuration has."""
    models = [Strict]
    for model in models:
        models += model.__subclasses__()
    return {field for model in models for field in model.model_fields}
