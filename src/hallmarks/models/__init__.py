"""The paper's networks, built by name, and what kind each of their parameters is."""

from hallmarks.models.kinds import parameter_kinds
from hallmarks.models.registry import MODELS, build

__all__ = ["MODELS", "build", "parameter_kinds"]
