"""YAML files → Config: overlays merged in order, every mistake one line that says what would be right."""

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from hallmarks.config.strict import Strict
from hallmarks.config.types import Config
from hallmarks.errors import UserError


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML in which a key stands once: of two, the last would win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = [key for key in keys if keys.count(key) > 1 and key != "<<"]
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key '{twice[0]}' stands twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


def load_configuration(paths: list[Path]) -> Config:
    """Read and check a configuration and its overlays. Raises UserError."""
    merged: dict[str, Any] = {}
    for path in paths:
        merged = overlay(merged, read_yaml(path))
    return check(merged, " + ".join(map(str, paths)))


def read_yaml(path: Path) -> dict[str, Any]:
    """One YAML file that holds a mapping. Raises UserError."""
    try:
        content = yaml.load(path.read_text(), Loader)
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
        raise UserError(f"{source}: {explain(error)}") from None


def explain(error: ValueError) -> str:
    """The first mistake in one line, the key before it."""
    if isinstance(error, PydanticCustomError):  # a registry's own, asked without a configuration around it
        first = error.context["errors"][0]
    elif isinstance(error, ValidationError):
        first = error.errors()[0]
    else:
        return str(error)
    way = list(first["loc"])
    while first["type"] == "nested":
        first = first["ctx"]["errors"][0]
        way += first["loc"]
    where = ".".join(str(part) for part in way if part != "[key]")
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(way[-1]), sorted(all_keys()), 1)
        message = f"unknown key; did you mean '{near[0]}'?" if near else "unknown key"
    elif first["type"] == "string_pattern_mismatch":
        message = "a name is lower-case letters, digits and hyphens, since it becomes a file in results/"
    elif "input" in first and not isinstance(first["input"], dict):
        message += f", not {first['input']!r}"
    return f"{where}: {message}" if where else message


def all_keys() -> set[str]:
    """Every key that some part of a configuration has, of the parts that were met."""
    kinds = [Strict]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return {field for kind in kinds for field in kind.model_fields}
