"""The package's modules are compiled from their sources, never taken from bytecode, which may be of others.

Python takes cached bytecode where time and size of the source are as they were: a source edited to the same
size with its time kept would run as it was before, and what is recorded would not be what ran.
"""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType

PACKAGE = "hallmarks"
# Before this module is there they are imported as Python does it; see `check_first`.
FIRST = (PACKAGE, f"{PACKAGE}.witness", f"{PACKAGE}.witness.journal", __name__)

LOADED: dict[str, bytes] = {}
"""The source of each module that this process runs, by its name."""
told: list[Callable[[str, bytes], None]] = []
"""Who is told of each module as it is loaded."""


class FromSource(SourceFileLoader):
    """Compiles a module's source as it is now, and remembers it."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        LOADED[fullname] = source
        for tell in told:
            tell(fullname, source)
        return self.source_to_code(source, path)


class SourceFinder:
    """Finds the package's modules where Python would, and has them compiled from source."""

    @staticmethod
    def find_spec(
        fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(f"{PACKAGE}."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        loader = spec.loader if spec else None
        if isinstance(loader, SourcelessFileLoader):
            raise ImportError(f"{spec.origin}: bytecode without its source; nobody can say what it does")
        if isinstance(loader, SourceFileLoader):
            spec.loader = FromSource(loader.name, loader.path)
        return spec


def compile_from_source() -> None:
    """Compile every further module of the package from its source."""
    if SourceFinder not in sys.meta_path:
        sys.meta_path.insert(0, SourceFinder)


def check_first() -> str | None:
    """The file of a module that was imported before this one and whose bytecode is not of its source; None
    where there is none. The others' sources are remembered with all that was loaded."""
    for name in FIRST:
        loader = importlib.util.find_spec(name).loader
        plain = SourceFileLoader(name, loader.path)
        source = plain.get_data(loader.path)
        if plain.get_code(name) != plain.source_to_code(source, loader.path):
            return str(loader.path)
        LOADED.setdefault(name, source)
    return None
