"""Measures of one number a kernel that the tables do not hold: `measure: <name>` of a claim is a file here.

Each has `derive(kernel, phases)`, the number. `NEEDS_DROPS = True` says that it compares phases of the
learning rate; `READS` says, beside a bound, what the number is.
"""

import importlib
import pkgutil
from types import ModuleType


def names() -> list[str]:
    """Every derived measure, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def module_name(measure: str) -> str | None:
    """`hallmarks.measures.derived.<measure>`; None for a measure that the tables hold, or none at all."""
    return f"{__name__}.{measure}" if measure in names() else None


def module(measure: str) -> ModuleType | None:
    """The derived measure's module; None as above."""
    name = module_name(measure)
    return importlib.import_module(name) if name else None


def needs_drops(measure: str) -> bool:
    """Whether the measure is derived and compares phases of the learning rate."""
    return getattr(module(measure), "NEEDS_DROPS", False)
