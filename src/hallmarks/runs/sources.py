"""The source files that a command really uses, from the import graph: the inputs of its rule."""

import functools
import importlib.util
from pathlib import Path

import grimp


@functools.cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("hallmarks", cache_dir=None)


@functools.cache
def sources(*modules: str) -> list[str]:
    """The files of each `hallmarks.<module>` and of all that it imports, sorted."""
    used = set()
    for module in modules:
        name = f"hallmarks.{module}"
        used |= {name} | graph().find_upstream_modules(name)
    return sorted(path_of(name) for name in used)


def path_of(module: str) -> str:
    """A module's file, relative to the working directory where it lies below it."""
    path = Path(importlib.util.find_spec(module.split(".")[0]).submodule_search_locations[0])
    path = path.joinpath(*module.split(".")[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
