"""The paper's networks."""

from hallmarks.models.registry import MODELS

__all__ = ["MODELS"]
